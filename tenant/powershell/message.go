package powershell

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"rollcall/tenant"
)

// A request is one line to the bridge. Each has one reply, which has its id.
// What a member is for depends on op:
//
//	begin    nonce, noun, folder → powershell, edition, modules (versions)
//	import   module (a version)  → nothing
//	connect  parameters          → cmdlets, account, tenantID
//	run      cmdlet, parameters  → objects, warnings
type request struct {
	ID         int         `json:"id"`
	Op         text        `json:"op"`
	Nonce      text        `json:"nonce,omitempty"`
	Noun       text        `json:"noun,omitempty"`
	Folder     text        `json:"folder,omitempty"`
	Module     text        `json:"module,omitempty"`
	Cmdlet     text        `json:"cmdlet,omitempty"`
	Parameters []parameter `json:"parameters,omitempty"`
}

// A parameter is a value for a cmdlet, with what it is taken for: string, bool,
// number, null, list, edit (of a list), or secret for a string that becomes a
// SecureString. What the cmdlet gets is up to the type of its own parameter; only
// one that takes any object gets what the value is taken for.
type parameter struct {
	Name   text   `json:"name"`
	Type   text   `json:"type"`
	Value  text   `json:"value"`
	Values []text `json:"values,omitempty"` // of a list, or to be added to one
	Remove []text `json:"remove,omitempty"` // from a list
}

// A text is a string with = in front on the way, or the bridge's JSON parser
// would take some for dates.
type text string

// MarshalText returns t as it is sent.
func (t text) MarshalText() ([]byte, error) { return []byte("=" + string(t)), nil }

// UnmarshalText reads what MarshalText returns.
func (t *text) UnmarshalText(b []byte) error {
	s, ok := strings.CutPrefix(string(b), "=")
	if !ok {
		return fmt.Errorf("text %q: no =", b)
	}
	*t = text(s)
	return nil
}

// A reply is one line from the bridge.
type reply struct {
	ID         int              `json:"id"`
	PowerShell string           `json:"powershell"`
	Edition    string           `json:"edition"`
	Modules    []string         `json:"modules"`
	Cmdlets    []string         `json:"cmdlets"`
	Account    string           `json:"account"`
	TenantID   string           `json:"tenantID"`
	Objects    *[]tenant.Object `json:"objects"` // nil if there are none, not even zero
	Warnings   []string         `json:"warnings"`
	Error      *failure         `json:"error"`
}

// A failure is an error as the bridge describes it. Kind is cmdlet if a cmdlet
// failed, import or connect if that step did, missing if there is no such
// cmdlet, refused if it is none to run, and broken if it made no sense.
type failure struct {
	Kind       string   `json:"kind"`
	Message    string   `json:"message"`
	Details    []string `json:"details"`    // messages of the inner exceptions, and the record's own
	Exceptions []string `json:"exceptions"` // classes, outermost first
	Reason     string   `json:"reason"`     // the class that the record names
	Category   string   `json:"category"`   // the record's, such as ObjectNotFound
	ErrorID    string   `json:"errorId"`
	Status     int      `json:"status"` // HTTP, or 0
	RetryAfter string   `json:"retryAfter"`
	Discovery  bool     `json:"discovery"` // it was the look for the service that failed
	Body       string   `json:"body"`      // of the reply, if it was there to be read
}

// line returns r as it is sent: JSON in ASCII, so that it means the same in
// every encoding that a console or a pipe may have. Windows PowerShell reads
// and writes those of its standard streams by the code page of the day.
func (r request) line() []byte {
	b, err := json.Marshal(r)
	if err != nil {
		panic("powershell: request: " + err.Error()) // strings and numbers only
	}
	out := make([]byte, 0, len(b)+1)
	for len(b) > 0 {
		c, n := utf8.DecodeRune(b)
		b = b[n:]
		switch {
		case c < utf8.RuneSelf:
			out = append(out, byte(c))
		case c > 0xFFFF:
			high, low := utf16.EncodeRune(c)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, c)
		}
	}
	return append(out, '\n')
}

// readReply reads a line, without what stands before its JSON.
func readReply(line []byte) (*reply, error) {
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	r := new(reply)
	if err := d.Decode(r); err != nil {
		return nil, fmt.Errorf("a reply that is not as it should be: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("a reply with something behind it")
	}
	return r, nil
}

// ran returns what c wrote or the error that it ended in, and whether that
// is that the session is over. A reply has neither if it is not as it should be;
// objects are not nil otherwise, though there may be none.
func (r *reply) ran(c tenant.Cmdlet, secrets []string) (objects []tenant.Object, e *tenant.Error, lost bool) {
	if r.Error != nil {
		e, lost = r.Error.fault(c, secrets)
		return nil, e, lost
	}
	if r.Objects == nil {
		return nil, nil, false
	}
	return slices.DeleteFunc(*r.Objects, func(o tenant.Object) bool { return o == nil }), nil, false
}

// common are the parameters that every cmdlet has: they say how it is run, not
// what it does, and some of them write variables or turn a Set into a rehearsal.
var common = []string{
	"Verbose", "Debug", "ErrorAction", "WarningAction", "InformationAction", "ProgressAction",
	"ErrorVariable", "WarningVariable", "InformationVariable", "OutVariable", "OutBuffer", "PipelineVariable",
	"WhatIf", "Confirm", "UseTransaction",
	"vb", "db", "ea", "wa", "infa", "proga", "ev", "wv", "iv", "ov", "ob", "pv", "wi", "cf", "usetx", // their other names
}

// parameters returns those of c, the identity first.
func parameters(c tenant.Cmdlet) ([]parameter, error) {
	list := make([]parameter, 1, 1+len(c.Parameters))
	list[0] = parameter{Name: "Identity", Type: "string", Value: text(c.Identity)}
	for _, p := range c.Parameters {
		if !tenant.IsNoun(p.Name) || strings.EqualFold(p.Name, "Identity") {
			return nil, fmt.Errorf("%s: parameter %q: not one to set", c.Name, p.Name)
		}
		for _, name := range common {
			// PowerShell takes the beginning of a name for the name.
			if len(p.Name) <= len(name) && strings.EqualFold(p.Name, name[:len(p.Name)]) {
				return nil, fmt.Errorf("%s: parameter %q: it is %s, which all cmdlets have: not one to set", c.Name, p.Name, name)
			}
		}
		to := parameter{Name: text(p.Name)}
		switch v := p.Value.(type) {
		case nil:
			to.Type = "null"
		case bool:
			to.Type, to.Value = "bool", text(tenant.Text(v))
		case json.Number:
			to.Type, to.Value = "number", text(v)
		case string:
			to.Type, to.Value = "string", text(v)
		case []string:
			to.Type, to.Values = "list", texts(v)
		case tenant.Edit:
			to.Type, to.Values, to.Remove = "edit", texts(v.Add), texts(v.Remove)
		default:
			return nil, fmt.Errorf("%s: parameter %s: a %T can't be sent", c.Name, p.Name, p.Value)
		}
		list = append(list, to)
	}
	for _, p := range list {
		for _, value := range slices.Concat([]text{p.Value}, p.Values, p.Remove) {
			if !utf8.ValidString(string(value)) {
				return nil, fmt.Errorf("%s: parameter %s: %q is not UTF-8", c.Name, p.Name, string(value))
			}
		}
	}
	return list, nil
}

func texts(list []string) []text {
	var all []text
	for _, s := range list {
		all = append(all, text(s))
	}
	return all
}

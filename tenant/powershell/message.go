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

// result returns the objects that c wrote, or its error and whether that means that
// the session is over. Objects are not nil after a success, even if there are none;
// a reply that the bridge would not send has neither objects nor an error.
func (r *reply) result(c tenant.Cmdlet, secrets []string) (objects []tenant.Object, e *tenant.Error, lost bool) {
	if r.Error != nil {
		e, lost = r.Error.fault(c, secrets)
		return nil, e, lost
	}
	if r.Objects == nil {
		return nil, nil, false
	}
	return slices.DeleteFunc(*r.Objects, func(o tenant.Object) bool { return o == nil }), nil, false
}

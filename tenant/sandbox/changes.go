package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"strconv"
	"unicode/utf8"

	"rollcall/tenant"
)

// An entry is a line of a change log, of which there are two kinds. A state says
// that FILE, as it is when its SHA-256 is File, has the first Changes changes of
// the log already; the first line is one, with 0 changes. Any other entry is a
// change: a Set that changed a user.
//
// As a line it is the CRC-32C of its JSON in hex, a space, and the JSON:
//
//	5d2f6c1e {"file":"9f86d081...","changes":0}
//	0a94be37 {"noun":"CASMailbox","user":"ada@contoso.com","parameters":[{"name":"PopEnabled","value":false}]}
type entry struct {
	File    string `json:"file,omitempty"`
	Changes int    `json:"changes,omitempty"`

	Noun       string            `json:"noun,omitempty"`
	User       string            `json:"user,omitempty"`
	Parameters []loggedParameter `json:"parameters,omitempty"`
}

// A loggedParameter is a [tenant.Parameter] as an entry has it.
type loggedParameter struct {
	Name  string `json:"name"`
	Value any    `json:"value"`
	Bytes []byte `json:"bytes,omitempty"` // instead of Value, a string that is not UTF-8, which JSON can't hold
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// makeChange returns the entry of a Set of n for the user called name.
func makeChange(n *noun, name string, ps []tenant.Parameter) entry {
	e := entry{Noun: n.name, User: name, Parameters: make([]loggedParameter, len(ps))}
	for i, p := range ps {
		l := loggedParameter{Name: p.Name, Value: loggable(p.Value)}
		if s, ok := p.Value.(string); ok && !utf8.ValidString(s) {
			l.Value, l.Bytes = nil, []byte(s)
		}
		e.Parameters[i] = l
	}
	return e
}

// parameters returns the parameters of a change.
func (e *entry) parameters() []tenant.Parameter {
	ps := make([]tenant.Parameter, len(e.Parameters))
	for i, l := range e.Parameters {
		ps[i] = tenant.Parameter{Name: l.Name, Value: ParameterValue(l.Value)}
		if l.Bytes != nil {
			ps[i].Value = string(l.Bytes)
		}
	}
	return ps
}

func (e *entry) isState() bool { return e.File != "" }

// appendTo appends e to b as a line.
func (e *entry) appendTo(b []byte) ([]byte, error) {
	j, err := json.Marshal(e)
	if err != nil {
		return b, err
	}
	return fmt.Appendf(b, "%08x %s\n", crc32.Checksum(j, castagnoli), j), nil
}

// parseEntry reads a line without its end.
func parseEntry(line []byte) (entry, error) {
	var e entry
	sum, j, _ := bytes.Cut(line, []byte(" "))
	want, err := strconv.ParseUint(string(sum), 16, 32)
	if err != nil || len(sum) != 8 || uint32(want) != crc32.Checksum(j, castagnoli) {
		return e, errors.New("damaged: its checksum is of something else")
	}
	d := json.NewDecoder(bytes.NewReader(j))
	d.UseNumber()
	d.DisallowUnknownFields() // a later version's, which means more than is understood
	if err := d.Decode(&e); err != nil {
		return e, fmt.Errorf("not an entry: %w", err)
	}
	if _, err := d.Token(); err != io.EOF || e.isState() == (e.Noun != "") || !e.isState() && !tenant.IsNoun(e.Noun) {
		return e, errors.New("not an entry: neither a change nor a state")
	}
	return e, nil
}

// entries yields the entries of the whole lines of a log, up to the first error,
// which says which line it is about. A line that has no end was torn when its
// writer was killed: nobody was told that the change is made.
func entries(b []byte) iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		for n := 1; ; n++ {
			line, rest, whole := bytes.Cut(b, []byte("\n"))
			if !whole {
				return
			}
			e, err := parseEntry(line)
			if err == nil && n == 1 && (!e.isState() || e.Changes != 0) {
				err = errors.New("want the state of the file that the changes are to")
			}
			if err != nil {
				yield(e, fmt.Errorf("line %d: %w", n, err))
				return
			}
			if !yield(e, nil) {
				return
			}
			b = rest
		}
	}
}

// survey returns how many changes a log has and how many of them the file whose
// digest is given has already: -1 if the log is of other states of the file.
func survey(log []byte, digest string) (count, folded int, err error) {
	folded = -1
	for e, err := range entries(log) {
		switch {
		case err != nil:
			return 0, 0, err
		case !e.isState():
			count++
		case e.Changes < 0 || e.Changes > count:
			return 0, 0, fmt.Errorf("a state of %d changes after %d", e.Changes, count)
		case e.File == digest:
			folded = e.Changes
		}
	}
	return count, folded, nil
}

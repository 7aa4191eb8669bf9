package sandbox

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"strings"
	"sync"

	"rollcall/tenant"
)

// The columns of a tenant's file that are not of a property.
const (
	nameColumn    = "UserPrincipalName"
	licenceColumn = "Licensed"
	modeColumn    = "PrivacyMode"
)

// A file is the users of a CSV file.
type file struct {
	path    string // symbolic links followed
	bom     bool
	crlf    bool
	header  []string       // as it is spelled
	columns []column       // of the header
	rows    []row          // in the file's order
	byName  map[string]int // indexes of rows

	saving sync.Mutex // held by whoever writes the file

	mu     sync.Mutex  // guards what follows
	users  []user      // of rows
	digest string      // SHA-256 of the file, as it was loaded or saved last, in hex
	info   os.FileInfo // of the file then
	log    changeLog   // what users have and the file has not
}

// A column is what a column of the file is about.
type column struct {
	name string // the property, as we spell it, or nothing if it is not about one
	kind kind
	off  flags // of a toggle
}

type kind int

const (
	carried kind = iota // along, untouched
	nameKind
	licenceKind
	modeKind
	toggleKind
	genericKind // a property of any noun without rules of its own
)

// A row is a record of the file.
type row struct {
	file  *file
	cells []string
}

var utf8BOM = []byte("\ufeff")

func parseFile(b []byte) (*file, error) {
	f := &file{byName: make(map[string]int)}
	b, f.bom = bytes.CutPrefix(b, utf8BOM)
	if i := bytes.IndexByte(b, '\n'); i > 0 {
		f.crlf = b[i-1] == '\r'
	}
	r := csv.NewReader(bytes.NewReader(b))
	header, err := r.Read()
	if err == io.EOF {
		return nil, fmt.Errorf("empty: want a header with a column %s", nameColumn)
	} else if err != nil {
		return nil, err
	}
	f.header = header
	if f.columns, err = parseHeader(header); err != nil {
		return nil, err
	}
	for {
		cells, err := r.Read()
		if err == io.EOF {
			break
		} else if err != nil {
			return nil, err
		}
		line, _ := r.FieldPos(0)
		u, err := f.parseRow(cells)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		key := fold(u.name)
		if _, ok := f.byName[key]; ok {
			return nil, fmt.Errorf("line %d: %q is on an earlier line, too", line, u.name)
		}
		f.byName[key] = len(f.rows)
		f.rows = append(f.rows, row{f, cells})
		f.users = append(f.users, u)
	}
	// Only here have the rows come to rest.
	for i := range f.users {
		f.users[i].more = &more{row: &f.rows[i]}
	}
	return f, nil
}

func parseHeader(header []string) ([]column, error) {
	columns := make([]column, len(header))
	seen := make(map[string]bool)
	for i, text := range header {
		c := makeColumn(strings.TrimSpace(text))
		if c.kind != carried {
			key := strings.ToLower(c.name)
			if seen[key] {
				return nil, fmt.Errorf("two columns %s", c.name)
			}
			seen[key] = true
		}
		columns[i] = c
	}
	if !seen[strings.ToLower(nameColumn)] {
		return nil, fmt.Errorf("header %q has no column %s", header, nameColumn)
	}
	return columns, nil
}

func makeColumn(name string) column {
	switch {
	case strings.EqualFold(name, nameColumn):
		return column{name: nameColumn, kind: nameKind}
	case strings.EqualFold(name, licenceColumn):
		return column{name: licenceColumn, kind: licenceKind}
	case strings.EqualFold(name, modeColumn):
		return column{name: modeColumn, kind: modeKind}
	case strings.EqualFold(name, "Identity"), !tenant.IsNoun(name):
		return column{}
	}
	if strings.EqualFold(name, "Enabled") { // what the property of UserBriefingConfig was taken to be called
		name = "IsEnabled"
	}
	for _, t := range toggles {
		if strings.EqualFold(name, t.property) {
			return column{name: t.property, kind: toggleKind, off: t.off}
		}
	}
	return column{name: name, kind: genericKind}
}

// isFixed reports whether a file's column called name can't be a property of a
// noun without rules of its own.
func isFixed(name string) bool { return makeColumn(name).kind != genericKind }

func (f *file) parseRow(cells []string) (user, error) {
	var u user
	for i, c := range f.columns {
		text := strings.TrimSpace(cells[i])
		ok := true
		switch {
		case c.kind == nameKind:
			if text == "" {
				return u, errors.New("blank " + nameColumn)
			}
			u.name = text
		case text == "":
			// What New has.
		case c.kind == modeKind:
			var mode flags
			mode, ok = modeFlags(text)
			u.flags |= mode
		case c.kind == licenceKind, c.kind == toggleKind:
			off := c.off
			if c.kind == licenceKind {
				off = unlicensed
			}
			var on bool
			on, ok = tenant.ParseBool(text)
			u.flags = u.flags.with(off, on)
		}
		if !ok && c.kind == modeKind {
			return u, fmt.Errorf("column %q: %q: want opt-in, opt-out or excluded", f.header[i], text)
		} else if !ok {
			return u, fmt.Errorf("column %q: %q: want true or false", f.header[i], text)
		}
	}
	return u, nil
}

// object returns the properties that the row has of the nouns without rules of
// their own: those of usual, over them the file's, over them those of set.
func (r *row) object(usual, set tenant.Object) tenant.Object {
	o := make(tenant.Object, len(usual)+len(set))
	maps.Copy(o, usual)
	for i, c := range r.file.columns {
		if c.kind != genericKind {
			continue
		}
		name := spelling(o, c.name)
		if v := parseCell(r.cells[i]); v != nil {
			o[name] = v
		} else if _, ok := usual[name]; !ok {
			o[name] = nil
		}
	}
	for name, v := range set {
		o[spelling(o, name)] = v
	}
	return o
}

// anyNoun is a noun without rules of its own: its values are all there can be.
var anyNoun = func() *tenant.Setting {
	s, err := tenant.LookupSetting("AnyNoun")
	if err != nil {
		panic("sandbox: " + err.Error())
	}
	return s
}()

// parseCell returns the value that a cell has for a noun without rules of its
// own, written as results are: nil if it is blank.
func parseCell(text string) any {
	v, err := anyNoun.ParseCell("Any", text)
	if err != nil {
		return text
	}
	switch v := tenant.As(v, tenant.Unknown).(type) {
	case []string:
		return anys(v)
	case tenant.Edit: // which is no value
		return text
	default:
		return v
	}
}

func (f *file) read(name string) (user, bool) {
	i, ok := f.byName[fold(name)]
	if !ok {
		return user{}, false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.users[i], true
}

func (f *file) update(name string, n *noun, ps []tenant.Parameter) (user, outcome, error) {
	i, ok := f.byName[fold(name)]
	if !ok {
		return user{}, noUser, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	u, err := n.set(n, f.users[i], ps)
	if err != nil || u == f.users[i] {
		return f.users[i], unchanged, err
	}
	if err := f.append(makeChange(n, u.name, ps)); err != nil {
		return f.users[i], unchanged, &tenant.Error{Class: tenant.Failed, Err: err}
	}
	f.users[i] = u
	return u, changed, nil
}

package results

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"rollcall/pipeline"
)

// A Manifest says what a results file is made of. A run that goes on with the
// file must be of the same; which it is, and which life of it, is on record in
// the journal and in the summary beside the file.
type Manifest struct {
	Run       string   `json:"run"`                  // apply, audit or undo
	ReadFirst bool     `json:"read_first,omitempty"` // of an apply: it reads users ahead of the set
	Tenant    string   `json:"tenant"`
	Where     Where    `json:"where"` // the same, for a program
	Noun      string   `json:"noun"`
	Change    string   `json:"change"`
	Wanted    []string `json:"wanted,omitempty"` // the values of the change, if all rows want the same
	Rows      int      `json:"rows"`             // of the roster
	Digest    string   `json:"digest"`           // of the roster: see [roster.Roster.Digest]
	Excel     bool     `json:"excel"`
	Befores   bool     `json:"befores"` // the value before is known of every user ahead of the set

	// Unsure is how many of the first rows an earlier life may have set without
	// anything left that says so: see [pipeline.Run.Unsure]. All lives to come have
	// to know, until the rows are recorded.
	Unsure int `json:"unsure,omitempty"`

	ID  string `json:"id"`            // of this life of the run
	Was string `json:"was,omitempty"` // of the one whose summary it found, if that is not its own
}

// Where says which tenant a run was on, in the words of the flags.
type Where struct {
	Tenant       string `json:"tenant"`
	Organization string `json:"organization,omitempty"`
	Endpoint     string `json:"endpoint,omitempty"`
	Cloud        string `json:"cloud,omitempty"`
}

// IsSandbox reports whether the tenant is not a real one.
func (w Where) IsSandbox() bool {
	return w.Tenant == "sandbox" || strings.HasPrefix(w.Tenant, "sandbox:")
}

// Same reports whether w and v are one tenant.
func (w Where) Same(v Where) bool {
	return w.Tenant == v.Tenant && strings.EqualFold(w.Organization, v.Organization) && w.Endpoint == v.Endpoint && w.Cloud == v.Cloud
}

// UnmarshalJSON reads m, also as earlier versions wrote it: ReadFirst was a word of
// Run.
func (m *Manifest) UnmarshalJSON(b []byte) error {
	type plain Manifest
	if err := json.Unmarshal(b, (*plain)(m)); err != nil {
		return err
	}
	if kind, more, _ := strings.Cut(m.Run, " "); more == "--read-first" {
		m.Run, m.ReadFirst = kind, true
	}
	return nil
}

// kind returns what kind of run it was in words.
func (m Manifest) kind() string {
	if m.ReadFirst {
		return m.Run + " that reads first"
	}
	return m.Run
}

// differ returns an error that names the first thing in which m, of a run that
// is to go on, is not what was is.
func (m Manifest) differ(was Manifest) error {
	layout := map[bool]string{true: "for Excel", false: "not for Excel"}
	for _, f := range []struct{ what, was, now string }{
		{"kind of run", was.kind(), m.kind()},
		{"tenant", was.tenant(m), m.tenant(was)},
		{"setting", was.Noun, m.Noun},
		{"change", was.change(), m.change()},
		{"roster", pipeline.Plural(was.Rows, "row"), pipeline.Plural(m.Rows, "row")},
		{"layout", layout[was.Excel], layout[m.Excel]},
	} {
		if f.was != f.now {
			return fmt.Errorf("made with another %s: it was %s, and now is %s", f.what, f.was, f.now)
		}
	}
	return nil
}

// differRoster returns an error if the rosters of m and was are not of the same
// rows.
func (m Manifest) differRoster(was Manifest) error {
	if was.Digest != m.Digest {
		return fmt.Errorf("made with another roster: it has %s as before, and other users, lines or wanted values (digest %.12s then, %.12s now)",
			pipeline.Plural(m.Rows, "row"), was.Digest, m.Digest)
	}
	return nil
}

// tenant returns the tenant as people call it, or as the flags do if that is the
// same as of another one.
func (m Manifest) tenant(other Manifest) string {
	switch {
	case m.Where.Same(other.Where):
		return ""
	case m.Tenant == other.Tenant:
		return fmt.Sprintf("%s %+v", m.Tenant, m.Where)
	}
	return m.Tenant
}

// change returns the change, with what it comes to where that is not the same: a
// retired value may be wanted as another one.
func (m Manifest) change() string {
	plain := func(value string) bool { return strings.Contains(m.Change+",", "="+value+",") }
	if !slices.ContainsFunc(m.Wanted, func(value string) bool { return !plain(value) }) {
		return m.Change
	}
	return fmt.Sprintf("%s (%s)", m.Change, strings.Join(m.Wanted, ", "))
}

// newID returns m with an ID of its own, for a run that goes on where the summary
// is that of was or, if that is "", that is new.
func (m Manifest) newID(was string) Manifest {
	m.ID, m.Was = rand.Text(), was
	return m
}

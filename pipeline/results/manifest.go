package results

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"rollcall/pipeline"
)

// A Manifest says from what a results file is made: the kind of run, tenant, change and
// roster. A run that resumes the file must have the same. It is on record in the journal
// and in the summary, with an ID of the execution.
type Manifest struct {
	Run       string   `json:"run"`                  // apply, audit or undo
	ReadFirst bool     `json:"read_first,omitempty"` // of an apply: it reads users before the set
	Tenant    string   `json:"tenant"`
	Where     Where    `json:"where"` // the same, for a program
	Noun      string   `json:"noun"`
	Change    string   `json:"change"`
	Wanted    []string `json:"wanted,omitempty"` // the values of the change, if all rows want the same
	Rows      int      `json:"rows"`             // of the roster
	Digest    string   `json:"digest"`           // of the roster: see [roster.Roster.Digest]
	Excel     bool     `json:"excel"`
	Befores   bool     `json:"befores"` // the values before of every user are on record before the set

	// Unsure is how many of the first rows an earlier execution may have set without a
	// trace: see [pipeline.Run.Unsure]. Later executions need it until these rows are
	// recorded.
	Unsure int `json:"unsure,omitempty"`

	ID  string `json:"id"`            // of this execution
	Was string `json:"was,omitempty"` // ID of the earlier execution whose summary was there, until this one has its own
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

// UnmarshalJSON reads m, also in the form of earlier versions, where Run had ReadFirst as a
// second word.
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

// kind returns the kind of run in words.
func (m Manifest) kind() string {
	if m.ReadFirst {
		return m.Run + " that reads first"
	}
	return m.Run
}

// differ returns an error that names the first difference between was and m, the manifest
// of the run that wants to resume.
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

// differRoster returns an error if the rosters of m and was have different rows.
func (m Manifest) differRoster(was Manifest) error {
	if was.Digest != m.Digest {
		return fmt.Errorf("made with another roster: it has %s as before, but other users (capitals count), lines or wanted values (digest %.12s then, %.12s now)",
			pipeline.Plural(m.Rows, "row"), was.Digest, m.Digest)
	}
	return nil
}

// tenant returns the name of the tenant for messages. If other has the same name but is
// another tenant, it adds the settings; if it is the same tenant, it returns "".
func (m Manifest) tenant(other Manifest) string {
	switch {
	case m.Where.Same(other.Where):
		return ""
	case m.Tenant == other.Tenant:
		return fmt.Sprintf("%s %+v", m.Tenant, m.Where)
	}
	return m.Tenant
}

// change returns the change, and the wanted values if they are different: a retired value
// may be replaced by another one.
func (m Manifest) change() string {
	plain := func(value string) bool { return strings.Contains(m.Change+",", "="+value+",") }
	if !slices.ContainsFunc(m.Wanted, func(value string) bool { return !plain(value) }) {
		return m.Change
	}
	return fmt.Sprintf("%s (%s)", m.Change, strings.Join(m.Wanted, ", "))
}

// newID returns m with a new ID. was is the ID of the execution whose summary is beside the
// file, or "" for a new run.
func (m Manifest) newID(was string) Manifest {
	m.ID, m.Was = rand.Text(), was
	return m
}

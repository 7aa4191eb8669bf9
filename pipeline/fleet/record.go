package fleet

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"rollcall/pipeline"
	"rollcall/pipeline/results"
	"rollcall/tenant/disk"
)

// RecordSchema is the version of the document that a [Record] is written as. It
// changes when a name goes or changes its meaning, and not when one is added.
const RecordSchema = 1

// The state of a job that has not begun. The others are the endings of package
// results.
const Waiting = "waiting"

// A Record is what there is to say of a fleet: fleet.json of its results directory.
// It is also what says that the directory is that fleet's.
type Record struct {
	Schema   int            `json:"schema"`
	Version  string         `json:"version"`      // of the program
	ID       string         `json:"id,omitempty"` // on a server
	Name     string         `json:"name"`
	Run      string         `json:"run"`
	User     string         `json:"user"`
	Host     string         `json:"host"`
	Started  time.Time      `json:"started"`
	Finished *time.Time     `json:"finished"` // null as long as it runs
	State    string         `json:"outcome"`
	Reason   string         `json:"reason"`
	Exit     *int           `json:"exit"` // null as long as it runs
	Rows     Rows           `json:"rows"`
	Tenants  []TenantRecord `json:"tenants"`
}

// A TenantRecord is what there is to say of one tenant of a fleet.
type TenantRecord struct {
	Name         string `json:"name"`
	Profile      string `json:"profile"`
	Tenant       string `json:"tenant"` // as people call it
	Noun         string `json:"noun"`
	Change       string `json:"change"`
	Roster       string `json:"roster"`
	RosterSHA256 string `json:"roster_sha256"` // as it was when the fleet began
	Results      string `json:"results"`       // in the directory of the record
	Outcome

	Refused string `json:"refused,omitempty"` // why the last run of the fleet left it as it was
}

// Differs returns an error that says what another job than was t is, or nil: then what is
// done of one is done of the other. Rosters are told apart by their content.
func (t *TenantRecord) Differs(was *TenantRecord) error {
	for _, f := range []struct{ what, was, now string }{{"tenant", was.Tenant, t.Tenant}, {"setting", was.Noun, t.Noun}, {"change", was.Change, t.Change}} {
		if f.was != f.now {
			return fmt.Errorf("its results were made with another %s: it was %s, and now is %s", f.what, f.was, f.now)
		}
	}
	if t.RosterSHA256 != was.RosterSHA256 {
		return fmt.Errorf("roster %s: it was changed since the fleet began (SHA-256 %.12s then, %.12s now)", t.Roster, was.RosterSHA256, t.RosterSHA256)
	}
	return nil
}

// An Outcome is what has become of the job of a tenant.
type Outcome struct {
	State    string     `json:"outcome"` // Waiting, or one of the endings of package results
	Reason   string     `json:"reason"`
	Exit     *int       `json:"exit"` // of a run by itself; null before its end
	Started  *time.Time `json:"started"`
	Finished *time.Time `json:"finished"`
	Rows     Rows       `json:"rows"`

	WithFleet bool `json:"with_fleet,omitempty"` // it was stopped since too many others failed
}

// Complete reports whether the job has recorded every row.
func (o *Outcome) Complete() bool { return o.State == results.Complete }

// Rows says where the rows of a job, or of all, stand.
type Rows struct {
	Total    int            `json:"total"`
	Recorded int            `json:"recorded"`
	Failed   int            `json:"failed"`
	ByStatus map[string]int `json:"by_status"`
}

// RowsOf returns c as a record has it.
func RowsOf(c *pipeline.Counts) Rows {
	r := Rows{Total: c.Total, Recorded: c.Done(), Failed: c.Failed(), ByStatus: make(map[string]int)}
	for status, n := range c.ByStatus {
		if n > 0 {
			r.ByStatus[pipeline.Status(status).String()] = n
		}
	}
	return r
}

// Add adds the rows of another job.
func (r *Rows) Add(s Rows) {
	r.Total += s.Total
	r.Recorded += s.Recorded
	r.Failed += s.Failed
	if r.ByStatus == nil {
		r.ByStatus = make(map[string]int)
	}
	for status, n := range s.ByStatus {
		r.ByStatus[status] += n
	}
}

// Sum counts the rows of all tenants.
func (r *Record) Sum() {
	r.Rows = Rows{ByStatus: map[string]int{}}
	for _, t := range r.Tenants {
		r.Rows.Add(t.Rows)
	}
}

// Tenant returns the record of a tenant, or nil.
func (r *Record) Tenant(name string) *TenantRecord {
	for i := range r.Tenants {
		if r.Tenants[i].Name == name {
			return &r.Tenants[i]
		}
	}
	return nil
}

// Write puts r into the file called name, as a whole.
func (r *Record) Write(name string) error {
	return disk.ReplaceFile(name, 0o600, func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(r)
	})
}

// ReadRecord reads the file called name, or returns nil if there is none.
func ReadRecord(name string) (*Record, error) {
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, disk.Cause(err))
	}
	r := new(Record)
	if err := json.Unmarshal(b, r); err != nil {
		return nil, fmt.Errorf("read %s: not the record of a fleet: %w", name, err)
	}
	if r.Schema != RecordSchema {
		return nil, fmt.Errorf("read %s: not the record of a fleet of this version of rollcall (schema %d, want %d)", name, r.Schema, RecordSchema)
	}
	return r, nil
}

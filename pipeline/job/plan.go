package job

import (
	"errors"
	"io"

	"rollcall/pipeline"
	"rollcall/pipeline/results"
	"rollcall/pipeline/roster"
	"rollcall/tenant/connect"
)

// A Plan is what a job has found that it is to do, as far as it has come.
type Plan struct {
	Change  *pipeline.Change
	Source  *results.Source // of a roster that is a results file, or nil
	Tenant  *connect.Tenant
	Users   *roster.Roster
	Kind    string // audit, apply or undo
	Befores bool   // the values before are known of every user ahead of the set

	Manifest results.Manifest
	Format   results.Format  // of the results
	Counts   pipeline.Counts // where the rows of the roster stand
	File     string          // name of the results file, or ""
	Device   bool            // it is a pipe or a device, which can't be gone on with
}

// kind says in a word what is done.
func (o *Options) kind() string {
	switch {
	case o.Audit:
		return "audit"
	case o.Undo:
		return "undo"
	}
	return "apply"
}

// openRoster opens the roster, with what only the journal has if it is a file of
// ours.
func (j *job) openRoster() (err error) {
	o := j.Layout
	Bind(&o, j.Change)
	if j.Undo {
		o.Skip, o.Want = j.Source.Unchanged, j.Source.Undoable(j.Change)
	}
	switch past := j.past(); {
	case past != nil && past.Fed():
		var in io.ReadCloser
		if in, err = past.Open(j.Undo); err == nil {
			j.Users, err = roster.Read(j.Roster, in, o)
			in.Close()
		}
	case j.input.once != nil:
		j.Users, err = roster.Read(j.input.title, j.input.once, o)
	default:
		j.Users, err = roster.Open(j.Roster, nil, o)
	}
	if errors.Is(err, ErrInterrupted) {
		return ErrInterrupted
	}
	if err != nil && j.Undo && j.Source.NoBefore() {
		return noBeforeError{err}
	}
	if err != nil {
		return err
	}
	j.opened(func() { j.Users.Close() })
	found := j.Users.Description()
	j.Kind, j.File = j.kind(), j.Results
	j.Befores = j.ReadFirst || j.Change.Recalls()
	j.Counts.Total = found.Rows
	j.Manifest = results.Manifest{Run: j.Kind, Tenant: j.Tenant.Name, Where: where(&j.Settings), Noun: j.Change.Setting.Noun,
		Change: j.Change.String(), Wanted: j.Change.Wanted(), Rows: found.Rows, Digest: j.Users.Digest(), Excel: j.Excel, Befores: j.Befores}
	if j.Kind == "apply" && j.ReadFirst {
		j.Manifest.Run = "apply --read-first"
	}
	j.Format = results.Format{Properties: j.Change.Properties(), Moved: j.Change.Moved(), Header: j.Users.Header(), UPN: j.Users.UPN(), Excel: j.Excel}
	if j.Source != nil {
		j.Format.Own = j.Source.Own
	}
	j.observe(Opened{&j.Plan})
	return nil
}

// Bind has a roster that is opened with o find the columns of a change, and judge
// its rows by what they want.
func Bind(o *roster.Options, c *pipeline.Change) {
	if c.Empty() {
		return
	}
	o.Header = func(r *roster.Roster) error { return c.Bind(r.Column) }
	if !c.Uniform() || c.Settled != nil {
		o.Want = c.Want
	}
}

// past returns what stands beside the roster, if it is a results file, or nil.
func (j *job) past() *results.Past {
	if j.Source == nil {
		return nil
	}
	return j.Source.Past
}

// where returns which tenant the settings name, for the record.
func where(s *connect.Settings) results.Where {
	w := results.Where{Tenant: s.Tenant}
	if s.File() != "" {
		w.Tenant = s.Identity()
	}
	if s.Tenant == connect.Exchange || s.Tenant == connect.PowerShell {
		w.Organization = s.Organization
		w.Cloud = s.Cloud
	}
	if s.Tenant == connect.Exchange && s.Endpoint != "" {
		w.Endpoint = s.BaseURL()
	}
	return w
}

// A noBeforeError is of a roster of which nothing can be put back for want of values
// before.
type noBeforeError struct{ error }

func (e noBeforeError) Unwrap() []error { return []error{e.error, results.ErrNoBefore} }

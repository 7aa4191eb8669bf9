package job

import (
	"errors"

	"rollcall/pipeline"
	"rollcall/pipeline/results"
	"rollcall/pipeline/roster"
	"rollcall/tenant/connect"
)

// A Plan is what a job is going to do, as far as it is known.
type Plan struct {
	Change  *pipeline.Change
	Source  *results.Source // the roster, if it is a results file, or nil
	Tenant  *connect.Tenant
	Users   *roster.Roster
	Kind    string // audit, apply or undo
	Befores bool   // the values before of every user are on record before the set

	Manifest results.Manifest
	Format   results.Format  // of the results
	Counts   pipeline.Counts // the rows of the roster, by state
	File     string          // name of the results file, or ""
	Device   bool            // the results file is a pipe or a device: it can't be resumed
}

// kind returns audit, apply or undo.
func (o *Options) kind() string {
	switch {
	case o.Audit:
		return "audit"
	case o.Undo:
		return "undo"
	}
	return "apply"
}

// openRoster opens the roster. If it is a results file, it includes the rows that only
// its journal has.
func (j *job) openRoster() error {
	users, err := j.readRoster()
	if err == nil {
		j.onEnd(func() { users.Close() })
		err = j.Change.Survey(users)
	}
	switch {
	case err == nil:
	case errors.Is(err, ErrInterrupted):
		return ErrInterrupted
	default:
		return err
	}
	j.Users = users
	found := j.Users.Description()
	j.Kind, j.File = j.kind(), j.Results
	j.Befores = j.ReadFirst || j.Change.HasBefores()
	j.Counts.Total = found.Rows
	j.Manifest = results.Manifest{Run: j.Kind, ReadFirst: j.Kind == "apply" && j.ReadFirst, Tenant: j.Tenant.Name, Where: where(&j.Settings), Noun: j.Change.Setting.Noun,
		Change: j.Change.String(), Wanted: j.Change.Wanted(), Rows: found.Rows, Digest: j.Users.Digest(), Excel: j.Excel, Befores: j.Befores}
	j.Format = results.Format{Properties: j.Change.Properties(), Moved: j.Change.Moved(), Header: j.Users.Header(), UPN: j.Users.UPN(), Excel: j.Excel}
	if j.Source != nil {
		j.Format.Own = j.Source.Own
	}
	j.observe(Opened{&j.Plan})
	return nil
}

// readRoster opens the file and reads its header.
func (j *job) readRoster() (*roster.Roster, error) {
	o := j.Layout
	o.Interrupt = func() error {
		if j.stopped() {
			return ErrInterrupted
		}
		return nil
	}
	o.Ended = j.Source != nil
	if j.Undo {
		o.Skip = j.Source.Unchanged
		o.AllowNoUsers = true // the results name the users who can't be put back
	}
	if past := j.past(); past != nil && past.HasJournalRows() {
		in, err := past.Open(j.Undo)
		if err != nil {
			return nil, err
		}
		defer in.Close()
		return roster.Read(j.Roster, in, o)
	}
	if j.input.once != nil {
		return roster.Read(j.input.title, j.input.once, o)
	}
	return roster.Open(j.Roster, nil, o)
}

// idle reports whether there is nothing to do on the tenant.
func (j *job) idle() bool { return j.Counts.Left() == 0 || j.Users.Description().Users == 0 }

// past returns the run that wrote the roster, if it is a results file, or nil.
func (j *job) past() *results.Past {
	if j.Source == nil {
		return nil
	}
	return j.Source.Past
}

// where returns the tenant that the settings name, in the form of a manifest.
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

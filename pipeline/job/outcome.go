package job

import (
	"cmp"
	"errors"

	"rollcall/pipeline/results"
	"rollcall/tenant/connect"
)

// outcome returns the Outcome of the job if it ended with err.
func (j *job) outcome(err error) *results.Outcome {
	s := j.Settings
	unnamed := j.unnamed || s.Tenant == ""
	s.Tenant = cmp.Or(s.Tenant, connect.Sandbox)
	o := &results.Outcome{
		Command:  j.kind(),
		Tenant:   s.Identity(),
		Noun:     cmp.Or(j.Wanted.Noun, DefaultNoun),
		Roster:   j.Roster,
		Results:  j.Results,
		Sandbox:  s.Tenant == connect.Sandbox || s.File() != "",
		Unnamed:  unnamed,
		Started:  j.started,
		Finished: j.ended,
		Rows:     j.Counts,

		CommandLine: j.CommandLine,
		Note:        j.Note,
	}
	if s.Tenant == connect.Sandbox {
		o.Tenant = connect.Sandbox
	}
	if j.Tenant != nil {
		o.Caller = j.Tenant.Caller()
	}
	if j.Note == "" && j.from != nil {
		o.Note = j.from.Note
	}
	if j.Change != nil {
		o.Noun, o.Change = j.Change.Setting.Noun, j.Change.String()
	}
	if j.Users != nil {
		o.PassedOver, o.RosterSHA256, o.Manifest = j.Users.Description().PassedOverBy, j.rosterSHA256(), j.Manifest
	}
	if j.recording {
		o.Manifest, o.ResultsSHA256 = j.file.Manifest(), j.file.SHA256()
	}
	if !j.began.IsZero() {
		o.Count(j.run)
		o.Working = j.worked
	}
	o.MaybeSet = j.maybeSet()
	o.Ending = results.Complete
	_, guard := errors.AsType[*GuardError](err)
	_, left := errors.AsType[*LeftChangedError](err)
	switch {
	case err == nil || left:
	case guard:
		o.Ending = results.Guarded
	case j.stopped():
		o.Ending = results.Interrupted
	default:
		o.Ending = results.Errored
	}
	if o.Ending != results.Complete {
		o.Reason = err.Error()
	}
	if j.Sign != nil {
		j.Sign(o, err)
	}
	return o
}

// maybeSet reports whether the users of rows in progress may have been set, by this run or
// by the one that it resumes.
func (j *job) maybeSet() bool {
	switch {
	case j.Audit:
		return false
	case j.run != nil && (j.run.MaybeSet || j.lost && j.run.Stats.Tried.Load()), j.from != nil && j.from.Unsure > 0:
		return true
	case j.from != nil:
		for _, e := range j.from.Earlier {
			if e.Result == nil {
				return true
			}
		}
	}
	return false
}

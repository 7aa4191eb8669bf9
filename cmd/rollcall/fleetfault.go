package main

import (
	"regexp"
	"slices"

	"rollcall/pipeline/fleet"
	"rollcall/pipeline/job"
)

// valueFaults returns all that is wrong with values of flags that stand for themselves,
// where a run says the first.
func (x *execution) valueFaults() (faults []error) {
	f := x.jobFlags
	add := func(err error) {
		if err != nil {
			faults = append(faults, x.explain(err))
		}
	}
	layout, err := f.roster.options()
	add(err)
	_, err = f.guard.guards()
	add(err)
	for _, set := range []func(*job.Options){
		func(o *job.Options) { o.Workers = f.pace.workers },
		func(o *job.Options) { o.Rate = f.pace.rate },
		func(o *job.Options) { o.Retries = f.pace.retries },
		func(o *job.Options) { o.RowTimeout = f.pace.rowTimeout },
		func(o *job.Options) { o.VerifyTimeout = f.pace.verifyTimeout },
		func(o *job.Options) { o.Guards.Canary = f.guard.canary },
		func(o *job.Options) { o.Guards.Limit = f.guard.limit },
		func(o *job.Options) { o.Guards.MaxDuration = f.guard.maxDuration },
		func(o *job.Options) { o.Layout.Only = layout.Only },
	} {
		o := job.Options{Workers: 1}
		set(&o)
		add(o.Check())
	}
	return faults
}

// flagNamed is how a message begins that is on the value of a flag.
var flagNamed = regexp.MustCompile(`^--([a-z][a-z-]*)`)

// fleetFlag returns the flag of a whole fleet, and of this tenant, that a message is on.
func fleetFlag(file *fleet.File, t fleet.Tenant, text string) (fleet.Flag, bool) {
	m := flagNamed.FindStringSubmatch(text)
	if m == nil {
		return fleet.Flag{}, false
	}
	is := func(f fleet.Flag) bool { return f.Name == m[1] }
	i := slices.IndexFunc(file.Flags, is)
	if i < 0 || slices.ContainsFunc(t.Flags, is) {
		return fleet.Flag{}, false
	}
	return file.Flags[i], true
}

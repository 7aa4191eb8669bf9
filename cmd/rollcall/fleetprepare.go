package main

import (
	"errors"
	"fmt"
	"strings"

	"go.uber.org/zap"

	"rollcall/pipeline/fleet"
	"rollcall/pipeline/fleet/queue"
	"rollcall/pipeline/fleet/work"
	"rollcall/pipeline/job"
	"rollcall/pipeline/results"
)

// prepare returns what the job of a tenant is to do on this machine. Its files are in
// dir.
func (w *fleetWorker) prepare(q queue.Job, dir string) (job.Options, error) {
	t := fleet.Tenant{Name: q.Tenant, Profile: q.Profile, Roster: work.RosterName(dir, &q)}
	for _, flag := range q.Flags {
		t.Flags = append(t.Flags, fleet.Flag{Name: flag.Name, Values: flag.Values, List: flag.List})
	}
	j, faults := w.app.planTenant(&fleet.File{Name: q.Fleet, Run: q.Run}, t, w.names)
	if len(faults) > 0 {
		return job.Options{}, unfit(faults)
	}
	if err := sameTarget(j, &q); err != nil {
		return job.Options{}, err
	}
	return w.options(j, &q)
}

// A notHere is the error of a job that another worker may be able to do.
type notHere struct{ error }

// Is reports whether target is how a worker knows that.
func (notHere) Is(target error) bool { return target == work.ErrUnknownProfile }

// unfit returns the error of a job that can't be done here. If that is for want of its
// profile, another worker may have it.
func unfit(faults []fleet.Fault) error {
	var texts []string
	for _, f := range faults {
		_, none := errors.AsType[*noProfilesError](f.Err)
		_, other := errors.AsType[*noProfileError](f.Err)
		err := f.Err
		if inner := errors.Unwrap(err); inner != nil { // without the tenant's name
			err = inner
		}
		if none || other {
			return notHere{err}
		}
		texts = append(texts, message(err))
	}
	return errors.New(strings.Join(texts, "; "))
}

// sameTarget returns an error if j, as it is here, is not what was submitted. A profile
// or the environment of this machine may name another tenant than those of the machine
// that asked whether the change is meant.
func sameTarget(j *fleetJob, q *queue.Job) error {
	for _, f := range []struct{ what, here, submitted string }{
		{"tenant", j.found.Tenant, q.Target}, {"setting", j.found.Noun, q.Noun}, {"change", j.found.Change, q.Change},
	} {
		if f.here != f.submitted {
			return notHere{fmt.Errorf("the %s was submitted as %s, and with the profile and the environment of this machine it is %s", f.what, f.submitted, f.here)}
		}
	}
	return nil
}

// options returns the options of a job.
func (w *fleetWorker) options(j *fleetJob, q *queue.Job) (job.Options, error) {
	x := j.x
	x.interrupts, x.onward = w.interrupts, "rollcall fleet continue "+q.Fleet+" "+q.Tenant
	x.output.name = q.Tenant + ".csv"
	o, err := x.options()
	if err != nil {
		return o, x.explain(err)
	}
	o.Overwrite, o.Resume, o.Outputs, o.Observers = false, true, nil, nil
	o.Command = fmt.Sprintf("fleet %s: %s %s", q.Fleet, q.Run, q.Roster)
	o.CommandLine = w.app.recordedCommand()
	o.Approve = nil // the fleet was
	o.Sign = func(so *results.Outcome, err error) { w.sign(x, so, err) }
	o.Prompt = func(text string) { w.log.Warn("to sign in", zap.String("name", q.Tenant), zap.String("do", text)) }
	o.Log = w.log.With(zap.String("fleet", q.Fleet), zap.String("name", q.Tenant))
	return o, nil
}

// sign adds to the outcome of a job what only the program knows.
func (w *fleetWorker) sign(x *execution, so *results.Outcome, err error) {
	so.Version, so.User, so.Host = version(), userName(), hostName()
	if errors.Is(err, job.ErrInterrupted) { // the worker knows why
		return
	}
	end := x.exit(so, err)
	so.Exit = statusOf(end)
	if so.Reason != "" && message(end) != "" {
		so.Reason = message(end)
	}
}

// exit returns the exit status of a job that ended with err, and why in words.
func (w *fleetWorker) exit(err error) (status int, reason string) {
	stopped, ok := errors.AsType[*work.StoppedError](err)
	switch {
	case ok && stopped.Reason == queue.StopFleet:
		return exitGuard, stopped.Error()
	case ok:
		return exitInterrupted, stopped.Error()
	case errors.Is(err, work.ErrDrained):
		return exitTerminated, "interrupted"
	}
	return statusOf(err), message(err)
}

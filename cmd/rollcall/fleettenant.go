package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.uber.org/zap"

	"rollcall/pipeline"
	"rollcall/pipeline/fleet"
	"rollcall/pipeline/fleet/queue"
	"rollcall/pipeline/job"
	"rollcall/pipeline/results"
)

// runTenant runs the job of a tenant, and returns what came of it.
func (r *fleetRun) runTenant(j *fleetJob, lease *queue.Lease) fleet.Outcome {
	failed := func(err error) fleet.Outcome {
		status := statusOf(err)
		return fleet.Outcome{State: results.Errored, Reason: message(err), Exit: &status, Rows: fleet.Rows{Total: j.found.Roster.Rows, ByStatus: map[string]int{}}}
	}
	if j.found.RosterSHA256 != lease.RosterSHA256 {
		return failed(fmt.Errorf("roster %s: it was changed since the fleet began (SHA-256 %.12s then, %.12s now)", j.Roster, lease.RosterSHA256, j.found.RosterSHA256))
	}
	opts, err := r.options(j)
	if err != nil {
		return failed(j.x.explain(err))
	}
	ctx, cancel := context.WithCancel(r.interrupts.ctx)
	defer cancel()
	defer context.AfterFunc(lease.Context(), cancel)()
	o, err := opts.Run(ctx, r.stop)
	status, reason := r.statusOf(j, o, err)
	return fleet.Outcome{State: o.Ending, Reason: reason, Exit: &status, Rows: fleet.RowsOf(&o.Rows)}
}

// statusOf returns the exit status that the job of a tenant by itself would have had
// after o and err, and why in words.
func (r *fleetRun) statusOf(j *fleetJob, o *results.Outcome, err error) (status int, reason string) {
	if errors.Is(err, job.ErrInterrupted) {
		if status = r.interrupts.status(); status == 0 {
			return exitGuard, "stopped with the fleet"
		}
		return status, "interrupted"
	}
	err = j.x.exit(o, err)
	if statusOf(err) == exitRows && message(err) == "" {
		return exitRows, fmt.Sprintf("%d of %s failed", o.Rows.Failed(), pipeline.Plural(o.Rows.Total, "row"))
	}
	return statusOf(err), message(err)
}

// options returns what the job of a tenant is to do here.
func (r *fleetRun) options(j *fleetJob) (job.Options, error) {
	c := r.app.console
	x := j.x
	x.interrupts, x.onward = r.interrupts, commandLine(r.app.args)
	x.output.name = r.resultsName(j.Name)
	o, err := x.options()
	if err != nil {
		return o, err
	}
	o.Results, o.Overwrite, o.Resume, o.Outputs = x.output.name, false, true, nil
	if r.flags.html.name != "" {
		o.Outputs = []job.Output{&page{x: x, flags: &htmlFlags{name: r.pageName(j.Name), all: r.flags.html.all}, overwrite: true}}
	}
	o.Command = fmt.Sprintf("fleet %s: %s %s -o %s", r.plan.Name, r.plan.Run, j.Roster, o.Results)
	o.Approve = nil // the fleet was
	o.Sign = func(so *results.Outcome, err error) {
		so.Version, so.User, so.Host = version(), userName(), hostName()
		so.Exit, _ = r.statusOf(j, so, err)
		if text := message(x.explainOrNil(err)); so.Reason != "" && text != "" {
			so.Reason = text
		}
	}
	o.Observers = []job.Observer{&fleetObserver{r, j}}
	o.Prompt = func(text string) { c.Break(); c.Say("%s: %s", j.Name, text) }
	o.Log = r.log.With(zap.String("name", j.Name))
	return o, nil
}

// explainOrNil is explain of what may be no error.
func (x *execution) explainOrNil(err error) error {
	if err == nil {
		return nil
	}
	return x.explain(err)
}

// A fleetObserver says on standard error what the job of a tenant does, where that
// needs a person.
type fleetObserver struct {
	r *fleetRun
	j *fleetJob
}

// Observe takes note of how far the job is, and passes warnings on.
func (o *fleetObserver) Observe(e job.Event) {
	switch e := e.(type) {
	case job.Opened:
		o.j.x.plan = e.Plan
	case job.Started:
		o.r.mu.Lock()
		*o.r.running[o.j.Name] = fleetProgress{before: e.Counts.Recorded, run: e.Run}
		o.r.mu.Unlock()
	case job.Warning:
		if e.Err != nil {
			e.Text = message(o.j.x.explain(e.Err))
		}
		if !slices.Contains(o.j.warnings, e.Text) { // which were said at the beginning
			o.r.app.console.Warn("warning: %s: %s", o.j.Name, e.Text)
		}
	case job.Note:
		o.r.app.console.Say("%s: %s", o.j.Name, e.Text)
	}
}

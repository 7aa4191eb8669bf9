package main

import (
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"rollcall/pipeline/fleet"
	"rollcall/pipeline/fleet/queue"
	"rollcall/pipeline/fleet/work"
	"rollcall/pipeline/job"
	"rollcall/pipeline/results"
)

// jobOf returns the tenant of a job in the queue.
func (r *fleetRun) jobOf(q *queue.Job) (*fleetJob, error) {
	for _, j := range r.plan.jobs {
		if j.Name == q.Tenant {
			return j, nil
		}
	}
	return nil, fmt.Errorf("the queue has a job for the tenant %q, which is none of the fleet's", q.Tenant)
}

// prepare returns what the job of a tenant is to do here.
func (r *fleetRun) prepare(q queue.Job, _ string) (o job.Options, err error) {
	j, err := r.jobOf(&q)
	if err != nil {
		return o, err
	}
	c, x := r.app.console, j.x
	x.interrupts, x.onward = r.interrupts, commandLine(r.app.args)
	x.output.name = r.resultsName(j.Name)
	if o, err = x.options(); err != nil {
		return o, x.explain(err)
	}
	o.Outputs = nil
	if r.flags.html.name != "" {
		o.Outputs = []job.Output{&page{x: x, flags: &htmlFlags{name: r.pageName(j.Name), all: r.flags.html.all}, overwrite: true}}
	}
	o.Command = fmt.Sprintf("fleet %s: %s %s -o %s", r.plan.Name, r.plan.Run, j.Roster, x.output.name)
	o.Sign = func(so *results.Outcome, err error) {
		so.Version, so.User, so.Host = version(), userName(), hostName()
		err = x.exit(so, err)
		so.Exit = statusOf(err)
		if text := message(err); so.Reason != "" && text != "" {
			so.Reason = text
		}
	}
	o.Observers = nil // r is told by the Worker
	o.Prompt = func(text string) { c.Break(); c.Say("%s: %s", j.Name, text) }
	o.Log = r.log.With(zap.String("name", j.Name))
	return o, nil
}

// Observe keeps the state of the fleet up to date, and says on standard error what needs
// a person.
func (r *fleetRun) Observe(q *queue.Job, e work.Event) {
	j, err := r.jobOf(q)
	if err != nil {
		return // prepare says so
	}
	switch e := e.(type) {
	case work.Began:
		now := time.Now().UTC()
		r.change(j, func(t *fleet.TenantRecord) { t.State, t.Started = results.Running, &now }, new(fleetProgress))
	case job.Opened:
		j.x.plan = e.Plan
	case job.Started:
		r.change(j, func(*fleet.TenantRecord) {}, &fleetProgress{before: e.Counts.Recorded, run: e.Run})
	case work.Ended:
		r.change(j, func(t *fleet.TenantRecord) { t.Outcome = e.Outcome }, nil)
		r.ended()
	case work.Returned:
		r.change(j, func(t *fleet.TenantRecord) { t.Outcome = e.Outcome }, nil)
	case work.Lost: // and free again, for this process
		r.change(j, func(t *fleet.TenantRecord) { t.State = fleet.Waiting }, nil)
	case job.Warning:
		if e.Err != nil {
			e.Text = message(j.x.explain(e.Err))
		}
		if !slices.Contains(j.warnings, e.Text) { // which were said at the beginning
			r.app.console.Warn("warning: %s: %s", j.Name, e.Text)
		}
	case job.Note:
		r.app.console.Say("%s: %s", j.Name, e.Text)
	}
}

// change changes the record of a tenant, and how far it is at work: nil if it is not.
func (r *fleetRun) change(j *fleetJob, change func(*fleet.TenantRecord), p *fleetProgress) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(r.record.Tenant(j.Name))
	r.running[j.Name] = p
	if p == nil {
		delete(r.running, j.Name)
	}
}

// ended takes note of the end of a job: the work is over after the last, or if too many
// have failed.
func (r *fleetRun) ended() {
	r.mu.Lock()
	r.todo--
	if r.todo == 0 {
		r.end()
	}
	stop := r.todo > 0 && r.record.TooManyFailed(r.flags.failed) != ""
	r.mu.Unlock()
	if stop {
		r.halt()
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"rollcall/pipeline"
	"rollcall/pipeline/fleet"
	"rollcall/pipeline/fleet/queue"
	"rollcall/pipeline/job"
	"rollcall/pipeline/results"
	"rollcall/report"
)

// A fleetState is how far a fleet has come.
type fleetState struct {
	mu      sync.Mutex
	record  fleet.Record
	running map[string]*fleetProgress // by tenant
	stopped bool                      // stop is closed
}

// A fleetProgress is how far the job of a tenant has come. Before its run begins that
// is nowhere.
type fleetProgress struct {
	before int // rows that were recorded already
	run    *pipeline.Run
}

// recordEvery is how often the record is brought up to date while a fleet is at work.
const recordEvery = 5 * time.Second

// left returns the jobs that are not done.
func (r *fleetRun) left() (left []*fleetJob) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, j := range r.plan.jobs {
		if !r.record.Tenants[i].Complete() {
			left = append(left, j)
		}
	}
	return left
}

// approve asks once whether the fleet is meant, if it writes to a real tenant.
func (r *fleetRun) approve(left []*fleetJob) error {
	real := slices.DeleteFunc(slices.Clone(left), func(j *fleetJob) bool { return !j.found.Real })
	if r.flags.yes || r.plan.Run == "audit" || len(real) == 0 {
		return nil
	}
	return r.app.confirm(r.interrupts, fleetQuestion(real, r.dir))
}

// fleetQuestion asks for the changes of jobs on real tenants, and says what they
// change besides and whether that can be undone.
func fleetQuestion(jobs []*fleetJob, dir string) string {
	var changes, moved, names, lost []string
	users := 0
	for _, j := range jobs {
		names = append(names, j.Name)
		changes = append(changes, j.found.Change)
		moved = append(moved, j.found.Moved...)
		users += j.found.Roster.Users
		if !j.found.Befores {
			lost = append(lost, j.Name)
		}
	}
	unique := func(list []string) []string {
		slices.Sort(list)
		return slices.Compact(list)
	}
	text := fmt.Sprintf("Set %s for %s on %s (%s)?", some(unique(changes)), pipeline.Plural(users, "user"), pipeline.Plural(len(jobs), "tenant"), some(names))
	if moved = unique(moved); moved != nil {
		text += fmt.Sprintf(" That changes %s as well.", strings.Join(moved, ", "))
	}
	if lost != nil {
		return text + fmt.Sprintf(" No value before is read or recorded on %s, so that can't be undone there (read-first).", some(lost))
	}
	return text + " The values before are recorded in " + dir + ", from which undo puts them back."
}

// work does n jobs, several at once, or those that can be begun until it is stopped.
// Every goroutine it starts has returned by the time it does.
func (r *fleetRun) work(n int) error {
	r.running = make(map[string]*fleetProgress)
	r.interrupts.says(func() string {
		r.mu.Lock()
		defer r.mu.Unlock()
		return fmt.Sprintf("finishing the rows in progress on %s, %s", pipeline.Plural(len(r.running), "tenant"), r.interrupts.atMost())
	})
	over := make(chan struct{})
	var listen sync.WaitGroup
	listen.Go(func() {
		select {
		case <-r.interrupts.stop:
			r.halt()
		case <-over:
		}
	})
	defer func() { close(over); listen.Wait() }()
	defer r.showProgress()()
	defer report.Every(recordEvery, func() {
		if err := r.writeRecord(); err != nil {
			r.log.Debug("record", zap.Error(err)) // the end says so
		}
	}, func() {})()

	ctx, cancel := r.waits()
	defer cancel()
	todo := make(chan struct{}, n)
	for range n {
		todo <- struct{}{}
	}
	close(todo)
	var g errgroup.Group
	for range min(n, r.plan.Parallel) {
		g.Go(func() error {
			for range todo {
				lease, err := r.queue.Next(ctx)
				if errors.Is(err, errInterrupted) {
					return nil
				}
				if err == nil {
					err = r.carryOut(lease)
				}
				if err != nil {
					r.halt()
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// halt has no further row begun on any tenant.
func (r *fleetRun) halt() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.stopped {
		r.stopped = true
		close(r.stop)
	}
}

// carryOut does the job of a lease, and keeps what came of it.
func (r *fleetRun) carryOut(lease *queue.Lease) error {
	i := slices.IndexFunc(r.plan.jobs, func(j *fleetJob) bool { return j.Name == lease.Tenant })
	if i < 0 {
		return fmt.Errorf("the queue has a job for the tenant %q, which is none of the fleet's", lease.Tenant)
	}
	j := r.plan.jobs[i]
	began := time.Now().UTC()
	r.mu.Lock()
	r.running[j.Name] = new(fleetProgress)
	r.record.Tenants[i].State, r.record.Tenants[i].Started = results.Running, &began
	r.mu.Unlock()

	o := r.runTenant(j, lease)
	now := time.Now().UTC()
	o.Started, o.Finished = &began, &now

	r.mu.Lock()
	delete(r.running, j.Name)
	r.record.Tenants[i].Outcome = o
	r.mu.Unlock()
	fields := []zap.Field{zap.String("name", j.Name), zap.String("outcome", o.State), zap.Int("exit", *o.Exit), zap.Int("rows", o.Rows.Recorded), zap.Int("failed", o.Rows.Failed)}
	if o.Reason != "" {
		fields = append(fields, zap.String("reason", o.Reason))
	}
	r.log.Info("tenant ended", fields...)
	if r.tooManyFailed() != "" {
		r.halt()
	}
	if o.State == results.Interrupted {
		return lease.Return()
	}
	return lease.Done(context.WithoutCancel(r.interrupts.ctx), o)
}

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
	o, err := opts.Run(r.interrupts.ctx, r.stop)
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

// tooManyFailed says why there are more failed tenants than the fleet may have, or
// nothing. A tenant has failed whose run was not carried out to its end.
func (r *fleetRun) tooManyFailed() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	failed := 0
	for _, t := range r.record.Tenants {
		if t.State == results.Errored || t.State == results.Guarded {
			failed++
		}
	}
	if !r.flags.failed.Exceeded(failed, len(r.record.Tenants)) {
		return ""
	}
	return fmt.Sprintf("%d of %s failed, more than %v", failed, pipeline.Plural(len(r.record.Tenants), "tenant"), r.flags.failed)
}

// showProgress shows how far the fleet is, until the function that it returns is
// called: with a line on a terminal, with log lines elsewhere.
func (r *fleetRun) showProgress() (stop func()) {
	f := &r.flags.console
	total := int64(0)
	for _, t := range r.record.Tenants {
		total += int64(t.Rows.Total)
	}
	switch {
	case f.quiet:
	case f.draws(r.app):
		return r.app.console.FleetProgress(total, r.view, report.Terminal{Columns: columns(r.app.err)})
	case f.stats > 0:
		last := r.view().Rows
		return report.Every(f.stats, func() {
			v := r.view()
			r.log.Info("progress", zap.Int64("rows", v.Rows), zap.Int64("of", total), zap.Float64("rows_per_second", math.Round(10*float64(v.Rows-last)/f.stats.Seconds())/10),
				zap.Int64("failed", v.Failed), zap.Int("tenants_ended", v.Ended), zap.Int("tenants_running", len(v.Running)), zap.Int("tenants", v.Tenants))
			last = v.Rows
		}, func() {})
	}
	return func() {}
}

// view returns how far the fleet is.
func (r *fleetRun) view() (v report.FleetView) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v.Tenants, v.Stopping, v.Interrupted = len(r.record.Tenants), r.stopped, r.interrupts.status() != 0
	for _, t := range r.record.Tenants {
		p := r.running[t.Name]
		switch {
		case p != nil:
			v.Running = append(v.Running, t.Name)
			if p.run == nil {
				break
			}
			v.Rows += int64(p.before) + p.run.Stats.Rows.Load()
			v.InProgress += p.run.Stats.InProgress()
			for s := range p.run.Stats.ByStatus {
				if pipeline.Status(s).IsFailure() {
					v.Failed += p.run.Stats.ByStatus[s].Load()
				}
			}
		case t.State != fleet.Waiting:
			v.Ended++
			fallthrough
		default:
			v.Rows += int64(t.Rows.Recorded)
			v.Failed += int64(t.Rows.Failed)
		}
	}
	return v
}

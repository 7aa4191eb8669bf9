package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"rollcall/pipeline"
	"rollcall/pipeline/fleet/queue"
)

// fleetRunFlags are those of fleet run.
type fleetRunFlags struct {
	results     string
	html        htmlFlags
	maxFailed   string
	yes         bool
	stopTimeout time.Duration
	console     consoleFlags

	failed pipeline.Share // maxFailed
}

func (a *app) fleetRun() *cobra.Command {
	var f fleetRunFlags
	c := &cobra.Command{
		Use:   "run FLEET",
		Short: "Work on all tenants of a fleet from here, until it is done",
		Long: `run works on the tenants of a fleet file from this machine, several at once, until all
are done. Started again it goes on where it was, however it ended.`,
		Example: `  rollcall fleet run fleet.yaml
  rollcall fleet run fleet.yaml --results results --html results/fleet.html
  rollcall fleet run fleet.yaml --results today --yes --quiet --max-failed-tenants 10%`,
		Annotations: more(`The results directory has, for each tenant, its results file NAME.csv with a summary
beside it; all.csv with the records of all tenants, and the tenant's name ahead of
each; and fleet.json with what came of the fleet and of each tenant.

The exit status is the worst of what the tenants' own runs would have. A tenant that
is held by another run, could not be carried out or was stopped by a guard is tried
again when the fleet is started again; one that has all its rows recorded is not.

The first interrupt finishes the rows in progress, for as long as --stop-timeout
says; the second, or the end of that time, stops at once.`,
			meaning{exitOK, "on every tenant every row is as wanted (audit: nothing differs)"},
			meaning{exitError, "a tenant, or the fleet, could not be carried out"},
			meaning{exitUsage, "the file or the command line is wrong: nothing was run"},
			meaning{exitRows, "carried out, and some rows failed (audit: some could not be read)"},
			meaning{exitDiffers, "audit: something differs"},
			meaning{exitGuard, "a guard stopped a tenant, or the fleet; the same command goes on"},
			meaning{exitHeld, "another run holds the results directory, or a tenant"},
			meaning{exitInterrupted, "interrupted; the same command goes on"},
			meaning{exitTerminated, "terminated; the same command goes on"}),
		Args: oneFleet,
		RunE: func(_ *cobra.Command, args []string) error { return f.run(a, args[0]) },
	}
	grouped(c.Flags(), "Pace", func(fs *pflag.FlagSet) {
		fs.DurationVar(&f.stopTimeout, "stop-timeout", stopTimeout, "finish rows in progress for this `DURATION`, at most, after an interrupt; then stop at once")
	})
	grouped(c.Flags(), "Guards", func(fs *pflag.FlagSet) {
		fs.StringVar(&f.maxFailed, "max-failed-tenants", "", "stop when more than `N|P%` of the tenants could not be carried out, are held, or were stopped by a guard")
		fs.BoolVarP(&f.yes, "yes", "y", false, "do not ask before the first write to a real tenant")
	})
	grouped(c.Flags(), "Output", func(fs *pflag.FlagSet) {
		fs.StringVar(&f.results, "results", "", "the results `DIR` (default NAME-results, of the fleet's name, in the working directory)")
		f.html.add(fs)
	})
	grouped(c.Flags(), "Messages", f.console.add)
	return c
}

// run works on the fleet of the file called name.
func (f *fleetRunFlags) run(a *app, name string) (err error) {
	if f.stopTimeout < 0 {
		return usage(fmt.Errorf("--stop-timeout %v: want 0 (stop at once) or more", f.stopTimeout))
	}
	if err := f.html.check(false); err != nil {
		return err
	}
	if f.maxFailed != "" {
		if f.failed, err = pipeline.ParseShare(f.maxFailed); err != nil {
			return usage(fmt.Errorf("--max-failed-tenants %q: want a number of tenants, or a percentage", f.maxFailed))
		}
	}
	log, err := f.console.start(a)
	if err != nil {
		return err
	}
	plan, err := a.planFleet(name)
	if err != nil {
		return err
	}
	r := &fleetRun{flags: f, app: a, plan: plan, log: log, dir: f.results, stop: make(chan struct{})}
	if r.dir == "" {
		r.dir = plan.Name + "-results"
	}
	asked := a.console.Log(zapcore.InfoLevel, f.console.logFormat == "json")
	r.interrupts = watch(a.console, f.stopTimeout)
	defer r.interrupts.end()
	defer whenAsked(func() { r.logView(asked, r.view()) })()
	r.interrupts.says(func() string { return "stopping" })
	err = r.do(name)
	if r.interrupts.ctx.Err() != nil && statusOf(err) == exitError { // whatever it was that could not go on
		err = &exit{status: r.interrupts.status(), err: errors.New(message(err))}
	}
	return err
}

// A fleetRun is a run of a fleet on this machine.
type fleetRun struct {
	flags      *fleetRunFlags
	app        *app
	plan       *fleetPlan
	log        *zap.Logger
	dir        string
	interrupts *interrupts
	stop       chan struct{} // closed when nothing more is to be begun
	queue      *queue.Queue
	begun      bool // an earlier run did

	fleetState
}

// do is the story of a fleet: claim the directory, see what is left, ask, work, and
// say what came of it.
func (r *fleetRun) do(name string) error {
	release, err := r.claim(name)
	if err != nil {
		return err
	}
	defer release()
	if err := r.canWrite(name); err != nil {
		return err
	}
	ctx, end, err := r.openQueue(r.interrupts.ctx)
	if err != nil {
		return err
	}
	defer end()
	if err := r.recall(ctx); err != nil {
		return err
	}
	r.say()
	left := r.left()
	if len(r.refused()) == len(r.plan.jobs) { // it may be another fleet's: what is there stays as it is
		sayReasons(r.app, r.record.Tenants, "refused as well")
		return r.refusal()
	}
	if err := r.approve(left); err != nil {
		return err
	}
	if err := r.writeRecord(); err != nil { // with what the jobs are of
		return err
	}
	if err := r.submit(ctx, left); err != nil {
		return err
	}
	err = r.work(ctx, len(left))
	return r.conclude(err)
}

// say says what is about to be done, and what was found in the rosters.
func (r *fleetRun) say() {
	c := r.app.console
	c.Say("fleet %s: %s; results go to %s", r.plan.Name, r.plan.summary(), r.dir)
	var unnamed []string
	for _, j := range r.plan.jobs {
		for _, w := range j.warnings {
			c.Warn("warning: %s: %s", j.Name, w)
		}
		if j.found.Unnamed {
			unnamed = append(unnamed, j.Name)
		}
	}
	if len(unnamed) > 0 {
		text := fmt.Sprintf("no tenant was named for %s: that is the sandbox tenant; nothing in Microsoft 365 is changed there", some(unnamed))
		if c.IsQuiet() {
			c.Remind("%s", text)
		} else {
			c.Say("%s", text)
		}
	}
	if len(r.plan.real()) == 0 && !c.IsQuiet() {
		r.app.goodbye = "all tenants of this fleet were sandboxes: nothing in Microsoft 365 was changed"
	}
	left, refused := len(r.left()), len(r.refused())
	if done := len(r.plan.jobs) - left - refused; done > 0 {
		c.Say("%s done already, %d to go", pipeline.Plural(done, "tenant"), left)
	}
}

// some names the first of a list of names.
func some(names []string) string {
	const most = 5
	text := ""
	for i, name := range names {
		switch {
		case i == most:
			return fmt.Sprintf("%s and %d more", text, len(names)-most)
		case i > 0:
			text += ", "
		}
		text += name
	}
	return text
}

// waits returns a context that ends with the first interrupt or with stop.
func (r *fleetRun) waits() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(r.interrupts.ctx)
	over := make(chan struct{})
	go func() {
		select {
		case <-r.stop:
			cancel(errInterrupted)
		case <-over:
		}
	}()
	return ctx, func() { close(over); cancel(nil) }
}

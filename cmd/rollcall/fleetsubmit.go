package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.uber.org/zap"

	"rollcall/pipeline"
	"rollcall/pipeline/fleet/queue"
)

// fleetSubmitFlags are those of fleet submit and, most of them, of fleet schedule.
type fleetSubmitFlags struct {
	server    fleetServerFlags
	record    recordFlags
	maxFailed string
	yes, wait bool
	console   consoleFlags
}

func (a *app) fleetSubmit() *cobra.Command {
	var f fleetSubmitFlags
	c := &cobra.Command{
		Use:   "submit FLEET.yaml",
		Short: "Give a fleet to a fleet server, whose workers do it",
		Long: `submit checks a fleet file as fleet check does, gives it to a fleet server with all
rosters, and prints the ID of the fleet. Workers (fleet work) then do it.`,
		Example: `  rollcall fleet submit fleet.yaml --server nats://127.0.0.1:4233
  rollcall fleet submit fleet.yaml --server tls://fleet.contoso.com:4233 --token-file token --yes --wait
  rollcall fleet submit fleet.yaml --server nats://127.0.0.1:4233 --max-failed-tenants 10% --note CHG0042`,
		Annotations: more(`The ID, on standard output, is the fleet's name and the time (UTC):
nightly-20260214-023000. The other commands take it, or the name for the latest fleet of
that name. A fleet is submitted as a whole, or not at all: if a tenant is at work in
another fleet, with the same setting, nothing is submitted and that fleet is named. If the
server is lost while it accepts the fleet, a message says that it may have been submitted.

What is submitted is the fleet file and the rosters as they are now, and of a results
file what stands beside it; what becomes of the files here after that is no matter.
Profiles are read here to find out what would be done, and are not submitted: workers
have their own.

With --wait it shows how far the fleet is until that has ended, and exits as fleet run
does. An interrupt then ends the waiting, and not the fleet.`,
			meaning{exitOK, "the fleet was submitted (--wait: on every tenant every row is as wanted)"},
			meaning{exitError, "the server can't be reached, or a file can't be read (--wait: a tenant could not be carried out)"},
			meaning{exitUsage, "the file or the command line is wrong, and all that is wrong was said: nothing was submitted"},
			meaning{exitRows, "--wait: carried out, and some rows failed (audit: some could not be read)"},
			meaning{exitDiffers, "--wait: audit: something differs"},
			meaning{exitGuard, "--wait: a guard stopped a tenant, or the fleet; fleet continue goes on"},
			meaning{exitHeld, "a tenant is at work in another fleet: nothing was submitted (--wait: another run holds a tenant)"},
			meaning{exitInterrupted, "interrupted (--wait: or a tenant was cancelled)"}, meaning{exitTerminated, "terminated"}),
		Args: oneFleet,
		RunE: func(_ *cobra.Command, args []string) error { return f.run(a, args[0]) },
	}
	f.add(c.Flags())
	grouped(c.Flags(), "Output", func(fs *pflag.FlagSet) {
		fs.BoolVar(&f.wait, "wait", false, "show how far the fleet is until it has ended, and exit with the worst status of its tenants")
	})
	return c
}

// add adds the flags of what submits.
func (f *fleetSubmitFlags) add(fs *pflag.FlagSet) {
	f.server.add(fs)
	grouped(fs, "Guards", func(fs *pflag.FlagSet) {
		fs.StringVar(&f.maxFailed, "max-failed-tenants", "", "stop when more than `N|P%` of the tenants could not be carried out, are held, or were stopped by a guard")
		fs.BoolVarP(&f.yes, "yes", "y", false, "do not ask before a fleet that writes to a real tenant is submitted")
	})
	grouped(fs, "Output", f.record.add)
	grouped(fs, "Messages", f.console.add)
}

// check returns an error if a flag has a wrong value.
func (f *fleetSubmitFlags) check() error {
	if _, err := pipeline.ParseShare(f.maxFailed); f.maxFailed != "" && err != nil {
		return usage(fmt.Errorf("--max-failed-tenants %q: want a number of tenants, or a percentage", f.maxFailed))
	}
	return f.record.check()
}

// run submits the fleet of the file called name.
func (f *fleetSubmitFlags) run(a *app, name string) error {
	if err := f.check(); err != nil {
		return err
	}
	log, err := f.console.start(a)
	if err != nil {
		return err
	}
	plan, err := a.planFleet(name)
	if err != nil {
		return err
	}
	i := watch(a.console, 0)
	defer i.end()
	ctx, cancel := i.first()
	defer cancel()
	submitted := false
	err = f.submit(ctx, a, i, log, plan, &submitted)
	if !submitted {
		err = interruptedBefore(i, err)
	}
	return err
}

// interruptedBefore returns err, why nothing was submitted, or that this was for an
// interrupt.
func interruptedBefore(i *interrupts, err error) error {
	if err == nil || i.status() == 0 || statusOf(err) == i.status() {
		return err
	}
	return &exit{status: i.status(), err: errors.New("interrupted: nothing was submitted")}
}

// submit gives a fleet to the server, and waits for it if that is wanted.
func (f *fleetSubmitFlags) submit(ctx context.Context, a *app, i *interrupts, log *zap.Logger, plan *fleetPlan, submitted *bool) error {
	plan.warn(a)
	q, err := f.server.connect(ctx, nil)
	if err != nil {
		return err
	}
	defer q.Close()
	if err := f.approve(a, i, plan, ""); err != nil {
		return err
	}
	jobs, err := f.upload(ctx, q, plan)
	if err != nil {
		return err
	}
	fleet := f.fleet(plan)
	err = submitAnew(ctx, q, &fleet, jobs)
	if errors.Is(err, queue.ErrMaybeSubmitted) {
		*submitted = true // for all that is known
		fmt.Fprintln(a.out, fleet.ID)
		return maybeSubmitted(i.status(), fleet.ID, err)
	}
	if err != nil {
		return fleetError(err)
	}
	*submitted = true
	a.console.Say("fleet %s was submitted: %s", fleet.ID, plan.summary())
	fmt.Fprintln(a.out, fleet.ID)
	if !f.wait {
		a.console.Say("to see how far it is: rollcall fleet status %s", fleet.ID)
		return nil
	}
	err = follow(ctx, a, &f.console, log, q, fleet.ID)
	if errors.Is(err, errInterrupted) {
		a.console.Say("the fleet goes on: rollcall fleet status %s", fleet.ID)
		return &exit{status: i.status()}
	}
	return err
}

// maybeSubmitted returns the error of a fleet of which nobody knows whether it was
// submitted; status is that of an interrupt, or 0.
func maybeSubmitted(status int, id string, err error) error {
	e := &exit{status: exitError, err: err, hint: "rollcall fleet status " + id + " shows whether it was"}
	if status != 0 {
		e.status, e.err = status, fmt.Errorf("interrupted: fleet %s may have been submitted", id)
	}
	return e
}

// fleet returns a plan as the server has it.
func (f *fleetSubmitFlags) fleet(plan *fleetPlan) queue.Fleet {
	return queue.Fleet{Name: plan.Name, Run: plan.Run, By: userAtHost(), Note: f.record.note, Parallel: plan.Parallel, Takeover: plan.Takeover,
		MaxFailed: f.maxFailed, Submitted: time.Now().UTC(), Tenants: len(plan.jobs)}
}

// approve asks once whether a fleet is meant, if it writes to a real tenant. When says
// how often that is, if that is not once.
func (f *fleetSubmitFlags) approve(a *app, i *interrupts, plan *fleetPlan, when string) error {
	real := plan.real()
	if f.yes || plan.Run == "audit" || len(real) == 0 {
		return nil
	}
	return a.confirm(i, when+fleetQuestion(real, "the results of the fleet"))
}

// warn says what is odd about the rosters, and which tenants are the sandbox for want
// of a name.
func (p *fleetPlan) warn(a *app) {
	var unnamed []string
	for _, j := range p.jobs {
		for _, w := range j.warnings {
			a.console.Warn("warning: %s: %s", j.Name, w)
		}
		if j.found.Unnamed {
			unnamed = append(unnamed, j.Name)
		}
	}
	if unnamed != nil {
		a.console.Remind("no tenant was named for %s: that is the sandbox tenant; nothing in Microsoft 365 is changed there", some(unnamed))
	}
}

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
that name. A fleet is submitted as a whole, or not at all: if it writes, and another that
does has one of its tenants at work with the same setting, nothing is submitted and that
fleet is named. If the server is lost while it accepts the fleet, a message says that it
may have been submitted.

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
			meaning{exitHeld, "another fleet that writes has one of the tenants at work: nothing was submitted (--wait: another run holds a tenant)"},
			meaning{exitInterrupted, "interrupted (--wait: or a tenant was cancelled)"}, meaning{exitTerminated, "terminated"}),
		Args: oneFleet,
		RunE: func(_ *cobra.Command, args []string) error {
			return f.send(a, args[0], "", func(ctx context.Context, s *submission) error { return f.submit(ctx, a, s) })
		},
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

// A submission is a fleet on its way to a server.
type submission struct {
	interrupts *interrupts
	log        *zap.Logger
	plan       *fleetPlan
	queue      *queue.Queue
	submitted  bool // for all that is known
}

// send calls give with the fleet of the file called name, once it is planned and meant, and
// with a client of the server. When is as for approve.
func (f *fleetSubmitFlags) send(a *app, name, when string, give func(context.Context, *submission) error) (err error) {
	if err := f.check(); err != nil {
		return err
	}
	s := new(submission)
	if s.log, err = f.console.start(a); err != nil {
		return err
	}
	if s.plan, err = a.planFleet(name); err != nil {
		return err
	}
	s.interrupts = watch(a.console, 0)
	defer s.interrupts.end()
	ctx, cancel := s.interrupts.first()
	defer cancel()
	s.plan.warn(a)
	if s.queue, err = f.server.connect(ctx, nil); err == nil {
		defer s.queue.Close()
		err = f.approve(a, s.interrupts, s.plan, when)
	}
	if err == nil {
		err = give(ctx, s)
	}
	if !s.submitted {
		err = interruptedBefore(s.interrupts, err)
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
func (f *fleetSubmitFlags) submit(ctx context.Context, a *app, s *submission) error {
	jobs, err := f.upload(ctx, s.queue, s.plan)
	if err != nil {
		return err
	}
	fleet := f.fleet(s.plan)
	err = submitAnew(ctx, s.queue, &fleet, jobs)
	if errors.Is(err, queue.ErrMaybeSubmitted) {
		s.submitted = true
		fmt.Fprintln(a.out, fleet.ID)
		return maybeSubmitted(s.interrupts.status(), fleet.ID, err)
	}
	if err != nil {
		return fleetError(err)
	}
	s.submitted = true
	a.console.Say("fleet %s was submitted: %s", fleet.ID, s.plan.summary())
	fmt.Fprintln(a.out, fleet.ID)
	if !f.wait {
		a.console.Say("to see how far it is: rollcall fleet status %s", fleet.ID)
		return nil
	}
	err = follow(ctx, a, &f.console, s.log, s.queue, fleet.ID)
	if errors.Is(err, errInterrupted) {
		a.console.Say("the fleet goes on: rollcall fleet status %s", fleet.ID)
		return &exit{status: s.interrupts.status()}
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

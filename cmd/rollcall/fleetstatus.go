package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rollcall/pipeline/fleet/queue"
	"rollcall/report"
)

// fleetStatusFlags are those of fleet status.
type fleetStatusFlags struct {
	server      fleetServerFlags
	json, watch bool
}

func (a *app) fleetStatus() *cobra.Command {
	var f fleetStatusFlags
	c := &cobra.Command{
		Use:   "status [FLEET]",
		Short: "Show how far a fleet on a fleet server is, or list all fleets",
		Long: `status shows how far a fleet is: a line for each tenant, and the sum. Without FLEET it
lists the fleets that the server has, the newest last.`,
		Example: `  rollcall fleet status --server nats://127.0.0.1:4233
  rollcall fleet status nightly --server nats://127.0.0.1:4233 --watch
  rollcall fleet status nightly-20260214-023000 --server nats://127.0.0.1:4233 --json`,
		Annotations: more(`FLEET is the ID that submit printed, or a name, which means its latest fleet. A fleet is
waiting, running, paused or ended; of one that has ended the list has its exit status,
as fleet run would have it: 0 if on every tenant every row is as wanted.

A tenant is waiting, running (on the worker that is named), paused, stopped (with the
fleet, for too many failed), lost, or ended; of one that has ended the table shows how:
complete, cancelled, guard (stopped by one) or error. A lost tenant has neither a job nor
a result: fleet continue submits it again. A tenant that runs has "no sign of the worker
for 9s" when that worker was not heard of for half of the takeover time of the fleet;
when the time is over the worker is lost, and the next that has a free slot goes on.

--json prints one document, whose names stay as they are as long as its "schema" is 1:
"id", "name", "run", "by", "note", "schedule", "submitted", "parallel",
"takeover_seconds", "state", "reason", "exit" (null before the end, then the worst of the
tenants'), "rows" ("total", "recorded", "failed", "by_status"), "tenants_by_state", and
"tenants", each with "name", "state", "worker", "epoch" (how often a worker took it),
"profile", "tenant", "noun", "change", "roster", "rows_per_second" and
"worker_silent_seconds" (how long nothing was heard of it; null if not known),
"outcome", "reason", "exit", "started", "finished" and "rows". Without FLEET it is
"schema" and "fleets", which have all but "tenants".`,
			meaning{exitOK, "it was shown, whatever the state of the fleet"},
			meaning{exitError, "there is no such fleet, or the server can't be reached"}, meansWrong),
		Args: atMostOneFleet,
		RunE: func(_ *cobra.Command, args []string) error { return f.run(a, args) },
	}
	f.server.add(c.Flags())
	grouped(c.Flags(), "Output", func(fs *pflag.FlagSet) {
		fs.BoolVar(&f.json, "json", false, "print one JSON document")
		fs.BoolVar(&f.watch, "watch", false, "show it again whenever something has changed, until the fleet, or every one, has ended")
	})
	return c
}

// atMostOneFleet is the rule for commands that take the ID of a fleet, or none.
func atMostOneFleet(_ *cobra.Command, args []string) error {
	if len(args) > 1 {
		return fmt.Errorf("want one fleet, or none, not %d", len(args))
	}
	return nil
}

func (f *fleetStatusFlags) run(a *app, args []string) error {
	if f.json && f.watch {
		return usage(errors.New("--json and --watch: want one of them"))
	}
	return f.server.use(func(ctx context.Context, q *queue.Queue) error {
		if len(args) == 0 {
			return f.list(ctx, a, q)
		}
		asking, cancel := q.WhileAnswered(ctx, answerTimeout)
		defer cancel()
		found, err := q.Find(asking, args[0])
		if err != nil {
			return err
		}
		if f.watch { // which waits for a server that is away
			cancel()
			return showChanges(ctx, a, q, found.ID)
		}
		st, err := q.State(asking, found.ID)
		if err != nil {
			return err
		}
		if f.json {
			return report.FleetStatusJSON(a.out, fleetStatus(st))
		}
		return report.FleetStatusText(a.out, fleetStatus(st))
	})
}

// list shows all fleets.
func (f *fleetStatusFlags) list(ctx context.Context, a *app, q *queue.Queue) error {
	asking, cancel := q.WhileAnswered(ctx, answerTimeout)
	defer cancel()
	v, err := q.Watch(asking)
	if err != nil {
		return err
	}
	defer v.Close()
	list := &fleetList{queue: q, view: v}
	if f.watch {
		cancel()
		return showAllChanges(ctx, a, q, list)
	}
	fleets, err := list.all(asking)
	switch {
	case err != nil:
		return err
	case f.json:
		return report.FleetListJSON(a.out, fleets)
	}
	return report.FleetListText(a.out, fleets)
}

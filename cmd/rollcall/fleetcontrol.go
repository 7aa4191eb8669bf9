package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rollcall/pipeline"
	"rollcall/pipeline/fleet"
	"rollcall/pipeline/fleet/queue"
	"rollcall/pipeline/roster"
)

// controls returns the commands that change what people want of a fleet.
func (a *app) controls() []*cobra.Command {
	return []*cobra.Command{
		a.control(&cobra.Command{
			Use:   "pause FLEET [TENANT...]",
			Short: "Have a fleet, or tenants of it, stop for a while",
			Long: `pause stops a fleet softly, or tenants of it: rows in progress are finished and
recorded, and no further row is begun until fleet continue.`,
			Example: `  rollcall fleet pause nightly --server nats://127.0.0.1:4233
  rollcall fleet pause nightly contoso fabrikam --server nats://127.0.0.1:4233
  rollcall fleet pause nightly-20260214-023000 --server nats://127.0.0.1:4233`,
		}, "it is paused, or has ended already", pauseFleet),
		a.control(&cobra.Command{
			Use:   "continue FLEET [TENANT...]",
			Short: "Have a fleet, or tenants of it, go on: paused, cancelled, stopped or failed",
			Long: `continue has a fleet go on, or tenants of it: those that were paused, and those that
ended before all their rows were recorded, which go on where they were.`,
			Example: `  rollcall fleet continue nightly --server nats://127.0.0.1:4233
  rollcall fleet continue nightly contoso --server nats://127.0.0.1:4233
  rollcall fleet continue nightly-20260214-023000 --server nats://127.0.0.1:4233`,
		}, "it goes on, or has nothing left to do", continueFleet),
		a.control(&cobra.Command{
			Use:   "cancel FLEET [TENANT...]",
			Short: "End a fleet, or tenants of it, before they are done",
			Long: `cancel ends a fleet, or tenants of it: rows in progress are finished and recorded, and
what is recorded is kept. fleet continue can take it up again.`,
			Example: `  rollcall fleet cancel nightly --server nats://127.0.0.1:4233
  rollcall fleet cancel nightly contoso --server nats://127.0.0.1:4233
  rollcall fleet cancel nightly-20260214-023000 --server nats://127.0.0.1:4233`,
		}, "it is cancelled, or has ended already", cancelFleet),
	}
}

// control completes a command that calls change for a fleet and, if it names some, for
// tenants of it.
func (a *app) control(c *cobra.Command, done string, change func(context.Context, *app, *queue.Queue, *queue.FleetState, []string) error) *cobra.Command {
	var server fleetServerFlags
	c.Annotations = more(`FLEET is the ID that submit printed, or a name, which means its latest fleet. Without
TENANT it is all of them, those that wait included.`,
		meaning{exitOK, done}, meaning{exitError, "there is no such fleet or tenant, or the server can't be reached"}, meansWrong)
	if c.Name() == "continue" {
		c.Annotations = more(`FLEET is the ID that submit printed, or a name, which means its latest fleet. Without
TENANT it is all that are paused, and all that ended before all their rows were recorded:
cancelled, stopped by a guard, failed, or lost. Rows that have a result are not done again.
With TENANT the others of a fleet that was stopped stay so until they are continued.`,
			meaning{exitOK, done}, meaning{exitError, "there is no such fleet or tenant, or the server can't be reached"}, meansWrong,
			meaning{exitHeld, "a tenant is at work in another fleet"})
	}
	c.Args = func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return errors.New("want a fleet: its ID, or its name (rollcall fleet status lists them)")
		}
		return nil
	}
	c.RunE = func(_ *cobra.Command, args []string) error {
		return server.do(func(ctx context.Context, q *queue.Queue) error {
			found, err := q.Find(ctx, args[0])
			if err != nil {
				return err
			}
			st, err := q.State(ctx, found.ID)
			if err == nil {
				err = checkTenants(st, args[1:])
			}
			if err != nil {
				return err
			}
			return change(ctx, a, q, st, args[1:])
		})
	}
	server.add(c.Flags())
	return c
}

// checkTenants returns an error if a fleet has no tenant of one of these names.
func checkTenants(st *queue.FleetState, names []string) error {
	var all []string
	for _, j := range st.Jobs {
		all = append(all, j.Tenant)
	}
	for _, name := range names {
		if slices.Contains(all, name) {
			continue
		}
		e := &exit{status: exitError, err: fmt.Errorf("fleet %s has no tenant %q", st.ID, name), hint: "rollcall fleet status " + st.ID + " shows its tenants"}
		if near := roster.Nearest(name, all); near != "" {
			e.hint = "did you mean " + near + "? " + e.hint
		}
		return e
	}
	return nil
}

func pauseFleet(ctx context.Context, a *app, q *queue.Queue, st *queue.FleetState, tenants []string) error {
	tenants, ended := unended(a, st, tenants)
	if ended {
		return nil
	}
	err := q.Control(ctx, st.ID, func(c *queue.Control) { c.Pause(tenants) })
	if err != nil {
		return err
	}
	running := chosen(st, tenants, func(j *queue.TenantState) bool { return j.State == queue.Running })
	say(a, st, tenants, "is paused", running)
	return nil
}

func cancelFleet(ctx context.Context, a *app, q *queue.Queue, st *queue.FleetState, tenants []string) error {
	tenants, ended := unended(a, st, tenants)
	if ended {
		return nil
	}
	status := exitInterrupted
	o := fleet.Outcome{State: fleet.Cancelled, Reason: "cancelled by " + userAtHost(), Exit: &status, Rows: fleet.Rows{ByStatus: map[string]int{}}}
	if err := q.Cancel(ctx, st.ID, tenants, o); err != nil {
		return err
	}
	running := chosen(st, tenants, func(j *queue.TenantState) bool { return j.State == queue.Running })
	say(a, st, tenants, "is cancelled", running)
	if now, err := q.State(ctx, st.ID); err == nil {
		sayEnding(a, now, tenants)
	}
	return nil
}

// sayEnding names the tenants of a fleet, of all or of those named, that need a worker to
// come to their end.
func sayEnding(a *app, st *queue.FleetState, names []string) {
	waiting := chosen(st, names, func(j *queue.TenantState) bool { return j.Ending != "" })
	if waiting != nil {
		a.console.Warn("the results of %s may lack what was done last, until a worker (rollcall fleet work) has stored it", some(waiting))
	}
}

func continueFleet(ctx context.Context, a *app, q *queue.Queue, st *queue.FleetState, tenants []string) error {
	if err := q.Continue(ctx, st.ID, tenants); err != nil {
		return err
	}
	again := chosen(st, tenants, func(j *queue.TenantState) bool {
		t := tenantStatus(j)
		return j.State == queue.Lost || j.State == queue.Ended && !t.Complete()
	})
	paused := chosen(st, tenants, func(j *queue.TenantState) bool { return isPaused(st, j) })
	if len(again)+len(paused) == 0 {
		a.console.Say("fleet %s: nothing was paused%s", st.ID, remainder(st, tenants))
		return nil
	}
	a.console.Say("fleet %s goes on: %s", st.ID, some(append(paused, again...)))
	return nil
}

// remainder says what goes on, of a fleet or of those tenants of it that are named.
func remainder(st *queue.FleetState, names []string) string {
	running, waiting, rows := 0, 0, 0
	for i := range st.Jobs {
		j := &st.Jobs[i]
		if len(names) > 0 && !slices.Contains(names, j.Tenant) {
			continue
		}
		switch j.State {
		case queue.Running:
			running++
		case queue.Waiting:
			waiting++
		}
		t := tenantStatus(j)
		rows += t.Rows.Total - t.Rows.Recorded
	}
	var parts []string
	add := func(n int, what, how string) {
		if n > 0 {
			parts = append(parts, pipeline.Plural(n, what)+" "+how)
		}
	}
	add(running, "tenant", "at work")
	add(waiting, "tenant", "waiting")
	add(rows, "row", "left")
	if parts == nil {
		return ", and nothing is left to do"
	}
	return ": " + strings.Join(parts, ", ")
}

// say says what was done to a fleet or to tenants of it, some of which are still at work.
func say(a *app, st *queue.FleetState, tenants []string, done string, running []string) {
	what := "fleet " + st.ID
	if len(tenants) > 0 {
		what += ": " + some(tenants)
	}
	if running != nil {
		done += fmt.Sprintf("; finishing the rows in progress on %s", pipeline.Plural(len(running), "tenant"))
	}
	a.console.Say("%s %s", what, done)
}

// chosen returns the tenants of a fleet that match, of all or of those named.
func chosen(st *queue.FleetState, names []string, match func(*queue.TenantState) bool) (found []string) {
	for i := range st.Jobs {
		if j := &st.Jobs[i]; (len(names) == 0 || slices.Contains(names, j.Tenant)) && match(j) {
			found = append(found, j.Tenant)
		}
	}
	return found
}

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rollcall/pipeline/fleet/queue"
	"rollcall/report"
)

// fleetScheduleFlags are those of fleet schedule.
type fleetScheduleFlags struct {
	fleetSubmitFlags
	cron, zone string
}

func (a *app) fleetSchedule() *cobra.Command {
	var f fleetScheduleFlags
	c := &cobra.Command{
		Use:   "schedule FLEET.yaml",
		Short: "Have a fleet server submit a fleet again and again, as cron would",
		Long: `schedule gives a fleet server a fleet that it submits by itself at the times of a cron
expression. The schedule has the name of the fleet, and replaces one of that name.`,
		Example: `  rollcall fleet schedule fleet.yaml --cron "30 2 * * *" --server nats://127.0.0.1:4233
  rollcall fleet schedule fleet.yaml --cron "0 6 * * mon" --time-zone Europe/Paris --yes --server nats://127.0.0.1:4233
  rollcall fleet schedule list --server nats://127.0.0.1:4233`,
		Annotations: more(`The expression is that of crontab: minute, hour, day of the month, month, day of the week.
Where both days are given, and neither as *, one of them is enough. An hour that clocks
skip in spring has no run, and one that they show twice has one.

What is scheduled is a snapshot: the fleet file and the rosters as they are now. Schedule
the fleet again when they have changed. Profiles are those that a worker has at the time.

If the last fleet of a schedule has not ended when its time comes, that time is skipped,
and the list says so. A schedule that writes to real tenants asks once, when it is made.`,
			meaning{exitOK, "the schedule is on the server"},
			meaning{exitError, "the server can't be reached, or a file can't be read"},
			meaning{exitUsage, "the file or the command line is wrong, and all that is wrong was said: nothing was scheduled"},
			meaning{exitInterrupted, "interrupted"}, meaning{exitTerminated, "terminated"}),
		Args: oneFleet,
		RunE: func(_ *cobra.Command, args []string) error { return f.run(a, args[0]) },
	}
	f.add(c.Flags())
	grouped(c.Flags(), "Pace", func(fs *pflag.FlagSet) {
		fs.StringVar(&f.cron, "cron", "", "when: a cron `EXPRESSION` of five fields, such as \"30 2 * * *\" for half past two each night")
		fs.StringVar(&f.zone, "time-zone", "UTC", "the time zone of --cron, a `NAME` such as Europe/Paris")
	})
	c.AddCommand(a.scheduleList(),
		a.scheduleChange("pause", "Have a schedule submit nothing until it is continued", "pause keeps a schedule and has it submit nothing. What it has submitted goes on.",
			"is paused", func(ctx context.Context, q *queue.Queue, name string) error { return q.PauseSchedule(ctx, name, true) }),
		a.scheduleChange("continue", "Have a schedule that is paused go on", "continue has a schedule that is paused go on, at its next time.",
			"goes on", func(ctx context.Context, q *queue.Queue, name string) error { return q.PauseSchedule(ctx, name, false) }),
		a.scheduleChange("remove", "Remove a schedule", "remove removes a schedule. What it has submitted goes on, and its results stay.",
			"is removed", func(ctx context.Context, q *queue.Queue, name string) error { return q.RemoveSchedule(ctx, name) }))
	return c
}

// run puts the fleet of the file called name on the server's schedule.
func (f *fleetScheduleFlags) run(a *app, name string) error {
	if f.cron == "" {
		return &exit{status: exitUsage, err: errors.New("no time: want --cron EXPRESSION, such as --cron \"30 2 * * *\""), hint: "rollcall fleet schedule list shows what is scheduled"}
	}
	if _, err := time.LoadLocation(f.zone); err != nil || f.zone == "Local" || f.zone == "" {
		return usage(fmt.Errorf("--time-zone %q: want the name of a time zone, such as Europe/Paris", f.zone))
	}
	if err := queue.ParseCron(f.cron, f.zone); err != nil {
		return usage(fmt.Errorf("--%w", err))
	}
	when := fmt.Sprintf("Again and again, at %q (%s): ", f.cron, f.zone)
	return f.send(a, name, when, func(ctx context.Context, s *submission) error { return f.schedule(ctx, a, s) })
}

func (f *fleetScheduleFlags) schedule(ctx context.Context, a *app, to *submission) error {
	q, plan := to.queue, to.plan
	ctx, cancel := q.WhileAnswered(ctx, answerTimeout)
	defer cancel()
	jobs, err := f.upload(ctx, q, plan)
	if err != nil {
		return err
	}
	s := queue.Schedule{Name: plan.Name, Cron: f.cron, TimeZone: f.zone, By: userAtHost(), Fleet: f.fleet(plan)}
	s.Fleet.Schedule = s.Name
	if err := q.AddSchedule(ctx, s, jobs); err != nil && to.interrupts.status() != 0 {
		return &exit{status: to.interrupts.status(), err: fmt.Errorf("interrupted: %s may have been scheduled", s.Name), hint: "rollcall fleet schedule list shows whether it was"}
	} else if err != nil {
		return fleetError(err)
	}
	a.console.Say("fleet %s is scheduled at %q (%s): %s; the fleet file and the rosters as they are now", plan.Name, f.cron, f.zone, plan.summary())
	list, _ := q.Schedules(ctx) // it is scheduled, whatever comes of this
	for _, s := range list {
		if s.Name == plan.Name && !s.Next.IsZero() {
			a.console.Say("next: %s", s.Next.UTC().Format(time.RFC3339))
		}
	}
	return nil
}

func (a *app) scheduleList() *cobra.Command {
	var server fleetServerFlags
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List the schedules of a fleet server",
		Long: `list shows the schedules that a fleet server has: when they are, when each is next, and
what came of the last time.`,
		Example: `  rollcall fleet schedule list --server nats://127.0.0.1:4233
  rollcall fleet schedule list --server nats://127.0.0.1:4233 --json
  rollcall fleet schedule list --server tls://fleet.contoso.com:4233 --token-file token`,
		Annotations: more("Times are in UTC.", meaning{exitOK, "they were shown"}, meaning{exitError, "the server can't be reached"}, meansWrong),
		Args:        cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return server.do(func(ctx context.Context, q *queue.Queue) error {
				list, err := q.Schedules(ctx)
				if err != nil {
					return err
				}
				return schedulesTable(a, list, asJSON)
			})
		},
	}
	server.add(c.Flags())
	grouped(c.Flags(), "Output", func(fs *pflag.FlagSet) {
		fs.BoolVar(&asJSON, "json", false, "print one JSON document, a list of schedules")
	})
	return c
}

// schedulesTable prints schedules.
func schedulesTable(a *app, list []queue.Schedule, asJSON bool) error {
	all := make([]report.FleetSchedule, len(list))
	for i, s := range list {
		all[i] = report.FleetSchedule{Name: s.Name, Run: s.Fleet.Run, Tenants: s.Fleet.Tenants, Cron: s.Cron, TimeZone: s.TimeZone, By: s.By,
			Paused: s.Paused, Next: s.Next, Last: s.Last, LastResult: s.LastResult}
	}
	if asJSON {
		return report.FleetSchedulesJSON(a.out, all)
	}
	return report.FleetSchedulesText(a.out, all)
}

// scheduleChange returns a command that changes a schedule by its name.
func (a *app) scheduleChange(name, short, long, done string, change func(context.Context, *queue.Queue, string) error) *cobra.Command {
	var server fleetServerFlags
	c := &cobra.Command{
		Use: name + " NAME", Short: short, Long: long,
		Example: fmt.Sprintf(`  rollcall fleet schedule %[1]s nightly --server nats://127.0.0.1:4233
  rollcall fleet schedule %[1]s nightly --server tls://fleet.contoso.com:4233 --token-file token
  rollcall fleet schedule %[1]s nightly --server tls://a:4233,tls://b:4233,tls://c:4233 --tls-ca ca.pem --token-file token`, name),
		Annotations: more("NAME is that of the fleet (rollcall fleet schedule list).", meaning{exitOK, "the schedule " + done},
			meaning{exitError, "there is no such schedule, or the server can't be reached"}, meansWrong),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("want the name of one schedule (rollcall fleet schedule list shows them)")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			return server.do(func(ctx context.Context, q *queue.Queue) error {
				if err := change(ctx, q, args[0]); err != nil {
					return err
				}
				a.console.Say("schedule %s %s", args[0], done)
				return nil
			})
		},
	}
	server.add(c.Flags())
	return c
}

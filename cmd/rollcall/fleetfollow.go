package main

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"rollcall/pipeline/fleet/queue"
	"rollcall/pipeline/fleet/work"
	"rollcall/pipeline/results"
	"rollcall/report"
)

// pollEvery is how often a command that follows a fleet asks how far it is.
const pollEvery = time.Second

// pollTimeout is how long one poll may take. A server that is away for a while is
// waited for: the fleet goes on without us.
const pollTimeout = 10 * time.Second

// idleTimeout is after how long it is said that nobody works on a fleet.
const idleTimeout = 15 * time.Second

// A pollError is the error of a poll of the server.
type pollError struct{ err error }

func (e *pollError) Error() string { return e.err.Error() }

func (e *pollError) Unwrap() error { return e.err }

// poll calls see again and again, until that returns true or an error, or ctx ends. A
// pollError does not end it while the server is away.
func poll(ctx context.Context, a *app, q *queue.Queue, see func(context.Context) (ended bool, err error)) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for away := false; ; {
		once, cancel := context.WithTimeout(ctx, pollTimeout)
		ended, err := see(once)
		late := once.Err() != nil
		cancel()
		_, polling := errors.AsType[*pollError](err)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case polling && (late || q.Ready() != nil):
			if !away {
				a.console.Warn("warning: the fleet server can't be reached: waiting for it")
			}
			away = true
		case err != nil:
			return err
		case ended:
			return nil
		case away:
			a.console.Say("the fleet server is back")
			away = false
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// watchFleet calls see with how far a fleet is, again and again, until it has ended or
// ctx ends.
func watchFleet(ctx context.Context, a *app, q *queue.Queue, id string, see func(*report.FleetStatus, *queue.FleetState)) error {
	return fleetError(poll(ctx, a, q, func(ctx context.Context) (ended bool, err error) {
		st, err := q.State(ctx, id)
		if err != nil {
			return false, &pollError{err}
		}
		s := fleetStatus(st)
		see(s, st)
		return s.Ended(), nil
	}))
}

// follow shows how far a fleet is until it has ended, and returns the error of a
// command with the worst exit status of its tenants.
func follow(ctx context.Context, a *app, f *consoleFlags, log *zap.Logger, q *queue.Queue, id string) error {
	var last atomic.Pointer[report.FleetStatus]
	var state *queue.FleetState
	last.Store(new(report.FleetStatus))
	stop := showFleet(a, f, log, func() report.FleetView { return fleetViewOf(last.Load()) })
	ended := make(map[string]bool)
	began, idle := time.Now(), true
	err := watchFleet(ctx, a, q, id, func(s *report.FleetStatus, st *queue.FleetState) {
		for i := range s.Tenants {
			if t := &s.Tenants[i]; t.Over() && t.State != report.FleetStopped && !ended[t.Name] {
				ended[t.Name] = true
				log.Info("tenant ended", append([]zap.Field{zap.String("name", t.Name)}, outcomeFields(&t.Outcome)...)...)
			}
		}
		if idle && s.State != report.FleetWaiting {
			idle = false
		} else if idle && time.Since(began) > idleTimeout {
			idle = false
			a.console.Say("no worker has taken a tenant yet: does rollcall fleet work run somewhere, with slots that are free?")
		}
		last.Store(s)
		state = st
	})
	stop()
	if err != nil {
		return err
	}
	return concludeFollow(a, last.Load(), state)
}

// concludeFollow says what came of a fleet, and returns the error of the command.
func concludeFollow(a *app, s *report.FleetStatus, st *queue.FleetState) error {
	record, err := work.RecordOf(st)
	if err != nil {
		return err
	}
	fleetRecord(record, s)
	status := *s.Exit
	if status != exitOK {
		a.console.Break()
	}
	a.console.Say("%s", report.FleetText(record))
	a.console.Say("%s", report.FleetRowsText(record))
	sayReasons(a, record.Tenants, "rollcall fleet status "+s.ID)
	if s.Reason != "" {
		a.console.Warn("%s", s.Reason)
	}
	a.console.Say("for the results: rollcall fleet results %s -o DIR", s.ID)
	if record.State != results.Complete {
		a.console.Say("to go on: rollcall fleet continue %s", s.ID)
	}
	if status == exitOK {
		return nil
	}
	return &exit{status: status}
}

// showFleet shows how far a fleet is until stop is called: with a progress line on a
// terminal, with log lines elsewhere.
func showFleet(a *app, f *consoleFlags, log *zap.Logger, view func() report.FleetView) (stop func()) {
	switch {
	case f.quiet:
	case f.draws(a):
		return a.console.FleetProgress(view, report.Terminal{Columns: columns(a.err)})
	case f.stats > 0:
		return report.Every(f.stats, func() {
			v := view()
			log.Info("progress", zap.Int64("rows", v.Rows), zap.Int64("of", v.Total), zap.Int64("failed", v.Failed), zap.Int("tenants_ended", v.Ended),
				zap.Int("tenants_running", len(v.Running)), zap.Int("tenants", v.Tenants))
		}, func() {})
	}
	return func() {}
}

// fleetViewOf returns s as the progress line has it.
func fleetViewOf(s *report.FleetStatus) (v report.FleetView) {
	v.Rows, v.Total, v.Failed, v.Tenants = int64(s.Rows.Recorded), int64(s.Rows.Total), int64(s.Rows.Failed), len(s.Tenants)
	for i := range s.Tenants {
		switch t := &s.Tenants[i]; {
		case t.Over():
			v.Ended++
		case t.State == report.FleetRunning:
			v.Running = append(v.Running, t.Name)
		}
	}
	return v
}

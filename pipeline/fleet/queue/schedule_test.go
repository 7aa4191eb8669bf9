package queue

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// often has a schedule fire every two seconds, which users can't ask for.
const often = "*/2 * * * * *"

// fires has schedules of a server fired until the test ends.
func fires(t *testing.T, q *Queue) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() { q.fire(ctx); close(over) }()
	t.Cleanup(func() { cancel(); <-over })
}

// scheduled returns a schedule of a fleet of n tenants, and its jobs.
func scheduled(name string, first, n int) (Schedule, []Job) {
	f, jobs := fleetOf("", 5, first, n)
	f.Name = name
	return Schedule{Name: name, Cron: "30 2 * * *", TimeZone: "Europe/Paris", By: "ada", Fleet: f}, jobs
}

// fleetsOf returns the fleets of a schedule.
func fleetsOf(t *testing.T, q *Queue, name string) (ids []string) {
	t.Helper()
	all, err := q.Fleets(t.Context())
	check(t, err)
	for _, f := range all {
		if f.Schedule == name {
			ids = append(ids, f.ID)
		}
	}
	return ids
}

func schedule(t *testing.T, q *Queue, name string) Schedule {
	t.Helper()
	s, err := q.findSchedule(t.Context(), name)
	check(t, err)
	return *s
}

// A schedule submits its fleet once each time, though two nodes fire; it is skipped as
// long as the last fleet has not ended; it does nothing when it is paused, and goes on
// then; removed it is no more.
func TestSchedule(t *testing.T) {
	t.Parallel()
	s, err := Serve(t.Context(), ServerOptions{Dir: t.TempDir()})
	check(t, err)
	t.Cleanup(s.Close)
	q := within(t, s)
	fires(t, q)
	fires(t, within(t, s))
	sch, jobs := scheduled("nightly", 0, 3)
	check(t, q.AddSchedule(t.Context(), sch, jobs))
	got := schedule(t, q, "nightly")
	if c, loc, _ := parseCron(sch.Cron, sch.TimeZone); !got.Next.Equal(c.next(time.Now(), loc)) || got.By != "ada" || !got.Last.IsZero() {
		t.Errorf("it is %+v", got)
	}
	check(t, q.startTimer(t.Context(), "nightly", often, "Europe/Paris"))
	waitFor(t, func() bool { return len(fleetsOf(t, q, "nightly")) == 1 })
	waitFor(t, func() bool { return strings.HasPrefix(schedule(t, q, "nightly").LastResult, "skipped: nightly-20") })
	first := fleetsOf(t, q, "nightly")
	if len(first) != 1 || !strings.HasPrefix(first[0], "nightly-20") || states(t, q, first[0]) != "www" {
		t.Fatalf("there are %v", first)
	}
	for range 3 {
		check(t, next(t, q, "w").Done(t.Context(), complete))
	}
	waitFor(t, func() bool { return len(fleetsOf(t, q, "nightly")) == 2 })
	check(t, q.PauseSchedule(t.Context(), "nightly", true))
	if s := schedule(t, q, "nightly"); !s.Paused || !s.Next.IsZero() {
		t.Errorf("it is %+v", s)
	}
	for range 3 {
		check(t, next(t, q, "w").Done(t.Context(), complete))
	}
	time.Sleep(2500 * time.Millisecond)
	if n := len(fleetsOf(t, q, "nightly")); n != 2 {
		t.Errorf("there are %d fleets when it is paused", n)
	}
	check(t, q.PauseSchedule(t.Context(), "nightly", false))
	check(t, q.startTimer(t.Context(), "nightly", often, "Europe/Paris"))
	waitFor(t, func() bool { return len(fleetsOf(t, q, "nightly")) == 3 })
	check(t, q.RemoveSchedule(t.Context(), "nightly"))
	for range 3 {
		check(t, next(t, q, "w").Done(t.Context(), complete))
	}
	time.Sleep(2500 * time.Millisecond)
	if n := len(fleetsOf(t, q, "nightly")); n != 3 {
		t.Errorf("there are %d fleets when it is removed", n)
	}
	if all, err := q.Schedules(t.Context()); len(all) != 0 || err != nil {
		t.Errorf("there are %+v, %v", all, err)
	}
	if has, err := q.Has(t.Context(), got.Jobs); has || err != nil {
		t.Errorf("its jobs are left: %v, %v", has, err)
	}
	err = q.PauseSchedule(t.Context(), "nightly", true)
	if _, ok := errors.AsType[*NotFoundError](err); !ok {
		t.Errorf("the error is %v", err)
	}
}

// A schedule survives the server; one whose message was lost on its way has it again.
func TestScheduleSurvives(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Serve(t.Context(), ServerOptions{Dir: dir})
	check(t, err)
	q := within(t, s)
	for i, name := range []string{"kept", "lost"} {
		sch, jobs := scheduled(name, 10*i, 2)
		check(t, q.AddSchedule(t.Context(), sch, jobs))
	}
	check(t, q.startTimer(t.Context(), "kept", often, "UTC"))
	check(t, q.stopTimer(t.Context(), "lost"))
	s.Close()
	s, err = Serve(t.Context(), ServerOptions{Dir: dir})
	check(t, err)
	t.Cleanup(s.Close)
	q = within(t, s)
	fires(t, q)
	waitFor(t, func() bool { return len(fleetsOf(t, q, "kept")) == 1 })
	stream, err := q.cron(t.Context())
	check(t, err)
	m, err := stream.GetLastMsgForSubject(t.Context(), cronSubject+"lost")
	check(t, err)
	if m.Header.Get("Nats-Schedule") != "0 30 2 * * *" || m.Header.Get("Nats-Schedule-Time-Zone") != "Europe/Paris" {
		t.Errorf("it is %v", m.Header)
	}
}

// A firing that was cut short, and comes again, submits the fleet once; so does one that
// clocks show twice. What can't be submitted is said.
func TestFiredAgain(t *testing.T) {
	t.Parallel()
	q := alone(t)
	sch, jobs := scheduled("nightly", 0, 2)
	check(t, q.AddSchedule(t.Context(), sch, jobs))
	at := time.Date(2026, 10, 25, 0, 30, 0, 1000, time.UTC) // 02:30 in Paris, for the first time
	id := "nightly-20261025-003000"
	f := sch.Fleet
	f.ID, f.Schedule = id, "nightly"
	check(t, q.Submit(t.Context(), f, jobs)) // and killed then
	result, err := q.submitScheduled(t.Context(), "nightly", at)
	if result != id || err != nil {
		t.Errorf("it is %q, %v", result, err)
	}
	if s := schedule(t, q, "nightly"); !s.Last.Equal(at) || s.LastResult != id || s.LastFleet != id {
		t.Errorf("it is %+v", s)
	}
	for range 2 {
		check(t, next(t, q, "w").Done(t.Context(), complete))
	}
	for _, again := range []time.Time{at, at.Add(time.Hour)} {
		if result, err := q.submitScheduled(t.Context(), "nightly", again); result != "it was done already" || err != nil {
			t.Errorf("at %v it is %q, %v", again, result, err)
		}
	}
	check(t, q.PauseSchedule(t.Context(), "nightly", true))
	if result, err := q.submitScheduled(t.Context(), "nightly", at.AddDate(0, 0, 1)); result != "it is paused" || err != nil {
		t.Errorf("it is %q, %v", result, err)
	}
	check(t, q.PauseSchedule(t.Context(), "nightly", false))
	submit(t, q, "other", 1, 1, 1)
	result, err = q.submitScheduled(t.Context(), "nightly", at.AddDate(0, 0, 1))
	if !strings.HasPrefix(result, "not submitted: ") || !strings.Contains(result, "of the fleet other") || err != nil {
		t.Errorf("it is %q, %v", result, err)
	}
	if len(fleetsOf(t, q, "nightly")) != 1 {
		t.Error("it was submitted")
	}
}

// A schedule that is added again is replaced, and keeps what it has done; a wrong one is
// refused, and leaves nothing.
func TestAddSchedule(t *testing.T) {
	t.Parallel()
	q := alone(t)
	sch, jobs := scheduled("nightly", 0, 2)
	check(t, q.AddSchedule(t.Context(), sch, jobs))
	first := schedule(t, q, "nightly").Jobs
	_, err := q.submitScheduled(t.Context(), "nightly", time.Now())
	check(t, err)
	sch.Cron = "0 3 * * 1-5"
	check(t, q.AddSchedule(t.Context(), sch, jobs[:1]))
	s := schedule(t, q, "nightly")
	if s.Cron != sch.Cron || s.LastFleet == "" || s.Fleet.Tenants != 1 || s.Jobs == first {
		t.Errorf("it is %+v", s)
	}
	if has, err := q.Has(t.Context(), first); has || err != nil {
		t.Errorf("its jobs of before are left: %v, %v", has, err)
	}
	for _, wrong := range []func(*Schedule){
		func(s *Schedule) { s.Name = "a.b" },
		func(s *Schedule) { s.Cron = "0 25 * * *" },
		func(s *Schedule) { s.TimeZone = "Mars" },
		func(s *Schedule) { s.Fleet.Parallel = 0 },
	} {
		s, _ := scheduled("wrong", 0, 1)
		wrong(&s)
		if err := q.AddSchedule(t.Context(), s, jobs); err == nil {
			t.Errorf("it was taken: %+v", s)
		}
	}
	if all, err := q.Schedules(t.Context()); len(all) != 1 || err != nil {
		t.Errorf("there are %+v, %v", all, err)
	}
	_, err = q.findSchedule(t.Context(), "nigthly")
	says(t, err, `no schedule "nigthly": did you mean nightly?`)
}

// Three nodes fire a schedule once; when the one that decides is gone for good, the two
// others do, and the holder of a job goes on holding it.
func TestScheduleCluster(t *testing.T) {
	t.Parallel()
	nodes, o := cluster(t)
	q := dialed(t, o)
	for _, s := range nodes {
		waitFor(t, func() bool { return s.Ready() == nil })
	}
	sch, jobs := scheduled("nightly", 0, 1)
	sch.Fleet.Takeover = 30 * time.Second
	check(t, q.AddSchedule(t.Context(), sch, jobs))
	check(t, q.startTimer(t.Context(), "nightly", often, "Europe/Paris"))
	waitFor(t, func() bool { return strings.HasPrefix(schedule(t, q, "nightly").LastResult, "skipped: ") })
	if ids := fleetsOf(t, q, "nightly"); len(ids) != 1 {
		t.Errorf("there are %v", ids)
	}
	l := next(t, q, "w")
	for _, s := range nodes {
		if s.leads() {
			s.Close()
			break
		}
	}
	begin := time.Now()
	last := schedule(t, q, "nightly").Last
	waitFor(t, func() bool { return schedule(t, q, "nightly").Last.After(last) })
	t.Logf("the first firing after the loss took %v", time.Since(begin))
	check(t, l.Done(t.Context(), complete))
	waitFor(t, func() bool { return len(fleetsOf(t, q, "nightly")) == 2 })
}

// A fleet that was submitted by hand in the second of a firing, or is being, is in
// nobody's way; fired again, the schedule finds what it has submitted.
func TestFireTakenID(t *testing.T) {
	for _, accepted := range []bool{true, false} {
		q := alone(t)
		sch, jobs := scheduled("nightly", 0, 2)
		check(t, q.AddSchedule(t.Context(), sch, jobs))
		sch = schedule(t, q, "nightly")
		now := time.Now().UTC().Truncate(time.Second)
		id := idOf("nightly", now, 1)
		submit(t, q, id, 1, 5, 1)
		_, err := q.change(t.Context(), id, func(r *fleetRecord) { r.Accepted = accepted })
		check(t, err)
		for range 2 {
			got, result, err := q.submitOnce(t.Context(), &sch, now)
			check(t, err)
			if got != id+"-2" || result != got {
				t.Errorf("it is %s, %s, want %s-2", got, result, id)
			}
		}
		if r, _, err := q.record(t.Context(), id); err != nil || r.Cancelled {
			t.Errorf("the other was discarded: %+v, %v", r, err)
		}
		result, err := q.submitScheduled(t.Context(), "nightly", now)
		check(t, err)
		if s := schedule(t, q, "nightly"); s.LastFleet != id+"-2" || s.LastResult != s.LastFleet || result != s.LastFleet {
			t.Errorf("it is %+v", s)
		}
	}
}

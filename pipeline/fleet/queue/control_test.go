package queue

import (
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// stopped waits until a lease is to be stopped, and returns why.
func stopped(t *testing.T, l *Lease) string {
	t.Helper()
	select {
	case <-l.Stop():
	case <-time.After(time.Minute):
		t.Fatal("it is not to be stopped")
	}
	return l.StopReason()
}

// A fleet that is paused gives no jobs, and has those at work stop; it goes on when it
// is to. So does a tenant.
func TestPause(t *testing.T) {
	t.Parallel()
	q := alone(t)
	submit(t, q, "f", 5, 0, 2)
	l := next(t, q, "a")
	if l.StopReason() != "" {
		t.Errorf("it is to be stopped: %s", l.StopReason())
	}
	check(t, q.Control(t.Context(), "f", func(c *Control) { c.Paused = true }))
	if r := stopped(t, l); r != StopPaused {
		t.Errorf("it is %s", r)
	}
	check(t, l.Return(t.Context()))
	nothing(t, q, "a")
	if got := states(t, q, "f"); got != "pp" {
		t.Errorf("it is %s", got)
	}
	check(t, q.Control(t.Context(), "f", func(c *Control) { c.Paused, c.PausedTenants = false, []string{"t0"} }))
	l = next(t, q, "a")
	if got := states(t, q, "f"); got != "pr" || l.Tenant != "t1" {
		t.Errorf("it is %s", got)
	}
	check(t, q.Control(t.Context(), "f", func(c *Control) { c.PausedTenants = nil }))
	if next(t, q, "a").Tenant != "t0" {
		t.Error("it does not go on")
	}
	check(t, q.Control(t.Context(), "f", func(c *Control) { c.Stopped = "too many" }))
	if r := stopped(t, l); r != StopFleet {
		t.Errorf("it is %s", r)
	}
	_, ok := errors.AsType[*NotFoundError](q.Control(t.Context(), "g", func(*Control) {}))
	if !ok {
		t.Error("there is another")
	}
}

// What many people want at once of a fleet is all kept.
func TestControlAtOnce(t *testing.T) {
	t.Parallel()
	q := alone(t)
	submit(t, q, "f", 5, 0, 1)
	const people = 8
	errs := make(chan error, people)
	for i := range people {
		go func() {
			errs <- q.Control(t.Context(), "f", func(c *Control) { c.PausedTenants = append(c.PausedTenants, string(rune('a'+i))) })
		}()
	}
	for range people {
		check(t, <-errs)
	}
	f, err := q.Find(t.Context(), "f")
	check(t, err)
	if len(f.PausedTenants) != people {
		t.Errorf("there are %v", f.PausedTenants)
	}
}

// Tenants that are cancelled end as was said, those at work when they have stopped; Again
// has them work.
func TestCancel(t *testing.T) {
	t.Parallel()
	q := alone(t)
	submit(t, q, "f", 5, 0, 4)
	l := next(t, q, "a")
	cancelled := map[string]string{"outcome": "cancelled"}
	says(t, q.Cancel(t.Context(), "f", []string{"t9"}, cancelled), `cancel fleet f: no tenant "t9"`)
	if _, ok := errors.AsType[*NotFoundError](q.Cancel(t.Context(), "g", nil, cancelled)); !ok {
		t.Error("there is another fleet")
	}
	check(t, q.Cancel(t.Context(), "f", []string{"t0", "t1"}, cancelled))
	if r := stopped(t, l); r != StopCancelled {
		t.Errorf("it is %s", r)
	}
	if got := states(t, q, "f"); got != "reww" {
		t.Errorf("it is %s", got)
	}
	check(t, l.Return(t.Context()))
	if got := states(t, q, "f"); got != "weww" {
		t.Errorf("it is %s", got)
	}
	left := next(t, q, "b") // what there is of it is for a worker to store
	if left.Tenant != "t0" || left.StopReason() != StopCancelled {
		t.Errorf("it is %s, stopped as %q", left.Tenant, left.StopReason())
	}
	check(t, left.Done(t.Context(), cancelled))
	other := next(t, q, "a")
	if got := states(t, q, "f"); got != "eerw" {
		t.Errorf("it is %s", got)
	}
	check(t, q.Cancel(t.Context(), "f", nil, cancelled))
	stopped(t, other)
	check(t, other.Done(t.Context(), complete)) // it was faster
	if got := states(t, q, "f"); got != "eeee" || keys(t, q, q.jobs) != 0 {
		t.Errorf("it is %s", got)
	}
	s, err := q.State(t.Context(), "f")
	check(t, err)
	if string(s.Jobs[0].Outcome) != `{"outcome":"cancelled"}` || string(s.Jobs[3].Outcome) != `{"outcome":"cancelled"}` || string(s.Jobs[2].Outcome) != `{"outcome":"complete"}` {
		t.Errorf("it is %+v", s.Jobs)
	}

	check(t, q.Again(t.Context(), "f", []string{"t3"}))
	if got := states(t, q, "f"); got != "eeew" {
		t.Errorf("it is %s", got)
	}
	l = next(t, q, "a")
	if l.Tenant != "t3" || l.StopReason() != "" {
		t.Errorf("it is %s, to be stopped: %q", l.Tenant, l.StopReason())
	}
	check(t, q.Again(t.Context(), "f", nil))
	if got := states(t, q, "f"); got != "wwer" {
		t.Errorf("it is %s", got)
	}
	check(t, l.Done(t.Context(), complete))
}

// A job that waits in a cancelled fleet, and that Cancel did not see, ends all the same.
// One whose worker is gone waits for another, which is told to end it.
func TestCancelledAndLeft(t *testing.T) {
	t.Parallel()
	q := alone(t)
	submit(t, q, "f", 5, 0, 2)
	dead := next(t, q, "dead")
	mute(dead)
	_, err := q.change(t.Context(), "f", func(r *fleetRecord) { r.Cancelled, r.CancelOutcome = true, []byte(`{"outcome":"cancelled"}`) })
	check(t, err)
	go q.recoverAbandoned(t.Context())
	waitFor(t, func() bool { return states(t, q, "f") == "we" })
	s, err := q.State(t.Context(), "f")
	check(t, err)
	if s.Jobs[0].Ending != StopCancelled || s.Jobs[0].Epoch != 1 {
		t.Errorf("it is %+v", s.Jobs[0])
	}
	l := next(t, q, "a")
	if l.Tenant != "t0" || l.StopReason() != StopCancelled {
		t.Errorf("it is %s, stopped as %q", l.Tenant, l.StopReason())
	}
	check(t, l.Done(t.Context(), map[string]string{"outcome": "cancelled"}))
	if got := states(t, q, "f"); got != "ee" {
		t.Errorf("it is %s", got)
	}
}

// A fleet that is stopped holds no key of what nobody began: that ends as was said, and
// another fleet may have it. What workers had waits for one. Again has all of them work,
// and what nobody has begun then ends at once when it is cancelled.
func TestStop(t *testing.T) {
	t.Parallel()
	q := alone(t)
	submit(t, q, "f", 5, 0, 4)
	running, paused := next(t, q, "a"), next(t, q, "a")
	check(t, paused.Return(t.Context()))
	check(t, q.Stop(t.Context(), "f", "too many", map[string]string{"outcome": "guard"}))
	if got := states(t, q, "f"); got != "rwee" {
		t.Errorf("it is %s", got)
	}
	if r := stopped(t, running); r != StopFleet {
		t.Errorf("it is %s", r)
	}
	check(t, q.Stop(t.Context(), "f", "later", nil))
	s, err := q.State(t.Context(), "f")
	check(t, err)
	if s.Stopped != "too many" || s.Jobs[1].Ending != StopFleet || string(s.Jobs[3].Outcome) != `{"outcome":"guard"}` {
		t.Errorf("it is %q: %+v", s.Stopped, s.Jobs)
	}
	submit(t, q, "g", 5, 2, 2) // the keys of t2 and t3
	if _, held := errors.AsType[*HeldError](q.Again(t.Context(), "f", nil)); !held {
		t.Error("it has what another fleet has")
	}
	check(t, q.Cancel(t.Context(), "g", nil, map[string]string{"outcome": "cancelled"}))
	check(t, running.Done(t.Context(), map[string]string{"outcome": "guard"}))
	check(t, q.Again(t.Context(), "f", nil))
	if got := states(t, q, "f"); got != "wwww" {
		t.Errorf("it is %s", got)
	}
	check(t, q.Cancel(t.Context(), "f", nil, map[string]string{"outcome": "cancelled"}))
	if got := states(t, q, "f"); got != "wwee" {
		t.Errorf("it is %s", got)
	}
}

// A job is put in the queue again if it was not complete, or is lost; one that is at
// work, or complete, is left alone. Two who do that at once put it there once.
func TestAgain(t *testing.T) {
	t.Parallel()
	q := alone(t)
	submit(t, q, "f", 5, 0, 5)
	check(t, next(t, q, "a").Done(t.Context(), complete))
	failed := next(t, q, "a")
	check(t, failed.Done(t.Context(), map[string]string{"outcome": "error"}))
	running := next(t, q, "a")
	e, rev, err := q.entryOf(t.Context(), "key-t3")
	check(t, err)
	check(t, q.remove(t.Context(), q.jobs, e.Key, rev)) // as a store that was damaged
	if got := states(t, q, "f"); got != "eerlw" {
		t.Errorf("it is %s", got)
	}
	errs := make(chan error)
	for range 4 {
		go func() { errs <- q.Again(t.Context(), "f", nil) }()
	}
	for range 4 {
		check(t, <-errs)
	}
	if got := states(t, q, "f"); got != "ewrww" {
		t.Errorf("it is %s", got)
	}
	l := next(t, q, "a")
	if l.Tenant != "t1" || l.Epoch <= failed.Epoch {
		t.Errorf("it is %s, epoch %d", l.Tenant, l.Epoch)
	}
	check(t, l.Done(t.Context(), complete))
	check(t, running.Done(t.Context(), complete))
	if got := states(t, q, "f"); got != "eeeww" {
		t.Errorf("it is %s", got)
	}
}

// A tenant that another fleet has by now is not put in the queue again: the holder is
// named, and nothing is changed.
func TestAgainHeld(t *testing.T) {
	t.Parallel()
	q := alone(t)
	submit(t, q, "f", 5, 0, 2)
	for range 2 {
		check(t, next(t, q, "a").Done(t.Context(), map[string]string{"outcome": "error"}))
	}
	submit(t, q, "g", 5, 1, 1)
	err := q.Again(t.Context(), "f", nil)
	if held, ok := errors.AsType[*HeldError](err); !ok || held.Holder.Fleet != "g" {
		t.Errorf("the error is %v", err)
	}
	if got := states(t, q, "f"); got != "ee" {
		t.Errorf("it is %s", got)
	}
}

// A fleet that can't go on, since another has a tenant of it, is as it was: paused,
// cancelled or stopped. A tenant that is complete is no such tenant.
func TestContinueHeld(t *testing.T) {
	t.Parallel()
	q := alone(t)
	submit(t, q, "f", 5, 0, 4)
	check(t, next(t, q, "a").Done(t.Context(), complete))
	check(t, next(t, q, "a").Done(t.Context(), map[string]string{"outcome": "error"}))
	check(t, next(t, q, "a").Return(t.Context()))
	submit(t, q, "g", 5, 0, 2)
	for _, c := range []Control{{Paused: true}, {Cancelled: true}, {Stopped: "too many"}, {PausedTenants: []string{"t3"}}} {
		check(t, q.Control(t.Context(), "f", func(now *Control) { *now = c }))
		if _, held := errors.AsType[*HeldError](q.Continue(t.Context(), "f", nil)); !held {
			t.Errorf("%+v: it goes on", c)
		}
		f, err := q.Fleet(t.Context(), "f")
		check(t, err)
		if !reflect.DeepEqual(f.Control, c) {
			t.Errorf("it is %+v, and was %+v", f.Control, c)
		}
	}
	check(t, q.Cancel(t.Context(), "g", nil, map[string]string{"outcome": "cancelled"}))
	check(t, q.Continue(t.Context(), "f", nil))
	if got := states(t, q, "f"); got != "ewww" {
		t.Errorf("it is %s", got)
	}
}

// Tenants of a fleet that a guard stopped go on one by one: the guard holds the others
// until they are continued, too. The same goes for one that was cancelled.
func TestTakeUpSome(t *testing.T) {
	q := alone(t)
	submit(t, q, "f", 5, 0, 4)
	check(t, next(t, q, "a").Done(t.Context(), map[string]string{"outcome": "error"}))
	check(t, next(t, q, "a").Done(t.Context(), map[string]string{"outcome": "error"}))
	stop := func() {
		check(t, q.Control(t.Context(), "f", func(c *Control) { *c = Control{Stopped: "too many", PausedTenants: []string{"t3"}} }))
	}
	all := []string{"t0", "t1", "t2", "t3"}
	stop()
	check(t, q.Again(t.Context(), "f", []string{"t1"}))
	if got := states(t, q, "f"); got != "ewpp" {
		t.Errorf("t1 again: it is %s", got)
	}
	stop()
	check(t, q.Control(t.Context(), "f", func(c *Control) { c.Continue(all, []string{"t2"}) }))
	if got := states(t, q, "f"); got != "epwp" {
		t.Errorf("t2 goes on: it is %s", got)
	}
	check(t, q.Control(t.Context(), "f", func(c *Control) { c.Continue(all, []string{"t3"}) }))
	if got := states(t, q, "f"); got != "epww" {
		t.Errorf("t3 goes on: it is %s", got)
	}
	stop()
	check(t, q.Again(t.Context(), "f", nil))
	if got := states(t, q, "f"); got != "wwwp" {
		t.Errorf("all again: it is %s", got)
	}
	for _, c := range []Control{{Cancelled: true}, {Paused: true}, {Stopped: "too many"}} {
		why := c.stopReason("t0")
		if why == StopFleet {
			why = StopPaused
		}
		c.Continue(all, []string{"t1"})
		if a, b := c.stopReason("t0"), c.stopReason("t1"); a != why || b != "" {
			t.Errorf("t0 is %q and t1 is %q, want %q and none", a, b, why)
		}
	}
	var c Control
	c.Pause([]string{"t2", "t0"})
	c.Pause([]string{"t2"})
	if c.Paused || !slices.Equal(c.PausedTenants, []string{"t0", "t2"}) {
		t.Errorf("it is %+v", c)
	}
	if c.Pause(nil); !c.Paused {
		t.Errorf("it is %+v", c)
	}
}

// A job is put in the queue again though an entry is in its place whose fleet is none.
func TestAgainOrphan(t *testing.T) {
	q := alone(t)
	submit(t, q, "f", 5, 0, 1)
	check(t, next(t, q, "a").Done(t.Context(), map[string]string{"outcome": "error"}))
	_, jobs := fleetOf("f", 5, 0, 1)
	jobs[0].Fleet = "gone"
	was, rev, err := q.marker(t.Context(), q.jobs, jobs[0].Key)
	check(t, err)
	if was.Operation() == jetstream.KeyValuePut {
		t.Fatal("the job is there")
	}
	_, err = q.putEntry(t.Context(), entry{Job: jobs[0]}, rev)
	check(t, err)
	jobs[0].Fleet = "f"
	now, err := q.serverTime(t.Context())
	check(t, err)
	if _, err := q.prepareRequeue(t.Context(), jobs[0], now); err == nil {
		t.Error("what may be on its way was taken away")
	}
	time.Sleep(10 * time.Millisecond)
	if later, err := q.serverTime(t.Context()); err != nil || !later.After(now) {
		t.Errorf("it is %v and then %v, %v", now, later, err)
	}
	if a, err := q.prepareRequeue(t.Context(), jobs[0], now.Add(abandonedAfter)); a == nil || err != nil {
		t.Errorf("it is blocked: %v, %v", a, err)
	}
	check(t, q.Again(t.Context(), "f", nil))
	if got := states(t, q, "f"); got != "w" {
		t.Errorf("it is %s", got)
	}
}

// An Again that was slow does not do again what was completed meanwhile.
func TestSlowAgain(t *testing.T) {
	t.Parallel()
	q := alone(t)
	submit(t, q, "f", 5, 0, 1)
	check(t, next(t, q, "a").Done(t.Context(), map[string]string{"outcome": "error"}))
	_, jobs := fleetOf("f", 5, 0, 1)
	jobs[0].Fleet = "f"
	slow, err := q.prepareRequeue(t.Context(), jobs[0], time.Now())
	check(t, err)
	check(t, q.Again(t.Context(), "f", nil))
	check(t, next(t, q, "a").Done(t.Context(), complete))
	if _, err := q.putEntry(t.Context(), slow.entry, slow.revision); !errors.Is(err, errChanged) {
		t.Errorf("it is done again: %v", err)
	}
	if a, err := q.prepareRequeue(t.Context(), jobs[0], time.Now()); a != nil || err != nil {
		t.Errorf("it would be done again: %v, %v", a, err)
	}
}

// A View follows what happens, and has what State has.
func TestView(t *testing.T) {
	t.Parallel()
	s := serve(t, ServerOptions{})
	q := within(t, s)
	submit(t, q, "f", 5, 0, 2)
	v, err := q.Watch(t.Context())
	check(t, err)
	defer v.Close()
	is := func(want string) func() bool {
		return func() bool {
			s := v.State("f")
			text := ""
			for _, j := range s.Jobs {
				text += j.State[:1]
			}
			return text == want
		}
	}
	if !is("ww")() {
		t.Errorf("it is %+v", v.State("f"))
	}
	if v.State("g") != nil {
		t.Error("there is another")
	}
	l := next(t, q, "a")
	waitFor(t, is("rw"))
	select {
	case <-v.Changed():
	case <-time.After(time.Minute):
		t.Error("nothing was said")
	}
	check(t, l.Done(t.Context(), complete))
	waitFor(t, is("ew"))
	check(t, q.Control(t.Context(), "f", func(c *Control) { c.Paused = true }))
	waitFor(t, is("ep"))
	if st, err := q.State(t.Context(), "f"); err != nil || !slices.EqualFunc(st.Jobs, v.State("f").Jobs, func(a, b TenantState) bool {
		return a.State == b.State && a.Tenant == b.Tenant && a.Worker == b.Worker && string(a.Outcome) == string(b.Outcome)
	}) {
		t.Errorf("they are %+v and %+v, %v", st, v.State("f"), err)
	}
}

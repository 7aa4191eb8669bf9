package queue

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

// mute has a lease not renew itself any more, without anybody knowing: as if its
// process had stopped.
func mute(l *Lease) {
	l.over.Do(func() { close(l.quit); l.gone.Wait() })
}

// slow is how much later than it should something may happen on a slow machine.
const slow = 15 * time.Second

// A job has one holder at a time. What was done with it is kept; what is returned is
// had again, by the next who asks.
func TestLease(t *testing.T) {
	t.Parallel()
	q := alone(t)
	submit(t, q, "f", 5, 0, 2)
	a := next(t, q, "a")
	b := next(t, q, "b")
	if a.Tenant != "t0" || b.Tenant != "t1" || a.Epoch != 1 || !a.Valid() || a.Context().Err() != nil {
		t.Errorf("they are %+v, %+v", a.Job, b.Job)
	}
	nothing(t, q, "c")
	check(t, a.Return(t.Context()))
	a = next(t, q, "c")
	if a.Tenant != "t0" || a.Epoch != 2 {
		t.Errorf("it is %s, epoch %d", a.Tenant, a.Epoch)
	}
	a.Progress(map[string]int{"rows": 7})
	waitFor(t, func() bool {
		s, err := q.State(t.Context(), "f")
		return err == nil && string(s.Jobs[0].Progress) == `{"rows":7}` && s.Jobs[0].Worker == "c" && s.Jobs[0].State == Running
	})
	check(t, a.Done(t.Context(), complete))
	if a.Valid() || a.Context().Err() == nil {
		t.Error("it is valid when it is over")
	}
	s, err := q.State(t.Context(), "f")
	check(t, err)
	if j := s.Jobs[0]; j.State != Ended || string(j.Outcome) != `{"outcome":"complete"}` || j.Epoch != 2 || j.Worker != "c" {
		t.Errorf("it is %+v", j)
	}
	check(t, b.Done(t.Context(), complete))
	if n := keys(t, q, q.jobs); n != 0 {
		t.Errorf("there are %d jobs left", n)
	}
}

// A lease renews itself for much longer than the takeover time.
func TestRenewed(t *testing.T) {
	t.Parallel()
	q := alone(t)
	submit(t, q, "f", 5, 0, 1)
	l := next(t, q, "a")
	ctx, cancel := context.WithTimeout(t.Context(), 4*l.takeover)
	defer cancel()
	if l, err := q.Next(ctx, "b"); err == nil {
		t.Fatalf("another has it, epoch %d", l.Epoch)
	}
	if !l.Valid() {
		t.Error("it is not valid")
	}
	check(t, l.Return(t.Context()))
}

// A lease that can't be renewed is lost before another can have the job, and nothing
// that its holder does then changes anything. The job is taken over a takeover time after
// its last renewal was seen.
func TestTakeover(t *testing.T) {
	t.Parallel()
	s := serve(t, ServerOptions{})
	q := within(t, s)
	p := newProxy(t, strings.TrimPrefix(s.URL(), "nats://"))
	cut := dialed(t, Options{URL: "nats://" + p.addr, Name: "cut"})
	submit(t, q, "f", 1, 0, 1)
	zombie := next(t, cut, "zombie")
	v, err := q.sharedView(t.Context())
	check(t, err)
	p.deaf.Store(true)
	type got struct {
		l  *Lease
		at time.Time
	}
	taken := make(chan got, 1)
	go func() {
		l, _ := q.Next(t.Context(), "heir")
		taken <- got{l, time.Now()}
	}()
	var invalid, lost time.Time
	var seen time.Time // when the last renewal was, by the clock of the heir
	var heir got
	for heir.l == nil {
		v.mu.Lock()
		if j := v.jobs[zombie.Key]; j != nil && j.Epoch == zombie.Epoch {
			seen = j.seen
		}
		v.mu.Unlock()
		if invalid.IsZero() && !zombie.Valid() {
			invalid = time.Now()
		}
		select {
		case heir = <-taken:
		case <-zombie.Lost():
			if lost.IsZero() {
				lost = time.Now()
			}
			time.Sleep(time.Millisecond)
		case <-time.After(time.Millisecond):
		}
	}
	if heir.l.Epoch != zombie.Epoch+1 {
		t.Errorf("the epoch is %d after %d", heir.l.Epoch, zombie.Epoch)
	}
	if took := heir.at.Sub(seen); took < zombie.takeover || took > zombie.takeover+slow {
		t.Errorf("it was taken over %v after it was renewed", took)
	}
	if invalid.IsZero() || invalid.After(heir.at) {
		t.Errorf("it was valid until %v, and taken at %v", invalid, heir.at)
	}
	if lost.IsZero() || lost.After(heir.at) || zombie.Context().Err() == nil {
		t.Errorf("it was lost at %v, and taken at %v", lost, heir.at)
	}
	p.cut() // and can be heard again
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := zombie.Done(ctx, complete); !errors.Is(err, ErrLost) {
		t.Errorf("the zombie could end the job: %v", err)
	}
	if s, err := q.State(ctx, "f"); err != nil || s.Jobs[0].State != Running || s.Jobs[0].Worker != "heir" {
		t.Errorf("it is %+v, %v", s, err)
	}
	check(t, heir.l.Done(ctx, complete))
}

// A process that was stopped finds its leases invalid when it goes on, also if nobody
// took the jobs; then they are its own to end.
func TestStoppedProcess(t *testing.T) {
	t.Parallel()
	q := alone(t)
	submit(t, q, "f", 1, 0, 1)
	l := next(t, q, "a")
	mute(l)
	if !l.Valid() {
		t.Error("it is not valid at once")
	}
	l.mu.Lock()
	l.renewed = l.renewed.Add(-l.validFor())
	l.mu.Unlock()
	if l.Valid() {
		t.Error("it is valid")
	}
	check(t, l.Done(t.Context(), complete))
}

// A server that is away for less than three quarters of the takeover time costs nobody
// a lease; nobody has two.
func TestServerAway(t *testing.T) {
	t.Parallel()
	dir, at := t.TempDir(), ports(t, 1)[0]
	url, kill := serveAside(t, dir, at)
	q, other := dialed(t, Options{URL: url}), dialed(t, Options{URL: url})
	f, jobs := fleetOf("f", 1, 0, 1)
	f.Takeover = 8 * time.Second
	check(t, q.Submit(t.Context(), f, jobs))
	l := next(t, q, "a")
	taken := make(chan *Lease, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { l, _ := other.Next(ctx, "b"); taken <- l }()
	kill()
	time.Sleep(2 * time.Second)
	serveAside(t, dir, at)
	select {
	case <-l.Lost():
		t.Error("it was lost")
	case <-taken:
		t.Error("it was taken")
	case <-time.After(f.Takeover + 2*time.Second):
	}
	if !l.Valid() {
		t.Error("it is not valid")
	}
	check(t, l.Done(t.Context(), complete))
}

// However a process dies on its way to the end of a job, its outcome is what it said, and
// the job is not done again.
func TestKilledAtTheEnd(t *testing.T) {
	t.Parallel()
	q := alone(t)
	submit(t, q, "f", 5, 0, 3)
	raw, _ := json.Marshal(complete)
	for kept := range 2 { // is the outcome kept?
		l := next(t, q, "a")
		e, rev := l.end()
		e.Ended, e.Outcome = true, raw
		_, err := q.putEntry(t.Context(), e, rev)
		check(t, err)
		if kept == 1 {
			check(t, q.keep(t.Context(), e))
		}
	}
	if got := states(t, q, "f"); got != "eew" {
		t.Errorf("it is %s", got)
	}
	l := next(t, q, "b")
	if l.Tenant != "t2" {
		t.Errorf("%s is done again", l.Tenant)
	}
	go q.recoverAbandoned(t.Context())
	waitFor(t, func() bool { return keys(t, q, q.jobs) == 1 })
	check(t, l.Return(t.Context()))
	if got := states(t, q, "f"); got != "eew" {
		t.Errorf("it is %s", got)
	}
}

// What was over with a tenant is in nobody's way, even if it was not tidied up.
func TestKilledAtTheEndAndSubmitted(t *testing.T) {
	t.Parallel()
	q := alone(t)
	submit(t, q, "f", 5, 0, 1)
	e, rev := next(t, q, "a").end()
	e.Ended, e.Outcome = true, json.RawMessage(`{"outcome":"error"}`)
	_, err := q.putEntry(t.Context(), e, rev)
	check(t, err)
	submit(t, q, "g", 5, 0, 1)
	if got := states(t, q, "f") + states(t, q, "g"); got != "ew" {
		t.Errorf("they are %s", got)
	}
}

// An outcome of an earlier lease takes the place of no later one.
func TestLateOutcome(t *testing.T) {
	t.Parallel()
	q := alone(t)
	submit(t, q, "f", 5, 0, 1)
	l := next(t, q, "a")
	old := l.entry
	old.Ended, old.Outcome = true, json.RawMessage(`{"outcome":"error"}`)
	check(t, l.Return(t.Context()))
	check(t, next(t, q, "b").Done(t.Context(), complete))
	check(t, q.keep(t.Context(), old))
	s, err := q.State(t.Context(), "f")
	check(t, err)
	if string(s.Jobs[0].Outcome) != `{"outcome":"complete"}` {
		t.Errorf("it is %s", s.Jobs[0].Outcome)
	}
}

// A job that workers can't do is offered to others, to none twice as long as there are
// others, and is the third's to end.
func TestReject(t *testing.T) {
	t.Parallel()
	q := alone(t)
	submit(t, q, "f", 5, 0, 1)
	check(t, next(t, q, "a").Reject(t.Context(), "no profile x"))
	nothing(t, q, "a")
	check(t, next(t, q, "b").Reject(t.Context(), "no profile x"))
	s, err := q.State(t.Context(), "f")
	check(t, err)
	if j := s.Jobs[0]; j.State != Waiting || strings.Join(j.Rejections, ";") != "a: no profile x;b: no profile x" {
		t.Errorf("it is %+v", j)
	}
	l := next(t, q, "c")
	err = l.Reject(t.Context(), "no profile x")
	e, ok := errors.AsType[*RejectedError](err)
	if !ok || strings.Join(e.Workers, ",") != "a,b,c" || !l.Valid() {
		t.Fatalf("the error is %v", err)
	}
	check(t, l.Done(t.Context(), map[string]string{"outcome": "error"}))
}

// If there is one worker alone, it is the one that has to end the job.
func TestRejectAlone(t *testing.T) {
	t.Parallel()
	q := alone(t)
	submit(t, q, "f", 5, 0, 1)
	for range 2 {
		check(t, next(t, q, "a").Reject(t.Context(), "no profile x"))
	}
	l := next(t, q, "a")
	if _, ok := errors.AsType[*RejectedError](l.Reject(t.Context(), "no profile x")); !ok {
		t.Error("it goes on for ever")
	}
	check(t, l.Return(t.Context()))
}

// Who takes a job when there are as many as there may be gives it back: of those that
// take at once the first stays.
func TestParallelAtOnce(t *testing.T) {
	t.Parallel()
	s := serve(t, ServerOptions{})
	a, b := within(t, s), within(t, s)
	submit(t, a, "f", 1, 0, 2)
	va, err := a.sharedView(t.Context())
	check(t, err)
	vb, err := b.sharedView(t.Context())
	check(t, err)
	ca, _, _ := va.next("a", all)
	cb, _, _ := vb.next("b", func(j *seenJob) bool { return j.Index == 0 })
	if ca.action != doTake || cb.action != doTake || ca.job.Key == cb.job.Key {
		t.Fatalf("the choices are %+v, %+v", ca, cb)
	}
	first, err := a.perform(va, ca, "a")
	check(t, err)
	second, err := b.perform(vb, cb, "b")
	check(t, err)
	if first == nil || second != nil {
		t.Fatalf("they have %v, %v", first, second)
	}
	// It is the first also when it was renewed since the second came.
	e, rev, err := b.entryOf(t.Context(), "key-t1")
	check(t, err)
	e.Worker = "b"
	rev, err = b.putEntry(t.Context(), e, rev)
	check(t, err)
	waitFor(t, func() bool { first.mu.Lock(); defer first.mu.Unlock(); return first.revision > rev })
	waitFor(t, func() bool { vb.mu.Lock(); defer vb.mu.Unlock(); return vb.jobs["key-t0"].revision > rev })
	if n, err := vb.ahead(t.Context(), "f", "key-t1", rev); n != 1 || err != nil {
		t.Errorf("%d are ahead of it, %v", n, err)
	}
	e.free()
	_, err = b.putEntry(t.Context(), e, rev)
	check(t, err)
	check(t, first.Done(t.Context(), complete))
	check(t, next(t, b, "b").Return(t.Context()))
}

// An answer that was lost says nothing: what was done is found out by reading.
func TestUnanswered(t *testing.T) {
	t.Parallel()
	s := serve(t, ServerOptions{})
	p := newProxy(t, strings.TrimPrefix(s.URL(), "nats://"))
	q := dialed(t, Options{URL: "nats://" + p.addr})
	submit(t, q, "f", 1, 0, 1)
	e, rev, err := q.entryOf(t.Context(), "key-t0")
	check(t, err)
	for range 3 {
		p.deaf.Store(true)
		time.AfterFunc(300*time.Millisecond, p.cut)
		e.Epoch++
		got, err := q.putEntry(t.Context(), e, rev)
		check(t, err)
		if got <= rev {
			t.Fatalf("it is at revision %d after %d", got, rev)
		}
		rev = got
	}
	p.deaf.Store(true)
	time.AfterFunc(300*time.Millisecond, p.cut)
	check(t, q.remove(t.Context(), q.jobs, "key-t0", rev))
	if _, err := q.putEntry(t.Context(), e, rev); !errors.Is(err, errChanged) {
		t.Errorf("it was there: %v", err)
	}
}

// A renewal whose answer is not known when the job is done costs nobody the outcome.
func TestDoneWhileRenewed(t *testing.T) {
	t.Parallel()
	s := serve(t, ServerOptions{})
	q := within(t, s)
	p := newProxy(t, strings.TrimPrefix(s.URL(), "nats://"))
	submit(t, q, "f", 1, 0, 1)
	l := next(t, dialed(t, Options{URL: "nats://" + p.addr}), "a")
	p.deaf.Store(true)
	waitFor(t, func() bool {
		_, rev, err := q.entryOf(t.Context(), l.Key)
		l.mu.Lock()
		defer l.mu.Unlock()
		return err == nil && rev > l.revision
	})
	time.AfterFunc(100*time.Millisecond, p.cut)
	check(t, l.Done(t.Context(), complete))
	if got := states(t, q, "f"); got != "e" {
		t.Errorf("it is %s", got)
	}
}

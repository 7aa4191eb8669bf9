package oldqueue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"
)

func open(t *testing.T, dir string, atOnce int) *Queue {
	t.Helper()
	q, err := Open(t.Context(), Options{Dir: dir, AtOnce: atOnce, Takeover: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(q.Close)
	return q
}

func job(n int) Job {
	return Job{Fleet: "nightly", Tenant: fmt.Sprintf("t%d", n), Roster: "a.csv", RosterSHA256: "x"}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// next takes a job that has to be there.
func next(t *testing.T, q *Queue) *Lease {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	l, err := q.Next(ctx)
	check(t, err)
	return l
}

// none checks that there is no job to be had for a moment.
func none(t *testing.T, q *Queue) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if l, err := q.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("there is %+v, %v", l, err)
	}
}

// A job is in the queue once, however often it is submitted; it is given to one
// holder, and comes again if it is returned, until it is done.
func TestLease(t *testing.T) {
	q := open(t, t.TempDir(), 10)
	for range 3 {
		check(t, q.Submit(t.Context(), job(1)))
	}
	l := next(t, q)
	if l.Job != job(1) {
		t.Errorf("it is %+v", l.Job)
	}
	check(t, q.Submit(t.Context(), job(1))) // it is held, and still in the queue
	none(t, q)
	check(t, l.Return())
	l = next(t, q)
	if b, err := q.Outcome(t.Context(), job(1)); b != nil || err != nil {
		t.Errorf("the outcome is %s, %v", b, err)
	}
	check(t, l.Done(t.Context(), "well"))
	none(t, q)
	if b, err := q.Outcome(t.Context(), job(1)); string(b) != `"well"` || err != nil {
		t.Errorf("the outcome is %s, %v", b, err)
	}
	check(t, q.Forget(t.Context(), job(1)))
	if b, err := q.Outcome(t.Context(), job(1)); b != nil || err != nil {
		t.Errorf("the outcome is %s, %v", b, err)
	}
	check(t, q.Submit(t.Context(), job(1)))
	check(t, next(t, q).Return())
}

// No more jobs are held at once than the queue allows, whoever asks; a lease that is
// held longer than the takeover time is not given to another.
func TestAtOnce(t *testing.T) {
	q := open(t, t.TempDir(), 2)
	for i := range 3 {
		check(t, q.Submit(t.Context(), job(i)))
	}
	a, b := next(t, q), next(t, q)
	none(t, q)
	time.Sleep(q.takeover + q.takeover/2)
	none(t, q)
	check(t, a.Done(t.Context(), json.RawMessage("{}")))
	c := next(t, q)
	if c.Tenant != "t2" {
		t.Errorf("it is %s", c.Tenant)
	}
	check(t, b.Return())
	check(t, c.Return())
}

// What was in the queue when its process ended is there when it is opened again: a
// job that was held can be had at once, one that was done stays so, also if its
// message outlived it.
func TestOpenedAgain(t *testing.T) {
	dir := t.TempDir()
	q := open(t, dir, 3)
	for i := range 4 {
		check(t, q.Submit(t.Context(), job(i)))
	}
	check(t, next(t, q).Done(t.Context(), 0))
	next(t, q).end() // held
	half := next(t, q)
	half.end()
	_, err := q.outcomes.Put(t.Context(), half.key(), []byte("2"))
	check(t, err)
	q.Close()

	q = open(t, dir, 3)
	begin := time.Now()
	for _, want := range []string{"t1", "t3"} {
		l := next(t, q)
		if l.Tenant != want {
			t.Errorf("it is %s, want %s", l.Tenant, want)
		}
		check(t, l.Done(t.Context(), 1))
	}
	if took := time.Since(begin); took > q.takeover {
		t.Errorf("it took %v, as if its last holder were alive", took)
	}
	none(t, q)
	for i := range 4 {
		if b, err := q.Outcome(t.Context(), job(i)); b == nil || err != nil {
			t.Errorf("the outcome of %d is %s, %v", i, b, err)
		}
	}
}

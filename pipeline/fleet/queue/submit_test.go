package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// alone starts a server without a port, and returns a client of it.
func alone(t testing.TB) *Queue {
	t.Helper()
	s, err := Serve(t.Context(), ServerOptions{Dir: t.TempDir()})
	check(t, err)
	t.Cleanup(s.Close)
	return within(t, s)
}

// within returns a client in the server's process.
func within(t testing.TB, s *Server) *Queue {
	t.Helper()
	q, err := s.Connect(t.Context())
	check(t, err)
	t.Cleanup(q.Close)
	return q
}

// fleetOf returns a fleet of n tenants, which are those of every fleet from first on.
func fleetOf(id string, parallel, first, n int) (Fleet, []Job) {
	var jobs []Job
	for i := range n {
		name := fmt.Sprintf("t%d", first+i)
		jobs = append(jobs, Job{Tenant: name, Key: "key-" + name, Holds: "Noun of " + name, Index: i, Run: "apply", Roster: name + ".csv", Rows: 100})
	}
	return Fleet{ID: id, Name: "nightly", Run: "apply", Parallel: parallel, Takeover: 3 * time.Second}, jobs
}

func submit(t testing.TB, q *Queue, id string, parallel, first, n int) {
	t.Helper()
	f, jobs := fleetOf(id, parallel, first, n)
	check(t, q.Submit(t.Context(), f, jobs))
}

// next takes a job that has to be there.
func next(t *testing.T, q *Queue, worker string) *Lease {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	l, err := q.Next(ctx, worker)
	check(t, err)
	return l
}

// nothing checks that there is no job to be had for a while.
func nothing(t *testing.T, q *Queue, worker string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
	defer cancel()
	if l, err := q.Next(ctx, worker); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("there is %+v, %v", l, err)
	}
}

// complete is the outcome of a job that has recorded every row.
var complete = map[string]string{"outcome": "complete"}

// states says how a fleet is: a letter for each tenant.
func states(t *testing.T, q *Queue, id string) (text string) {
	t.Helper()
	s, err := q.State(t.Context(), id)
	check(t, err)
	for _, j := range s.Jobs {
		text += j.State[:1]
	}
	return text
}

// keys counts the entries of a bucket.
func keys(t *testing.T, q *Queue, kv jetstream.KeyValue) (n int) {
	t.Helper()
	found, err := q.snapshot(t.Context(), kv, jetstream.AllKeys)
	check(t, err)
	for _, e := range found {
		if e.Operation() == jetstream.KeyValuePut {
			n++
		}
	}
	return n
}

// Of two fleets with one tenant the second is refused: it is told who has the tenant, and
// leaves nothing. When the tenant is done it can have it.
func TestHeld(t *testing.T) {
	t.Parallel()
	q := alone(t)
	submit(t, q, "first", 2, 0, 3)
	f, jobs := fleetOf("second", 2, 2, 3)
	err := q.Submit(t.Context(), f, jobs)
	held, ok := errors.AsType[*HeldError](err)
	if !ok || held.Job.Tenant != "t2" || held.Holder.Fleet != "first" || held.Holder.Tenant != "t2" || time.Since(held.Since) > time.Minute {
		t.Fatalf("the error is %v", err)
	}
	says(t, err, "submit fleet second", "Noun of t2 is that of tenant t2 of the fleet first")
	if n := keys(t, q, q.jobs); n != 3 {
		t.Errorf("there are %d jobs", n)
	}
	if n := keys(t, q, q.fleets); n != 1 {
		t.Errorf("there are %d fleets", n)
	}
	if has, err := q.Has(t.Context(), listName("second")); has || err != nil {
		t.Errorf("its list is there: %v, %v", has, err)
	}
	for range 3 {
		check(t, next(t, q, "w").Done(t.Context(), complete))
	}
	check(t, q.Submit(t.Context(), f, jobs))
	if got := states(t, q, "first") + " " + states(t, q, "second"); got != "eee www" {
		t.Errorf("they are %s", got)
	}
	for _, id := range []string{"first", "a.b", ""} {
		f.ID = id
		if err := q.Submit(t.Context(), f, jobs); err == nil {
			t.Errorf("a fleet %q was taken", id)
		}
	}
}

// A tenant that is taken while a fleet is on its way is found, too: nothing is left of
// that fleet.
func TestHeldMeanwhile(t *testing.T) {
	t.Parallel()
	q := alone(t)
	f, jobs := fleetOf("second", 2, 0, 300)
	check(t, f.check(jobs))
	var entries []entry
	for _, j := range jobs {
		entries = append(entries, entry{Job: j})
	}
	there, err := q.snapshot(t.Context(), q.jobs, jetstream.AllKeys)
	check(t, err)
	if len(there) != 0 {
		t.Fatalf("there are %d", len(there))
	}
	submit(t, q, "first", 2, 299, 1)
	ack, err := q.createLater(entries[299], 0)
	check(t, err)
	err = q.created(t.Context(), entries[299], 0, ack, time.Now())
	if held, ok := errors.AsType[*HeldError](err); !ok || held.Holder.Fleet != "first" {
		t.Errorf("the error is %v", err)
	}
}

// A Submit that was killed on its way has nobody work on its fleet; others can have its
// tenants as soon as it is surely gone, and then it can't go on any more.
func TestSubmitCutShort(t *testing.T) {
	t.Parallel()
	q := alone(t)
	f, jobs := fleetOf("killed", 2, 0, 3)
	check(t, f.check(jobs))
	b, _ := json.Marshal(fleetRecord{Fleet: f})
	rev, err := q.swap(t.Context(), q.fleets, f.ID, b, 0)
	check(t, err)
	check(t, q.putList(t.Context(), f.ID, jobs))
	for _, j := range jobs[:2] {
		_, err := q.putEntry(t.Context(), entry{Job: j}, 0)
		check(t, err)
	}
	nothing(t, q, "w")
	other, theirs := fleetOf("other", 2, 1, 3)
	if _, ok := errors.AsType[*HeldError](q.Submit(t.Context(), other, theirs)); !ok {
		t.Error("what may be on its way was taken away")
	}
	e, err := q.latest(t.Context(), q.jobs, "key-t1")
	check(t, err)
	check(t, q.checkFree(t.Context(), theirs[0], e, e.Created().Add(abandonedAfter)))
	check(t, q.Submit(t.Context(), other, theirs))
	if n := keys(t, q, q.jobs); n != 3 {
		t.Errorf("there are %d jobs", n)
	}
	if _, err := q.swap(t.Context(), q.fleets, f.ID, b, rev); !errors.Is(err, errChanged) {
		t.Errorf("it can go on: %v", err)
	}
	if _, ok := errors.AsType[*NotFoundError](func() error { _, err := q.State(t.Context(), "killed"); return err }()); !ok {
		t.Error("it is still there")
	}
	if next(t, q, "w").Fleet != "other" {
		t.Error("it is of the fleet that was cut short")
	}
}

// An entry whose fleet there is none of is in nobody's way.
func TestOrphan(t *testing.T) {
	t.Parallel()
	q := alone(t)
	f, jobs := fleetOf("gone", 2, 0, 1)
	check(t, f.check(jobs))
	_, err := q.putEntry(t.Context(), entry{Job: jobs[0]}, 0)
	check(t, err)
	e, err := q.latest(t.Context(), q.jobs, "key-t0")
	check(t, err)
	nothing(t, q, "w")
	check(t, q.checkFree(t.Context(), jobs[0], e, e.Created().Add(abandonedAfter)))
	submit(t, q, "other", 2, 0, 1)
}

// Fleets are found by their IDs, and the latest by its name; IDs are those of no other.
func TestFind(t *testing.T) {
	t.Parallel()
	q := alone(t)
	now := time.Date(2026, 11, 29, 1, 2, 3, 0, time.FixedZone("", 3600))
	for i, want := range []string{"nightly-20261129-000203", "nightly-20261129-000203-2", "nightly-20261129-000203-3"} {
		id, err := q.NewID(t.Context(), "nightly", now)
		check(t, err)
		if id != want {
			t.Errorf("the ID is %s, want %s", id, want)
		}
		submit(t, q, id, 1, i, 1)
	}
	for name, want := range map[string]string{"nightly": "nightly-20261129-000203-3", "nightly-20261129-000203": "nightly-20261129-000203"} {
		f, err := q.Find(t.Context(), name)
		check(t, err)
		if f.ID != want || !f.Accepted || f.Tenants != 1 || time.Since(f.Submitted).Abs() > time.Minute {
			t.Errorf("%s is %+v", name, f)
		}
	}
	_, err := q.Find(t.Context(), "nightyl")
	says(t, err, `no fleet "nightyl": did you mean nightly?`)
	fleets, err := q.Fleets(t.Context())
	if err != nil || len(fleets) != 3 || fleets[2].ID != "nightly-20261129-000203-3" {
		t.Errorf("they are %+v, %v", fleets, err)
	}
}

// What is read of a bucket is whole, also while an entry of it is changed again and again.
func TestReadWhileChanged(t *testing.T) {
	t.Parallel()
	s := serve(t, ServerOptions{})
	q, reader := dialed(t, Options{URL: s.URL()}), dialed(t, Options{URL: s.URL()})
	submit(t, q, "f", 1, 0, 2)
	e, rev, err := q.entryOf(t.Context(), "key-t0")
	check(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var changes sync.WaitGroup
	changes.Go(func() {
		for err == nil {
			e.Epoch++
			rev, err = q.putEntry(ctx, e, rev)
		}
	})
	for range 300 {
		if n := keys(t, reader, reader.jobs); n != 2 {
			t.Errorf("it has %d entries of 2", n)
			break
		}
	}
	cancel()
	changes.Wait()
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// A thousand tenants are submitted at once.
func TestSubmitThousand(t *testing.T) {
	t.Parallel()
	q := alone(t)
	submit(t, q, "large", 20, 0, 1000)
	s, err := q.State(t.Context(), "large")
	check(t, err)
	if len(s.Jobs) != 1000 || s.Jobs[999].State != Waiting {
		t.Errorf("there are %d", len(s.Jobs))
	}
}

// A fleet that its own process restarts has what it had; what its dead workers held can
// be had at once, and leases of before are worth nothing.
func TestRestart(t *testing.T) {
	t.Parallel()
	q := alone(t)
	f, jobs := fleetOf("local", 2, 0, 4)
	f.Takeover = time.Hour
	names := []string{"t0", "t1", "t2", "t3"}
	check(t, q.Restart(t.Context(), f, jobs, names))
	check(t, next(t, q, "w").Done(t.Context(), complete))
	dead := next(t, q, "w")
	half := next(t, q, "w")
	e, rev := half.end()
	e.Ended, e.Outcome = true, json.RawMessage(`{"outcome":"error"}`)
	_, err := q.putEntry(t.Context(), e, rev) // and killed then
	check(t, err)
	if got := states(t, q, "local"); got != "erew" {
		t.Errorf("it is %s", got)
	}
	jobs = append(jobs, Job{Tenant: "new", Key: "key-new", Index: 4})
	f.Parallel = 10
	check(t, q.Restart(t.Context(), f, jobs, []string{"t1", "t3", "new"}))
	if got := states(t, q, "local"); got != "ewewww"[:5] {
		t.Errorf("it is %s", got)
	}
	for _, want := range []string{"t1", "t3", "new"} {
		l := next(t, q, "w")
		if l.Tenant != want || l.Tenant == "t1" && l.Epoch <= dead.Epoch {
			t.Errorf("it is %s, epoch %d", l.Tenant, l.Epoch)
		}
		defer l.Return(context.Background())
	}
	if err := dead.Done(t.Context(), complete); !errors.Is(err, ErrLost) {
		t.Errorf("the lease of before is worth something: %v", err)
	}
	if got := states(t, q, "local"); got != "erer"+"r" {
		t.Errorf("it is %s", got)
	}
}

//go:build unix

package work

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"rollcall/pipeline"
	"rollcall/pipeline/fleet"
	"rollcall/pipeline/fleet/queue"
	"rollcall/pipeline/job"
	"rollcall/pipeline/lock"
	"rollcall/pipeline/results"
)

// prepared has the Worker change the options of each job, or fail to prepare it.
func (w *Worker) prepared(change func(*job.Options) error) {
	prepare := w.Prepare
	w.Prepare = func(j queue.Job, dir string) (job.Options, error) {
		o, err := prepare(j, dir)
		if err == nil {
			err = change(&o)
		}
		return o, err
	}
}

// killed submits a tenant of n rows and kills its Worker, with its disk, at work.
func (w *world) killed(n int) (id string) {
	id = w.submit(1, n, nil)
	a := w.process("a", 1)
	w.atWork(id, "t0")
	a.kill()
	time.Sleep(200 * time.Millisecond) // for calls on their way
	return id
}

// A tenant whose takeover ends ahead of its first row keeps the reason, and has results of
// what was done before: undo leaves nobody changed.
func TestEndsAheadOfItsRows(t *testing.T) {
	t.Parallel()
	const n = 200
	for _, tt := range []struct {
		name, state, reason string
		exit                int
		change              func(*testing.T, *job.Options)
	}{
		{"guard", results.Guarded, "nothing was changed", 5, func(t *testing.T, o *job.Options) {
			var err error
			o.MaxChanges, err = pipeline.ParseShare("1")
			check(t, err)
		}},
		{"held", results.Errored, "is held by another run", 1, func(t *testing.T, o *job.Options) {
			f, err := lock.Tenant(o.LockDir, o.Settings.LockKey(o.Settings.Organization), "MyAnalyticsFeatureConfig")
			check(t, err)
			l, err := f.Acquire(t.Context(), "apply users.csv", 0)
			if _, held := errors.AsType[*lock.HeldError](err); !held {
				check(t, err)
				t.Cleanup(l.Release)
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, slowly)
			id := w.killed(n)
			b := w.worker("b", 1)
			b.prepared(func(o *job.Options) error { tt.change(t, o); return nil })
			stop := w.start(b)
			w.until(id, "ended", ended)
			stop()
			r, dir := w.download(id)
			o := r.Tenants[0].Outcome
			if o.State != tt.state || *o.Exit != tt.exit || !strings.Contains(o.Reason, tt.reason) || o.Rows.Recorded < 20 || o.Rows.Recorded != records(t, dir, "t0") || o.Rows.Total != n {
				t.Errorf("it is %+v, with %d records", o, records(t, dir, "t0"))
			}
			if text := content(t, dir, "t0.csv.json"); !strings.Contains(text, `"outcome": "`+tt.state+`"`) || !strings.Contains(text, tt.reason) {
				t.Errorf("the summary is %s", text)
			}
			defer w.start(w.worker("c", 1))()
			w.undo(dir, "t0")
			if changed := w.changed("t0", n); changed != 0 {
				t.Errorf("undo leaves %d users changed", changed)
			}
		})
	}
}

// A Worker that can't prepare a job hands it back for one that can. If none can it is
// failed, with the rows that it had; put in the queue again it goes on from there.
func TestCannotPrepare(t *testing.T) {
	t.Parallel()
	const n = 200
	w := newWorld(t, slowly)
	id := w.killed(n)
	had := recorded(w.state(id), "t0")
	var bad []*Worker
	for _, name := range []string{"b", "c", "d"} {
		b := w.worker(name, 1)
		b.prepared(func(*job.Options) error { return errors.New("no access token") })
		bad = append(bad, b)
	}
	stop := w.start(bad...)
	w.until(id, "ended", ended)
	stop()
	r, err := RecordOf(w.state(id))
	check(t, err)
	if o := r.Tenants[0].Outcome; o.State != results.Errored || o.Rows.Recorded != had || o.Rows.Total != n || !strings.HasPrefix(o.Reason, "no access token (no worker could do it: ") {
		t.Errorf("it is %+v, and had %d rows", o, had)
	}
	check(t, w.queue.Again(t.Context(), id, nil))
	if got := recorded(w.state(id), "t0"); got != had {
		t.Errorf("it waits with %d rows, and had %d", got, had)
	}
	stop = w.start(bad[0])
	w.until(id, "handed back", func(s *queue.FleetState) bool { return len(s.Jobs[0].Rejections) > 0 })
	defer stop()
	defer w.start(w.worker("e", 1))()
	w.until(id, "ended", ended)
	w.isWhole(id, 1, n)
}

// A Worker that finds the tenant locked by the one that it took the job from, which is
// stopped and on the same machine, waits for the takeover time and then hands the job
// back, until it can have it.
func TestHeldByLost(t *testing.T) {
	t.Parallel()
	const n = 400
	w := newWorld(t, slowly)
	id := w.submit(1, n, nil)
	a := w.process("a", 1)
	w.atWork(id, "t0")
	check(t, a.Process.Signal(syscall.SIGSTOP))
	had := recorded(w.state(id), "t0")
	b := newWorker(w.connect(), "b", 1, w.endpoint, a.dir)
	over := make(chan Event, 100)
	b.Observer = observing(func(e Event) {
		switch e.(type) {
		case Returned, Rejected, Ended:
			over <- e
		}
	})
	defer w.start(b)()
	first := <-over
	e, _ := first.(Returned)
	if _, held := errors.AsType[*lock.HeldError](e.Why); !held || e.State != fleet.Waiting {
		t.Fatalf("it was not given back as held: %+v", first)
	}
	if waited := e.Finished.Sub(*e.Started); waited < takeover {
		t.Errorf("it was given back after %v, want %v at least", waited, takeover)
	}
	if got := recorded(w.state(id), "t0"); got < had {
		t.Errorf("it has %d rows, and had %d", got, had)
	}
	check(t, a.Process.Signal(syscall.SIGCONT))
	check(t, a.Process.Signal(syscall.SIGTERM))
	check(t, a.Wait())
	w.until(id, "ended", ended)
	w.isWhole(id, 1, n)
}

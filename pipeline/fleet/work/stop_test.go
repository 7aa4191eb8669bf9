package work

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/pipeline/fleet"
	"rollcall/pipeline/fleet/queue"
	"rollcall/pipeline/job"
	"rollcall/tenant"
	"rollcall/tenant/connect"
)

// slowly is a latency at which a tenant of some hundred rows takes seconds.
const slowly = 10 * time.Millisecond

// atWork waits until a tenant has some rows, and not all.
func (w *world) atWork(id, tenant string) {
	w.t.Helper()
	w.until(id, tenant+" at work", func(s *queue.FleetState) bool { return recorded(s, tenant) > 20 })
}

// exactly checks that each user of so many tenants was set once.
func (w *world) exactly(tenants, n int) {
	w.t.Helper()
	if sets, got := w.sets(); sets != tenants*users(n) || got != sets {
		w.t.Errorf("%d sets of %d users, want %d", sets, got, tenants*users(n))
	}
}

// A fleet that is paused makes no further call; when it goes on, another Worker does so
// where it was: no user is set twice.
func TestPause(t *testing.T) {
	t.Parallel()
	const n = 200
	w := newWorld(t, slowly)
	id := w.submit(2, n, nil)
	stop := w.start(w.worker("a", 2))
	w.atWork(id, "t0")
	check(t, w.queue.Control(t.Context(), id, func(c *queue.Control) { c.Paused = true }))
	s := w.until(id, "paused", count(2, queue.Paused))
	sets, _ := w.sets()
	for _, j := range s.Jobs {
		if got := recorded(s, j.Tenant); got == 0 || got >= n {
			t.Errorf("%s is paused with %d rows", j.Tenant, got)
		}
	}
	time.Sleep(300 * time.Millisecond)
	if now, _ := w.sets(); now != sets {
		t.Errorf("%d sets while it is paused", now-sets)
	}
	stop()
	check(t, w.queue.Control(t.Context(), id, func(c *queue.Control) { c.Paused = false }))
	defer w.start(w.worker("b", 2))()
	w.until(id, "all ended", ended)
	w.isWhole(id, 2, n)
	w.exactly(2, n)
}

// A tenant that is cancelled leaves results, summary and journal of what was done; put in
// the queue again it goes on from there. The others are not touched.
func TestCancel(t *testing.T) {
	t.Parallel()
	const n = 200
	w := newWorld(t, slowly)
	id := w.submit(2, n, nil)
	stop := w.start(w.worker("a", 2))
	w.atWork(id, "t0")
	check(t, w.queue.Cancel(t.Context(), id, []string{"t0"}, fleet.Outcome{State: fleet.Cancelled}))
	w.until(id, "all ended", ended)
	stop()
	r, dir := w.download(id)
	o := r.Tenants[0].Outcome
	if o.State != fleet.Cancelled || *o.Exit != 1 || o.Reason != "cancelled" || o.Rows.Recorded == 0 || o.Rows.Recorded >= n {
		t.Errorf("t0 is %+v", o)
	}
	for _, suffix := range suffixes {
		if _, err := os.Stat(filepath.Join(dir, "t0"+suffix)); err != nil {
			t.Error(err)
		}
	}
	if text := content(t, dir, "t0.csv.json"); !strings.Contains(text, `"reason": "cancelled"`) {
		t.Errorf("the summary is %s", text)
	}
	check(t, w.queue.Again(t.Context(), id, []string{"t0"}))
	defer w.start(w.worker("b", 2))()
	w.until(id, "all ended", ended)
	w.isWhole(id, 2, n)
	w.exactly(2, n)
}

// A Worker that is stopped finishes its rows in progress, gives its jobs back and leaves
// nothing; another goes on at once.
func TestDrain(t *testing.T) {
	t.Parallel()
	const n = 200
	w := newWorld(t, slowly)
	id := w.submit(2, n, nil)
	stop := w.start(w.worker("a", 2))
	w.atWork(id, "t0")
	stop()
	if s := w.state(id); !count(2, queue.Waiting)(s) {
		t.Errorf("it left %+v", s.Jobs)
	}
	defer w.start(w.worker("b", 2))()
	w.until(id, "all ended", ended)
	w.isWhole(id, 2, n)
	w.exactly(2, n)
}

// A Worker that is stopped at once leaves rows in progress, which are at most as many as
// it works on at once; it still gives its jobs back.
func TestHardStop(t *testing.T) {
	t.Parallel()
	const n = 200
	w := newWorld(t, slowly)
	id := w.submit(1, n, nil)
	a := w.worker("a", 1)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- a.Run(ctx, nil) }()
	w.atWork(id, "t0")
	cancel()
	check(t, <-done)
	if s := w.state(id); !count(1, queue.Waiting)(s) {
		t.Errorf("it left %+v", s.Jobs)
	}
	defer w.start(w.worker("b", 1))()
	w.until(id, "all ended", ended)
	w.isWhole(id, 1, n)
	if sets, got := w.sets(); got != users(n) || sets > got+workers {
		t.Errorf("%d sets of %d users, want %d and at most %d", sets, got, users(n), workers)
	}
}

// A fleet with more failed tenants than it may have is stopped: those that wait are not
// begun.
func TestTooManyFailed(t *testing.T) {
	t.Parallel()
	const n = 12
	w := newWorld(t, 0)
	id := w.submit(4, n, func(f *queue.Fleet, jobs []queue.Job) {
		f.Parallel, f.MaxFailed = 1, "1"
		for i := range 2 {
			check(t, w.queue.Delete(t.Context(), queue.RosterName(jobs[i].RosterSHA256)))
		}
	})
	defer w.start(w.worker("a", 2))()
	s := w.until(id, "stopped", func(s *queue.FleetState) bool { return s.Stopped != "" })
	if s.Stopped != "2 of 4 tenants failed, more than 1" {
		t.Errorf("it was stopped because %q", s.Stopped)
	}
	time.Sleep(300 * time.Millisecond)
	s = w.state(id)
	for _, j := range s.Jobs[2:] {
		if j.Epoch != 0 {
			t.Errorf("%s was begun: %+v", j.Tenant, j)
		}
	}
}

// A Worker that is cut off from the queue ends its jobs before another can have them, and
// stores nothing of them. When it is connected again it takes others.
func TestCutOff(t *testing.T) {
	t.Parallel()
	const n = 200
	w := newWorld(t, slowly)
	way := newProxy(t, strings.TrimPrefix(w.server.URL(), "nats://"))
	q, err := queue.Connect(t.Context(), queue.Options{URL: "nats://" + way.address(), Name: "a"})
	check(t, err)
	t.Cleanup(q.Close)
	a := newWorker(q, "a", 1, w.endpoint, t.TempDir())
	var mu sync.Mutex
	order := "" // of the calls by worker
	noting := func(w *Worker) { w.noting(func() { mu.Lock(); defer mu.Unlock(); order += w.Name }) }
	noting(a)
	seen := new(events)
	a.Observer = seen

	id := w.submit(1, n, nil)
	defer w.start(a)()
	w.atWork(id, "t0")
	way.cut()
	b := w.worker("b", 1)
	noting(b)
	defer w.start(b)()
	s := w.until(id, "taken over", func(s *queue.FleetState) bool { return s.Jobs[0].Epoch > 1 })
	if s.Jobs[0].Worker != "b" {
		t.Errorf("it is %+v", s.Jobs[0])
	}
	way.heal()
	w.until(id, "all ended", ended)
	mu.Lock()
	if strings.Contains(order, "ba") {
		t.Error("there was a call of a after one of b")
	}
	mu.Unlock()
	w.isWhole(id, 1, n)
	if sets, got := w.sets(); got != users(n) || sets > got+workers {
		t.Errorf("%d sets of %d users, want %d and at most %d", sets, got, users(n), workers)
	}
	if !seen.has(Lost{}) {
		t.Errorf("a saw %v", seen.all)
	}
}

// A Runner whose lease is not held runs nothing, and ends the job.
func TestLeased(t *testing.T) {
	t.Parallel()
	held, ended := true, 0
	runs := 0
	open := guarded(func(connect.Settings, connect.Options) (*connect.Tenant, error) {
		return &connect.Tenant{Runner: counting(func() { runs++ })}, nil
	}, func() bool { return held }, func() { ended++ })
	tt, err := open(connect.Settings{}, connect.Options{})
	check(t, err)
	for _, held = range []bool{true, false, true} {
		before := runs
		_, err := tt.Run(t.Context(), tenant.Cmdlet{Name: "Get-X", Identity: "ada"})
		if held != (err == nil) || held != (runs == before+1) || !held && !errors.Is(err, ErrLost) {
			t.Errorf("held %v: %d runs, %v", held, runs-before, err)
		}
		if err := tt.Save(); held != (err == nil) {
			t.Errorf("held %v: save: %v", held, err)
		}
	}
	if ended != 2 {
		t.Errorf("the job was ended %d times", ended)
	}
}

// counting is a Runner with a file.
type counting func()

func (c counting) Run(context.Context, tenant.Cmdlet) ([]tenant.Object, error) {
	c()
	return nil, nil
}

func (c counting) Save() error { return nil }

// noting has f called ahead of each call that the Worker makes on a tenant.
func (w *Worker) noting(f func()) {
	prepare := w.Prepare
	w.Prepare = func(j queue.Job, dir string) (job.Options, error) {
		o, err := prepare(j, dir)
		o.Open = func(s connect.Settings, co connect.Options) (*connect.Tenant, error) {
			tt, err := connect.Open(s, co)
			if err == nil {
				tt.Runner = noted{tt.Runner, f}
			}
			return tt, err
		}
		return o, err
	}
}

type noted struct {
	tenant.Runner
	note func()
}

func (n noted) Run(ctx context.Context, c tenant.Cmdlet) ([]tenant.Object, error) {
	n.note()
	return n.Runner.Run(ctx, c)
}

// events are those of a Worker itself.
type events struct {
	mu  sync.Mutex
	all []Event
}

func (s *events) Observe(_ *queue.Job, e Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch e.(type) {
	case Began, Ended, Returned, Rejected, Lost:
		s.all = append(s.all, e)
	}
}

func (s *events) has(e Event) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.all {
		if x == e {
			return true
		}
	}
	return false
}

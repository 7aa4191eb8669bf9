package work

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"

	"rollcall/pipeline/fleet"
	"rollcall/pipeline/fleet/queue"
)

// A job that its Worker gives up, and that nobody else has, is free at once: the fleet
// comes to its end.
func TestGivenUpWhileHeld(t *testing.T) {
	t.Parallel()
	const n = 200
	w := newWorld(t, slowly)
	id := w.submit(1, n, nil)
	a := w.worker("a", 1)
	seen := new(events)
	a.Observer = seen
	defer w.start(a)()
	w.atWork(id, "t0")
	_, err := w.queue.OpenLog(t.Context(), id, "t0") // which fences that of the Worker
	check(t, err)
	w.until(id, "all ended", ended)
	w.isWhole(id, 1, n)
	if !seen.has(Lost{}) {
		t.Errorf("a saw %v", seen.all)
	}
}

// A Worker whose lease is not valid replaces and removes nothing in the store.
func TestStoresNothingWithoutLease(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	id := w.submit(1, 12, nil)
	lease, err := w.queue.Next(t.Context(), "a")
	check(t, err)
	dir := t.TempDir()
	one := &task{workerState: &workerState{Worker: w.worker("a", 1), log: zap.NewNop()}, lease: lease, log: zap.NewNop(), results: filepath.Join(dir, "t0.csv")}
	check(t, os.WriteFile(one.results, []byte("mine"), 0o600))
	for _, suffix := range suffixes {
		check(t, w.queue.Put(t.Context(), queue.ResultName(id, "t0", suffix), strings.NewReader("theirs")))
	}
	check(t, lease.Return(t.Context()))
	for _, suffix := range suffixes { // it has a .csv, and none of the others
		if err := one.put(t.Context(), suffix); !errors.Is(err, ErrLost) {
			t.Errorf("%s: %v", suffix, err)
		}
		var b strings.Builder
		if err := w.queue.Get(t.Context(), queue.ResultName(id, "t0", suffix), &b); err != nil || b.String() != "theirs" {
			t.Errorf("%s is %q, %v", suffix, b.String(), err)
		}
	}
	tried := false
	err = one.retry(t.Context(), "do it", 1, func(context.Context) error { tried = true; return nil })
	if err != ErrLost || tried {
		t.Errorf("it was tried: %v, %v", tried, err)
	}
}

// A tenant that is cancelled, and is to go on before its rows in progress are finished,
// goes on.
func TestGoesOnWhileCancelled(t *testing.T) {
	t.Parallel()
	const n = 400
	w := newWorld(t, slowly)
	id := w.submit(1, n, nil)
	a := w.worker("a", 1)
	var held atomic.Pointer[chan struct{}]
	a.noting(func() {
		if c := held.Load(); c != nil {
			<-*c
		}
	})
	defer w.start(a)()
	w.atWork(id, "t0")
	finish := make(chan struct{})
	held.Store(&finish)
	check(t, w.queue.Cancel(t.Context(), id, []string{"t0"}, fleet.Outcome{State: fleet.Cancelled}))
	time.Sleep(300 * time.Millisecond) // for the Worker to hear of it
	check(t, w.queue.Control(t.Context(), id, func(c *queue.Control) { c.CancelledTenants = nil }))
	close(finish)
	w.until(id, "all ended", ended)
	w.isWhole(id, 1, n)
	w.exactly(1, n)
}

// A tenant that is cancelled, and is to go on just as it ends, goes on as well.
func TestGoesOnAtTheEnd(t *testing.T) {
	t.Parallel()
	const n = 400
	w := newWorld(t, slowly)
	id := w.submit(1, n, nil)
	a := w.worker("a", 1)
	var once atomic.Bool
	a.Observer = observing(func(e Event) {
		if _, ended := e.(Ended); ended && once.CompareAndSwap(false, true) {
			check(t, w.queue.Control(t.Context(), id, func(c *queue.Control) { c.CancelledTenants = nil }))
		}
	})
	defer w.start(a)()
	w.atWork(id, "t0")
	check(t, w.queue.Cancel(t.Context(), id, []string{"t0"}, fleet.Outcome{State: fleet.Cancelled}))
	w.until(id, "all ended after it went on", func(s *queue.FleetState) bool { return ended(s) && s.Jobs[0].Epoch > 1 })
	w.isWhole(id, 1, n)
	w.exactly(1, n)
}

// observing is an Observer of a Worker itself.
type observing func(Event)

func (f observing) Observe(_ *queue.Job, e Event) { f(e) }

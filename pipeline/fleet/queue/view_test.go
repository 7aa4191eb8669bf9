package queue

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// A laggingBucket tells who watches it everything late.
type laggingBucket struct{ jetstream.KeyValue }

func (b laggingBucket) WatchAll(ctx context.Context, o ...jetstream.WatchOpt) (jetstream.KeyWatcher, error) {
	w, err := b.KeyValue.WatchAll(ctx, o...)
	late := make(chan jetstream.KeyValueEntry)
	go func() {
		for e := range w.Updates() {
			time.Sleep(300 * time.Millisecond)
			select {
			case late <- e:
			case <-ctx.Done():
				return
			}
		}
	}()
	return laggingWatch{w, late}, err
}

type laggingWatch struct {
	jetstream.KeyWatcher
	late chan jetstream.KeyValueEntry
}

func (w laggingWatch) Updates() <-chan jetstream.KeyValueEntry { return w.late }

// When a fleet is paused and then a job of it ends, no further one is begun, however late
// a worker hears of the one and how soon of the other. The job is had when the fleet goes
// on.
func TestNothingBegunAfterStop(t *testing.T) {
	t.Parallel()
	q := alone(t)
	submit(t, q, "f", 1, 0, 2)
	q.fleets = laggingBucket{q.fleets}
	l := next(t, q, "a")
	check(t, q.Control(t.Context(), "f", func(c *Control) { c.Paused = true }))
	check(t, l.Done(t.Context(), complete))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	taken := make(chan *Lease, 1)
	go func() { l, _ := q.Next(ctx, "a"); taken <- l }()
	select {
	case l := <-taken:
		t.Fatalf("%s was begun", l.Tenant)
	case <-time.After(time.Second):
	}
	check(t, q.Control(ctx, "f", func(c *Control) { c.Paused = false }))
	select {
	case l := <-taken:
		if l.Tenant != "t1" || l.Epoch != 1 {
			t.Errorf("it is %s, epoch %d", l.Tenant, l.Epoch)
		}
	case <-time.After(10 * time.Second):
		t.Error("nothing is taken")
	}
}

// The version of a fleet in a view changes with everything that is said of the fleet, and
// not with another fleet; the list of jobs of a fleet that is not at work is not kept.
func TestViewVersion(t *testing.T) {
	t.Parallel()
	q := alone(t)
	submit(t, q, "f", 1, 0, 1)
	submit(t, q, "g", 1, 1, 1)
	v, err := q.Watch(t.Context())
	check(t, err)
	defer v.Close()
	lists := func() int { v.mu.Lock(); defer v.mu.Unlock(); return len(v.lists) }
	f, g := v.Version("f"), v.Version("g")
	if f == 0 || g == 0 || v.Version("h") != 0 {
		t.Errorf("they are %d, %d and %d", f, g, v.Version("h"))
	}
	if v.State("f") == nil || lists() != 1 {
		t.Errorf("it keeps %d lists of one fleet at work", lists())
	}
	changed := func() {
		t.Helper()
		waitFor(t, func() bool { return v.Version("f") != f })
		f = v.Version("f")
	}
	check(t, q.Control(t.Context(), "f", func(c *Control) { c.Paused = true }))
	changed()
	check(t, q.Control(t.Context(), "f", func(c *Control) { c.Paused = false }))
	changed()
	l := next(t, q, "a")
	changed()
	l.Progress(1)
	changed()
	check(t, l.Done(t.Context(), complete))
	changed()
	waitFor(t, func() bool { s := v.State("f"); return s != nil && s.Jobs[0].State == Ended && lists() == 0 })
	if v.Version("g") != g {
		t.Error("the version of the other has changed")
	}
}

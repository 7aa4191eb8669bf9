package queue

import "testing"

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

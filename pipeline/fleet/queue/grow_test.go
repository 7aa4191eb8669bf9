package queue

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// messages counts the messages of a bucket, markers of deleted keys as well.
func messages(t *testing.T, q *Queue, kv jetstream.KeyValue) int {
	t.Helper()
	found, err := q.snapshot(t.Context(), kv, jetstream.AllKeys)
	check(t, err)
	return len(found)
}

// Of jobs and fleets that were removed nothing is left in the end, not even that they
// were deleted; keys that a fleet has keep their markers.
func TestMarkers(t *testing.T) {
	s := serve(t, ServerOptions{Keep: time.Hour})
	q := within(t, s)
	const day = 24 * time.Hour
	submit(t, q, "old", 5, 0, 3)
	for range 3 {
		check(t, next(t, q, "w").Done(t.Context(), complete))
	}
	check(t, q.Remove(t.Context(), "old"))
	submit(t, q, "new", 5, 0, 2) // has t0 and t1, too
	check(t, next(t, q, "w").Done(t.Context(), complete))
	for _, test := range []struct {
		after        time.Duration
		jobs, fleets int
	}{{time.Minute, 3, 2}, {2 * day, 2, 1}} {
		check(t, s.cleanOnce(t.Context(), newCollector(q), time.Now().Add(test.after)))
		if j, f := messages(t, q, q.jobs), messages(t, q, q.fleets); j != test.jobs || f != test.fleets {
			t.Errorf("after %v there are %d of jobs and %d of fleets, want %d and %d", test.after, j, f, test.jobs, test.fleets)
		}
	}
	if got := states(t, q, "new"); got != "ew" {
		t.Errorf("it is %s", got)
	}
	submit(t, q, "old", 5, 2, 1) // at no revision
}

// A fleet that can't be cleaned is in the way of no other, and of nothing that is known
// not to be needed; files of which it can't say whether it needs them stay.
func TestCleanOthers(t *testing.T) {
	s := serve(t, ServerOptions{Keep: time.Hour})
	q := within(t, s)
	for i, id := range []string{"bad", "good"} {
		submit(t, q, id, 5, i, 1)
		check(t, next(t, q, "w").Done(t.Context(), complete))
	}
	for _, key := range []string{"bad.t0", "gone.t0"} {
		_, err := q.outcomes.Put(t.Context(), key, []byte("{"))
		check(t, err)
	}
	check(t, q.Delete(t.Context(), listName("bad")))
	put(t, q, RosterName("x"))
	garbage := newCollector(q)
	for range 3 {
		says(t, s.cleanOnce(t.Context(), garbage, time.Now().Add(48*time.Hour)), "read the outcomes of fleet bad", "fetch fleets/bad: there is no such file")
	}
	if got := stored(t, q); got != "$KV.outcomes.bad.t0 rosters/x" {
		t.Errorf("there is left %s", got)
	}
}

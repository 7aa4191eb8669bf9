package queue

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// put stores a small file.
func put(t *testing.T, q *Queue, names ...string) {
	t.Helper()
	for _, name := range names {
		check(t, q.Put(t.Context(), name, strings.NewReader("x")))
	}
}

// stored returns what the store has: files, subjects of logs, keys of outcomes.
func stored(t *testing.T, q *Queue) string {
	t.Helper()
	all, err := q.fileNames(t.Context())
	check(t, err)
	for _, of := range [][2]string{{filesStream, partSubject}, {journalStream, journalSubject}, {"KV_outcomes", "$KV.outcomes."}} {
		names, err := q.subjects(t.Context(), of[0], of[1]+">")
		check(t, err)
		all = append(all, names...)
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// A fleet that ended longer ago than fleets are kept is removed with all that it has,
// and nothing of any other is. Rosters go when neither a fleet nor a schedule has them.
func TestKeep(t *testing.T) {
	t.Parallel()
	s := serve(t, ServerOptions{Keep: 30 * 24 * time.Hour})
	q := within(t, s)
	fleet := func(id string, first, n int) {
		f, jobs := fleetOf(id, 5, first, n)
		for i := range jobs {
			jobs[i].RosterSHA256 = fmt.Sprintf("%d", first+i)
			jobs[i].Files = []File{{Name: "a.csv", SHA256: jobs[i].RosterSHA256}, {Name: "a.csv.json", SHA256: "beside"}}
			put(t, q, RosterName(jobs[i].RosterSHA256), ResultName(id, jobs[i].Tenant, ".csv"))
			l, err := q.OpenLog(t.Context(), id, jobs[i].Tenant)
			check(t, err)
			check(t, l.Append([]byte("x")))
		}
		check(t, q.Submit(t.Context(), f, jobs))
	}
	fleet("old", 0, 2)
	put(t, q, RosterName("beside"))
	for range 2 {
		check(t, next(t, q, "w").Done(t.Context(), map[string]string{"outcome": "errored"}))
	}
	fleet("new", 1, 2) // has t1, too, and so its roster
	check(t, next(t, q, "w").Done(t.Context(), map[string]string{"outcome": "errored"}))
	all := stored(t, q)
	if err := q.Remove(t.Context(), "new"); err == nil || !strings.Contains(err.Error(), "remove fleet new: it has not ended") {
		t.Errorf("a fleet that runs can be removed: %v", err)
	}

	clean := newCollector(q)
	day := 24 * time.Hour
	for _, when := range []time.Duration{0, 29 * day, 29 * day} {
		check(t, s.cleanOnce(t.Context(), clean, time.Now().Add(when)))
	}
	if got := stored(t, q); got != all {
		t.Errorf("too early there is left\n%s of\n%s", got, all)
	}
	for range 2 { // a roster goes with the second time
		check(t, s.cleanOnce(t.Context(), clean, time.Now().Add(31*day)))
	}
	const left = "$KV.outcomes.new.t1 fleet.log.new.t1 fleet.log.new.t2 fleets/new results/new/t1.csv results/new/t2.csv rosters/1 rosters/2 rosters/beside"
	if got := stored(t, q); got != left {
		t.Errorf("there is left\n%s, want\n%s", got, left)
	}
	if _, err := q.Find(t.Context(), "old"); err == nil {
		t.Error("the fleet can be found")
	}
	check(t, next(t, q, "w").Done(t.Context(), complete))
	check(t, q.Remove(t.Context(), "new"))
	_, err := q.Find(t.Context(), "new")
	if _, ok := errors.AsType[*NotFoundError](err); !ok {
		t.Errorf("the fleet can be found: %v", err)
	}
	for range 2 {
		check(t, s.cleanOnce(t.Context(), clean, time.Now().Add(2*day)))
	}
	if got := stored(t, q); got != "" {
		t.Errorf("there is left %s", got)
	}
	fleet("old", 0, 1)
}

// What those left who were killed is swept away, and nothing that is new, or that was
// asked for a moment ago.
func TestSweep(t *testing.T) {
	t.Parallel()
	s := serve(t, ServerOptions{})
	q := within(t, s)
	garbage := newCollector(q)
	later := func(after time.Duration) { check(t, s.cleanOnce(t.Context(), garbage, time.Now().Add(after))) }
	put(t, q, "rosters/a", "rosters/b", "results/gone/t0.csv", "fleets/gone", "schedules/gone/1")
	for i := range 3 {
		m := nats.NewMsg(fmt.Sprintf("%sorphan.%d", partSubject, i))
		m.Data = []byte("x")
		check(t, q.publish(t.Context(), m))
	}
	all := stored(t, q)
	later(0)
	later(23 * time.Hour)
	if got := stored(t, q); got != all {
		t.Errorf("too early there is left %s of %s", got, all)
	}
	h, err := q.head(t.Context(), "rosters/a")
	check(t, err)
	if has, err := q.Has(t.Context(), "rosters/a"); !has || err != nil {
		t.Fatal(has, err)
	}
	if gone, err := q.deleteHead(t.Context(), h); gone || err != nil {
		t.Errorf("what was asked for goes: %v, %v", gone, err)
	}
	_, err = q.OpenLog(t.Context(), "gone", "t0") // of a worker that does not know
	check(t, err)
	put(t, q, "rosters/c")
	later(25 * time.Hour)
	if got := stored(t, q); got != "fleet.log.gone.t0 rosters/c" { // which nothing needs for the first time
		t.Errorf("there is left %s", got)
	}
	later(25 * time.Hour)
	if got := stored(t, q); got != "" {
		t.Errorf("there is left %s", got)
	}
}

// A Submit that was cut short leaves nothing for long, though nobody asks for it.
func TestCleanAbandoned(t *testing.T) {
	t.Parallel()
	s := serve(t, ServerOptions{})
	q := within(t, s)
	submit(t, q, "half", 1, 0, 2)
	_, err := q.change(t.Context(), "half", func(r *fleetRecord) { r.Accepted = false })
	check(t, err)
	for _, test := range []struct {
		after time.Duration
		want  int
	}{{30 * time.Minute, 1}, {2 * time.Hour, 0}} {
		check(t, s.cleanOnce(t.Context(), newCollector(q), time.Now().Add(test.after)))
		if all, err := q.records(t.Context()); len(all) != test.want || err != nil {
			t.Errorf("after %v there are %d, %v", test.after, len(all), err)
		}
	}
	submit(t, q, "other", 1, 0, 2)
}

package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"rollcall/pipeline/fleet/queue"
	"rollcall/report"
)

// newFleetServer starts a server, and returns it with a client.
func newFleetServer(t *testing.T, listen string) (*queue.Server, *queue.Queue) {
	t.Helper()
	s, err := queue.Serve(t.Context(), queue.ServerOptions{Dir: t.TempDir(), Listen: listen})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	q, err := s.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(q.Close)
	return s, q
}

// A list of fleets finds out again only what has changed, and holds no tenants of fleets
// that have ended, if that is wanted.
func TestFleetListKeepsWhatIsKnown(t *testing.T) {
	t.Parallel()
	_, q := newFleetServer(t, "")
	ctx := t.Context()
	for i, id := range []string{"done", "open"} {
		j := queue.Job{Tenant: "a", Key: fmt.Sprint("key", i), Holds: id, Run: "apply", Roster: "a.csv", Rows: 10}
		if err := q.Submit(ctx, queue.Fleet{ID: id, Name: id, Run: "apply", Parallel: 1, Takeover: time.Minute}, []queue.Job{j}); err != nil {
			t.Fatal(err)
		}
	}
	v, err := q.Watch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	l := fleetList{queue: q, view: v, short: true}
	all := func(is func(done, open *report.FleetStatus) bool) (done, open *report.FleetStatus) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			fleets, err := l.all(ctx)
			if err == nil && len(fleets) == 2 && is(fleets[0], fleets[1]) {
				return fleets[0], fleets[1]
			}
			if time.Now().After(end) {
				t.Fatalf("it does not come about: %v, %v", fleets, err)
			}
		}
	}
	lease, err := q.Next(ctx, "w")
	if err == nil {
		err = lease.Done(ctx, map[string]any{"outcome": "complete", "exit": 0})
	}
	if err != nil {
		t.Fatal(err)
	}
	done, open := all(func(done, open *report.FleetStatus) bool { return done.Ended() && !open.Ended() })
	if len(done.Tenants) != 0 || len(open.Tenants) != 1 {
		t.Errorf("it has %d tenants of the one that has ended, %d of the other", len(done.Tenants), len(open.Tenants))
	}
	all(func(sameDone, sameOpen *report.FleetStatus) bool { // once all that has changed is known
		same := sameDone == done && sameOpen == open
		done, open = sameDone, sameOpen
		return same
	})
	if err := q.Control(ctx, "open", func(c *queue.Control) { c.Paused = true }); err != nil {
		t.Fatal(err)
	}
	same, _ := all(func(_, open *report.FleetStatus) bool { return open.Count[report.FleetPaused] == 1 })
	if same != done {
		t.Error("the other has changed, and this one was found out again")
	}
}

// A command whose server goes away after it was reached ends with an error.
func TestServerGoesAway(t *testing.T) {
	t.Parallel()
	s, _ := newFleetServer(t, "127.0.0.1:0")
	f := fleetServerFlags{url: s.URL()}
	begin := time.Now()
	err := f.do(func(ctx context.Context, q *queue.Queue) error {
		s.Close()
		_, err := q.Fleets(ctx)
		return err
	})
	if took := time.Since(begin); err == nil || !strings.Contains(err.Error(), "the fleet server has not answered for") || took > 2*answerTimeout {
		t.Errorf("it ends after %v: %v", took, err)
	}
}

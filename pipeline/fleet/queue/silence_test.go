package queue

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// silent has a server believe that it last heard of a lease so long ago.
func silent(t *testing.T, s *Server, l *Lease, ago time.Duration) {
	t.Helper()
	v, err := s.own.sharedView(t.Context())
	check(t, err)
	waitFor(t, func() bool {
		v.mu.Lock()
		defer v.mu.Unlock()
		j := v.jobs[l.Key]
		if j == nil || j.Epoch != l.Epoch {
			return false
		}
		j.seen = time.Now().Add(-ago)
		return true
	})
	waitFor(t, func() bool { return s.own.askSilences(t.Context())[l.Key].For >= ago })
}

// A worker that starts after another was lost has its job as soon as the takeover time is
// over, however short a time it watches itself.
func TestSilenceIsRemembered(t *testing.T) {
	t.Parallel()
	s := serve(t, ServerOptions{})
	q := within(t, s)
	f, jobs := fleetOf("f", 2, 0, 2)
	f.Takeover = time.Hour // none is lost meanwhile
	check(t, q.Submit(t.Context(), f, jobs))
	lost, alive := next(t, q, "lost"), next(t, q, "alive")
	mute(lost)
	silent(t, s, lost, time.Hour)
	silent(t, s, alive, time.Hour-10*time.Second)
	st, err := q.State(t.Context(), "f")
	check(t, err)
	v, err := q.Watch(t.Context())
	check(t, err)
	defer v.Close()
	for _, seen := range []*FleetState{st, v.State("f")} {
		if long, short := seen.Jobs[0].Silent, seen.Jobs[1].Silent; long < time.Hour || short >= time.Hour || short < time.Hour-time.Minute {
			t.Errorf("they are silent for %v and %v", long, short)
		}
	}
	heir := dialed(t, Options{URL: s.URL(), Name: "heir"})
	if l := next(t, heir, "heir"); l.Tenant != lost.Tenant || l.Epoch != lost.Epoch+1 {
		t.Errorf("it is %s, epoch %d", l.Tenant, l.Epoch)
	}
	nothing(t, heir, "heir")
}

// What a server says of a revision says nothing of a later one: who was heard again since
// keeps the job.
func TestSilenceOfBefore(t *testing.T) {
	t.Parallel()
	q := alone(t)
	f, jobs := fleetOf("f", 1, 0, 1)
	f.Takeover = time.Hour
	check(t, q.Submit(t.Context(), f, jobs))
	l := next(t, q, "a")
	mute(l)
	e, before, err := q.entryOf(t.Context(), l.Key)
	check(t, err)
	now, err := q.putEntry(t.Context(), e, before)
	check(t, err)
	for _, revision := range []uint64{before, now} {
		b, err := json.Marshal(map[string]silence{l.Key: {revision, time.Hour}})
		check(t, err)
		told, err := q.conn.Subscribe(silenceSubject, func(m *nats.Msg) { m.Respond(b) })
		check(t, err)
		v, err := q.Watch(t.Context())
		check(t, err)
		if c, _, _ := v.next("heir", all); (c.action == doTake) != (revision == now) {
			t.Errorf("told of revision %d, at %d: it does %d", revision, now, c.action)
		}
		v.Close()
		check(t, told.Unsubscribe())
	}
}

package queue

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// An interfered is a bucket whose changes can be interfered with.
type interfered struct {
	jetstream.KeyValue
	update func(value []byte, do func() (uint64, error)) (uint64, error)
}

func (k interfered) Update(ctx context.Context, key string, value []byte, rev uint64) (uint64, error) {
	return k.update(value, func() (uint64, error) { return k.KeyValue.Update(ctx, key, value, rev) })
}

// Whoever is interrupted while a fleet is accepted learns whether it was, or that this
// can't be known; only a fleet that was not submitted is said not to be.
func TestSubmitInterrupted(t *testing.T) {
	s := serve(t, ServerOptions{})
	for name, test := range map[string]struct {
		accepted bool // by the server, unheard
		gone     bool // the server is, from then on
		want     error
	}{
		"heard":    {true, false, nil},
		"refused":  {false, false, context.Canceled},
		"unheard":  {true, true, ErrMaybeSubmitted},
		"not sent": {false, true, ErrMaybeSubmitted},
	} {
		t.Run(name, func(t *testing.T) {
			q, other := within(t, s), within(t, s)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			q.fleets = interfered{q.fleets, func(value []byte, do func() (uint64, error)) (uint64, error) {
				if !bytes.Contains(value, []byte(`"accepted":true`)) {
					return do()
				}
				if test.accepted {
					_, err := do()
					check(t, err)
				}
				cancel()
				if test.gone {
					q.Close()
				}
				return 0, ctx.Err()
			}}
			id := strings.ReplaceAll(name, " ", "-")
			f, jobs := fleetOf(id, 1, 0, 2)
			err := q.Submit(ctx, f, jobs)
			if !errors.Is(err, test.want) || test.want != ErrMaybeSubmitted && errors.Is(err, ErrMaybeSubmitted) {
				t.Errorf("the error is %v, want %v", err, test.want)
			}
			if _, err := other.Find(t.Context(), id); (err == nil) != test.accepted {
				t.Errorf("the fleet is %v", err)
			}
			if test.accepted {
				for range 2 {
					check(t, next(t, other, "w").Done(t.Context(), complete))
				}
			} else if !test.gone && messages(t, other, other.jobs) != keys(t, other, other.jobs)+2 {
				t.Error("jobs of it are left")
			} else if test.gone {
				check(t, other.discard(t.Context(), id))
			}
		})
	}
}

// A Submit that was so slow that its fleet was cleared away by another leaves no jobs.
func TestSubmitTooSlow(t *testing.T) {
	q := alone(t)
	f, jobs := fleetOf("slow", 1, 0, 2)
	kv := q.fleets
	q.fleets = interfered{kv, func(value []byte, do func() (uint64, error)) (uint64, error) {
		if bytes.Contains(value, []byte(`"accepted":true`)) {
			_, rev, err := q.marker(t.Context(), kv, "slow")
			check(t, err)
			check(t, kv.Delete(t.Context(), "slow", jetstream.LastRevision(rev)))
		}
		return do()
	}}
	says(t, q.Submit(t.Context(), f, jobs), "it took longer than 1m0s")
	if n := keys(t, q, q.jobs); n != 0 {
		t.Errorf("%d jobs are left", n)
	}
}

// An entry of a fleet that there is none of is swept away.
func TestSweepOrphan(t *testing.T) {
	s := serve(t, ServerOptions{})
	q := within(t, s)
	_, jobs := fleetOf("", 1, 0, 1)
	jobs[0].Fleet = "gone"
	_, err := q.putEntry(t.Context(), entry{Job: jobs[0]}, 0)
	check(t, err)
	now, err := q.serverTime(t.Context())
	check(t, err)
	garbage := newCollector(q)
	for i, want := range []int{1, 0} {
		check(t, garbage.run(t.Context(), now.Add(time.Second)))
		if n := keys(t, q, q.jobs); n != want {
			t.Errorf("time %d leaves %d", i, n)
		}
	}
}

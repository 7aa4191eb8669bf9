package queue

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// A slowBucket answers late, once, when it is told to, and whatever the caller waits for.
type slowBucket struct {
	jetstream.KeyValue
	late time.Duration
	on   atomic.Bool
}

func (b *slowBucket) Update(ctx context.Context, key string, value []byte, rev uint64) (uint64, error) {
	got, err := b.KeyValue.Update(ctx, key, value, rev)
	if b.on.CompareAndSwap(true, false) {
		time.Sleep(b.late)
	}
	return got, err
}

// A lease that was in doubt is lost, even if its renewal has succeeded, and then its holder
// can give the job back.
func TestRenewedTooLate(t *testing.T) {
	t.Parallel()
	q := alone(t)
	submit(t, q, "f", 1, 0, 1)
	slow := &slowBucket{KeyValue: q.jobs}
	q.jobs = slow
	l := next(t, q, "a")
	slow.late = l.takeover / 10 * 6 // with the wait ahead of it, longer than a renewal is good for
	slow.on.Store(true)
	select {
	case <-l.Lost():
	case <-time.After(3 * l.takeover):
		t.Fatal("it is not lost")
	}
	if l.Valid() {
		t.Error("it is valid")
	}
	check(t, l.Return(t.Context()))
	if l := next(t, q, "b"); l.Epoch != 2 {
		t.Errorf("the epoch is %d", l.Epoch)
	}
}

// A dyingBucket is the last that its process knows: what it deletes is deleted.
type dyingBucket struct{ jetstream.KeyValue }

var errDied = errors.New("the process has died")

func (b dyingBucket) Delete(ctx context.Context, key string, o ...jetstream.KVDeleteOpt) error {
	return errors.Join(b.KeyValue.Delete(ctx, key, o...), errDied)
}

// However a process dies on its way to the end of a complete job, no log is left when the
// entry is gone.
func TestNoLogLeft(t *testing.T) {
	t.Parallel()
	q := alone(t)
	submit(t, q, "f", 1, 0, 1)
	l := next(t, q, "a")
	log, err := l.Log(t.Context())
	check(t, err)
	check(t, log.Append([]byte("x")))
	q.jobs = dyingBucket{q.jobs}
	if err := l.Done(t.Context(), complete); !errors.Is(err, errDied) {
		t.Fatal(err)
	}
	if got := states(t, q, "f"); got != "e" || keys(t, q, q.jobs) != 0 {
		t.Errorf("it is %s", got)
	}
	info, err := q.journals.Info(t.Context(), jetstream.WithSubjectFilter(journalSubject+">"))
	check(t, err)
	if n := len(info.State.Subjects); n != 0 {
		t.Errorf("there are %d logs", n)
	}
}

// The outcomes of a fleet are those of its tenants that have ended, and not of those that
// are in the queue again, nor of another fleet.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	q := alone(t)
	submit(t, q, "f", 5, 0, 3)
	submit(t, q, "g", 5, 3, 1)
	failed := map[string]string{"outcome": "error"}
	want := func(tenants string) {
		t.Helper()
		got, err := q.Outcomes(t.Context(), "f")
		check(t, err)
		if names := strings.Join(slices.Sorted(maps.Keys(got)), " "); names != tenants {
			t.Errorf("there are outcomes of %q, want %q", names, tenants)
		}
		for _, raw := range got {
			var o map[string]string
			if err := json.Unmarshal(raw, &o); err != nil || o["outcome"] != "error" {
				t.Errorf("it is %s", raw)
			}
		}
	}
	want("")
	leases := make(map[string]*Lease)
	for range 4 {
		l := next(t, q, "a")
		leases[l.Tenant] = l
	}
	for _, tenant := range []string{"t0", "t1", "t3"} {
		check(t, leases[tenant].Done(t.Context(), failed))
	}
	want("t0 t1")
	check(t, q.Again(t.Context(), "f", []string{"t0"}))
	again := next(t, q, "a") // so that the view has seen it
	want("t1")
	check(t, again.Done(t.Context(), failed))
	want("t0 t1")
	f, err := q.Fleet(t.Context(), "f")
	if check(t, err); f.ID != "f" || f.Parallel != 5 {
		t.Errorf("it is %+v", f)
	}
}

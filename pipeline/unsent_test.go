package pipeline

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/tenant"
)

// notStarted is the error of a cmdlet for which there is no process yet.
func notStarted() *tenant.Error {
	e := fail(tenant.Unavailable)
	e.Unreachable, e.Unsent = true, true
	return e
}

// A set that could not be handed over is tried again like one that was lost, but it was
// neither sent, nor is its outcome unknown: it is not read back.
func TestUnsentSetTriedAgain(t *testing.T) {
	for _, test := range []struct {
		name   string
		faults []*tenant.Error // of the sets of one user, of which the last stays; nil for none
		want   Status
		sent   string
		reads  int
	}{
		{"for a moment", []*tenant.Error{notStarted(), notStarted(), nil}, Applied, "", 1},
		{"for ever", []*tenant.Error{notStarted()}, Failed, NoSetSent, 0},
		{"refused, then not sent", []*tenant.Error{fail(tenant.Throttled), notStarted()}, Failed, SetSent, 0},
		{"lost, then not sent", []*tenant.Error{fail(tenant.Unavailable), notStarted()}, Failed, SetSent, 1},
		{"not sent, then refused", []*tenant.Error{notStarted(), fail(tenant.Failed)}, Failed, SetSent, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			on := newFake()
			on.latency = func(tenant.Cmdlet) time.Duration { return time.Second }
			sets, reads := 0, 0
			on.fault = func(c tenant.Cmdlet, _ int) error {
				switch {
				case c.Identity != upn(0):
					return nil
				case c.Reads():
					reads++
					return nil
				}
				sets++
				if e := test.faults[min(sets, len(test.faults))-1]; e != nil {
					return e
				}
				return nil
			}
			var out list
			run := optOut(t, on, 2)
			run.Retries, run.VerifyTimeout = 2, 0
			if err := run.Do(t.Context(), &users{n: 40}, &out); err != nil {
				t.Fatal(err)
			}
			r := out.results[0]
			if r.Status != test.want || test.sent != "" && !strings.HasSuffix(r.Err.Error(), "; "+test.sent) || r.MaybeChanged() == (test.sent == NoSetSent) {
				t.Errorf("%s: %s, %v, maybe changed %v; want %s, %q", test.name, r.Status, r.Err, r.MaybeChanged(), test.want, test.sent)
			}
			if reads != test.reads {
				t.Errorf("%s: read back %d times, want %d", test.name, reads, test.reads)
			}
		})
	}
}

// When a run ends, a set that could not be handed over has set nobody.
func TestRunEndsWithUnsentSet(t *testing.T) {
	for _, test := range []struct {
		name   string
		unsent bool
	}{{"not handed over", true}, {"lost", false}} {
		synctest.Test(t, func(t *testing.T) {
			on := newFake()
			ctx, cancel := context.WithCancel(t.Context())
			on.fault = func(c tenant.Cmdlet, _ int) error {
				cancel()
				return &tenant.Error{Op: c.Name, Class: tenant.Unavailable, Unsent: test.unsent, Err: ctx.Err()}
			}
			checkUnset(ctx, t, "interrupted, "+test.name, on, test.unsent)
		})
		synctest.Test(t, func(t *testing.T) {
			on := newFake()
			on.fault = func(tenant.Cmdlet, int) error {
				e := notStarted()
				e.Unsent = test.unsent
				return e
			}
			checkUnset(t.Context(), t, "unreachable, "+test.name, on, test.unsent)
		})
	}
}

// checkUnset fails the test unless a run on a tenant leaves its row without a result, and says
// whether somebody may have been set.
func checkUnset(ctx context.Context, t *testing.T, name string, on *fake, unsent bool) {
	t.Helper()
	var out list
	run := optOut(t, on, 1)
	if err := run.Do(ctx, &users{n: 1}, &out); err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if len(out.results) != 0 || run.Counts.InProgress != 1 {
		t.Errorf("%s: %d results, %d rows in progress; want 0 and 1", name, len(out.results), run.Counts.InProgress)
	}
	if run.MaybeSet == unsent {
		t.Errorf("%s: may be set: %v, want %v", name, run.MaybeSet, !unsent)
	}
}

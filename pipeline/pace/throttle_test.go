package pace

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/tenant"
)

// A tenant that says how long is obeyed within reason; one that does not is left
// alone for longer each time, until a call succeeds.
func TestPauses(t *testing.T) {
	throttled := func(retryAfter time.Duration) error {
		e := fail(tenant.Throttled)
		e.RetryAfter = retryAfter
		return e
	}
	for _, c := range []struct {
		name     string
		err      error
		min, max time.Duration
	}{
		{"success", nil, 0, 0},
		{"not throttled", fail(tenant.Unavailable), 0, 0},
		{"not a tenant's", errors.New("test"), 0, 0},
		{"a second", throttled(time.Second), time.Second, time.Second},
		{"a fraction", throttled(250 * time.Millisecond), 250 * time.Millisecond, 250 * time.Millisecond},
		{"a year", throttled(365 * 24 * time.Hour), maxPause, maxPause},
		{"unsaid", throttled(0), firstDefaultPause / 2, firstDefaultPause * 3 / 2},
		{"negative", throttled(-time.Second), firstDefaultPause / 2, firstDefaultPause * 3 / 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := New(0)
			pause := l.Observe(wait(t, l), c.err)
			if pause < c.min || pause > c.max {
				t.Errorf("%s: pause of %v, want %v to %v", c.name, pause, c.min, c.max)
			}
			start := time.Now()
			wait(t, l)
			if d := time.Since(start); d < pause {
				t.Errorf("%s: waited %v in a pause of %v", c.name, d, pause)
			}
		})
	}
}

func TestUnsaidPausesGrowUntilACallSucceeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(0)
		pause := func() time.Duration {
			t.Helper()
			first, second := wait(t, l), wait(t, l)
			d := l.Observe(first, fail(tenant.Throttled))
			if d := l.Observe(second, fail(tenant.Throttled)); d != 0 {
				t.Errorf("another that was under way began a pause of %v", d)
			}
			return d
		}
		for _, about := range []time.Duration{1, 2, 4, 8, 16} {
			about *= firstDefaultPause
			if d := pause(); d < about/2 || d > about*3/2 {
				t.Errorf("pause of %v, want about %v", d, about)
			}
		}
		l.Observe(wait(t, l), nil)
		if d := pause(); d > firstDefaultPause*3/2 {
			t.Errorf("pause of %v after a success, want about %v", d, firstDefaultPause)
		}
	})
}

func wait(t *testing.T, l *Limiter) Turn {
	t.Helper()
	turn, err := l.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return turn
}

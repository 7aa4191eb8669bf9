package pace

import (
	"math"
	"testing"
	"testing/synctest"
	"time"
)

// A tenant that says that no call is left is called again when it allows that, and its
// limit is known like that of a tenant that refused a call. Replies that say it at the same
// time count once.
func TestSpent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(0)
		for range 50 {
			l.Observe(wait(t, l), nil)
			time.Sleep(10 * time.Millisecond)
		}
		start := time.Now()
		l.Spent(0)
		if n := l.pace.refusals; n != 0 {
			t.Fatalf("%d refusals after no time at all", n)
		}
		for range 3 {
			l.Spent(2 * time.Second)
		}
		if n := l.pace.refusals; n != 1 {
			t.Errorf("%d refusals, want 1", n)
		}
		l.Observe(wait(t, l), nil)
		if d := time.Since(start); d < 2*time.Second {
			t.Errorf("a call started after %v, want 2s", d)
		}
		if math.IsInf(l.pace.rate, 1) {
			t.Error("no pace was found")
		}
	})
}

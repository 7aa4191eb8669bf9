package pace

import (
	"math"
	"testing"
	"time"
)

// What was found of a limit that holds is not lost when the tenant is asked for more.
func TestFoundLimitIsKept(t *testing.T) {
	for _, c := range []cell{
		{200, 20, 10 * time.Millisecond, time.Second}, {200, 20, 500 * time.Millisecond, time.Second},
		{200, 200, 10 * time.Millisecond, time.Second}, {1000, 20, 500 * time.Millisecond, time.Second},
	} {
		n := newNight(c, New(0))
		n.until(math.MaxInt, 20*time.Second)
		for found := n.limiter.pace.refusals; n.limiter.pace.refusals < found+10; {
			n.until(math.MaxInt, time.Second)
			if lower := n.limiter.pace.lower; lower < 0.95*c.rate || lower > 1.05*c.rate {
				t.Errorf("%v: after %d refusals at least %.1f a second are thought to be allowed", c, n.limiter.pace.refusals, lower)
				break
			}
		}
	}
}

// A machine that stands still for a moment doesn't release all calls that wait.
func TestLateCallsLiftNoPace(t *testing.T) {
	n := newNight(cell{200, 20, 2 * time.Second, time.Second}, New(0))
	for range 10 {
		n.until(math.MaxInt, 50*time.Millisecond)
		n.now = n.now.Add(50 * time.Millisecond)
	}
	if n.limiter.pace.rate == 0 || n.taken+n.refused > 150 {
		t.Errorf("%d calls in the first second, then a pace of %v; want 100", n.taken+n.refused, n.limiter.pace.rate)
	}
}

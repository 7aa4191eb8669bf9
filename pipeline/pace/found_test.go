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
	if math.IsInf(n.limiter.pace.rate, 1) || n.taken+n.refused > 200 {
		t.Errorf("%d calls in the first second, then a pace of %v; want 100", n.taken+n.refused, n.limiter.pace.rate)
	}
}

// What a first night learned of the burst is of use to the second one: its first refusal
// costs no more than the pause.
func TestRememberedBurst(t *testing.T) {
	for _, c := range []cell{
		{200, 20, 2 * time.Second, 30 * time.Second}, {200, 200, 500 * time.Millisecond, 30 * time.Second}, {50, 200, 2 * time.Second, 30 * time.Second},
	} {
		first := newNight(c, New(0))
		first.until(coldCalls, time.Hour)
		known := first.limiter.Limits()
		if known.Burst < 0.95*c.burst {
			t.Errorf("%v: %v calls at once at most are remembered", c, known.Burst)
		}
		second := newNight(c, New(0))
		second.limiter.Assume(known)
		if share := second.until(coldCalls, time.Hour); share < 0.93*c.bound(1) {
			t.Errorf("%v: %.1f%% of the limit with what is known, %.1f%% are possible with one refusal", c, 100*share, 100*c.bound(1))
		}
	}
}

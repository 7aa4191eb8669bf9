package pipeline

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/pipeline/pace"
	"rollcall/tenant"
)

// --rate is kept within one in a hundred over ten seconds, from below, and in no
// second exceeded by more, whatever the number of workers, as long as they are
// enough.
func TestRateIsKept(t *testing.T) {
	for _, rate := range []float64{0.5, 1, 7, 50, 200, 1000} {
		for _, workers := range []int{1, 4, 32} {
			for _, latency := range []time.Duration{0, time.Millisecond, 20 * time.Millisecond} {
				if float64(workers) < rate*latency.Seconds()*2 {
					continue // they can't make so many
				}
				synctest.Test(t, func(t *testing.T) {
					f := newFake()
					f.latency = func(tenant.Cmdlet) time.Duration { return latency }
					run := optOut(t, f, workers)
					run.Limiter = pace.New(rate)
					run.Audit = true
					const seconds = 20
					start := time.Now()
					var l list
					if err := run.Do(t.Context(), &users{n: int(rate * seconds)}, &l); err != nil {
						t.Fatal(err)
					}
					for from := range seconds - 9 {
						got := f.between(start, time.Duration(from)*time.Second, 10*time.Second)
						if want := rate * 10; float64(got) > want+math.Max(1, rate/100) || float64(got) < want*0.99-1 {
							t.Errorf("rate %v, %d workers, latency %v: %d calls in the ten seconds from %ds", rate, workers, latency, got, from)
						}
					}
					if got := f.between(start, 0, 10*time.Second); float64(got) > rate*10 {
						t.Errorf("rate %v, %d workers, latency %v: %d calls in the first ten seconds", rate, workers, latency, got)
					}
					// In the second that ends with a call there are no more than
					// there may be: the nth call before it is older.
					most := int(math.Max(rate*1.01, rate+1))
					for i := most; i < len(f.calls); i++ {
						if d := f.calls[i].at.Sub(f.calls[i-most].at); d < time.Second {
							t.Fatalf("rate %v, %d workers, latency %v: %d calls in %v", rate, workers, latency, most+1, d)
						}
					}
				})
			}
		}
	}
}

// between counts the calls that began in [start+from, start+from+length).
func (f *fake) between(start time.Time, from, length time.Duration) int {
	n := 0
	for _, c := range f.calls {
		if d := c.at.Sub(start); d >= from && d < from+length {
			n++
		}
	}
	return n
}

// Once the tenant has asked for a pause no worker calls it until the pause is
// over, not even one already waiting for its turn.
func TestThrottledCallPausesEveryWorker(t *testing.T) {
	for _, rate := range []float64{0, 10} {
		synctest.Test(t, func(t *testing.T) {
			const latency = 50 * time.Millisecond
			f := newFake()
			// By the time of the reply every other worker is waiting for its
			// turn, or in a call that began before the reply.
			f.latency = func(tenant.Cmdlet) time.Duration { return latency }
			f.fault = func(c tenant.Cmdlet, n int) error {
				if c.Identity != upn(0) || n > 0 {
					return nil
				}
				e := fail(tenant.Throttled)
				e.RetryAfter = time.Minute
				return e
			}
			run := optOut(t, f, 4)
			run.Limiter = pace.New(rate)
			run.Retries = 0 // being throttled uses up none
			var l list
			if err := run.Do(t.Context(), &users{n: 20}, &l); err != nil {
				t.Fatal(err)
			}
			l.checkStatuses(t, map[Status]int{Applied: 20})
			// Results come in row order, so their times would hide a worker
			// that did not wait. The tenant sees what really happened.
			var pause time.Time
			for _, c := range f.calls {
				if pause.IsZero() && c.upn == upn(0) {
					pause = c.at.Add(latency)
				}
			}
			for _, c := range f.calls {
				if d := c.at.Sub(pause); d > 0 && d < time.Minute {
					t.Errorf("rate %v: %s of %s called %v into the pause", rate, c.cmdlet, c.upn, d)
				}
			}
			if got := run.Limiter.Throttled(); got != time.Minute {
				t.Errorf("rate %v: throttled for %v, want 1m", rate, got)
			}
		})
	}
}

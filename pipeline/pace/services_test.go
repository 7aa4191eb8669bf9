package pace

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// However many workers there are, and however slow the tenant, most of what a limit of 200 a
// second or the workers permit is used in the first 4,000 calls.
func TestWorkersAndLatencies(t *testing.T) {
	for _, latency := range []time.Duration{10 * time.Millisecond, 500 * time.Millisecond, 2 * time.Second} {
		for _, workers := range []int{4, 8, 16, 32, 64} {
			synctest.Test(t, func(t *testing.T) {
				s := &throttler{rate: 200, burst: 20, latency: latency, refusal: min(latency, 20*time.Millisecond), retryAfter: time.Second}
				possible := min(s.rate, float64(workers)/latency.Seconds())
				length := time.Duration(coldCalls / possible * float64(time.Second))
				start := time.Now()
				s.drive(t, New(0), workers, length)
				name := fmt.Sprintf("latency %v, %d workers", latency, workers)
				s.checkShare(t, name, s.share(start, 0, length, possible), 0.85)
				if s.throttled() > most {
					t.Errorf("%s: %.2f%% of the calls were throttled", name, 100*s.throttled())
				}
			})
		}
	}
}

// Tenants that are no bucket with one limit are not driven into many refusals, and most of
// what they allow is used. A window that is used up refuses again after each pause that is
// shorter than the rest of it, so that there are more refusals.
func TestOtherServices(t *testing.T) {
	for _, c := range []struct {
		name    string
		tenant  *throttler
		changes []float64 // rates from the 10th and the 20th minute on
		runs    int
		most    float64 // share of the calls that may be throttled
	}{
		{"windows of 10 s", &throttler{rate: 50, window: 10 * time.Second, latency: 100 * time.Millisecond, retryAfter: 5 * time.Second}, nil, 1, most},
		{"windows of 10 s, no Retry-After", &throttler{rate: 50, window: 10 * time.Second, latency: 100 * time.Millisecond}, nil, 1, 2 * most},
		{"windows of a minute", &throttler{rate: 10, window: time.Minute, latency: 100 * time.Millisecond, retryAfter: 10 * time.Second}, nil, 1, 2 * most},
		{"halved and back", &throttler{rate: 200, burst: 20, latency: 100 * time.Millisecond, retryAfter: time.Second}, []float64{100, 200}, 1, most},
		{"jitter", &throttler{rate: 100, burst: 20, latency: 50 * time.Millisecond, jitter: 2 * time.Second, retryAfter: time.Second}, nil, 1, most},
		{"two runs", &throttler{rate: 100, burst: 20, latency: 100 * time.Millisecond, retryAfter: time.Second}, nil, 2, most},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, length := c.tenant, 30*time.Minute
				if c.changes == nil {
					length = 10 * time.Minute
				}
				s.refusal = 20 * time.Millisecond
				possible := s.rate
				for i, rate := range c.changes {
					time.AfterFunc(time.Duration(i+1)*10*time.Minute, func() { s.set(rate, s.burst) })
					possible += rate
				}
				possible /= float64(1 + len(c.changes))
				start := time.Now()
				var wg sync.WaitGroup
				for range c.runs {
					wg.Go(func() { s.drive(t, New(0), 256/c.runs, length) })
				}
				wg.Wait()
				if share := s.share(start, 0, length, possible); share < 0.6 {
					t.Errorf("%s: %.1f%% of the limit was used", c.name, 100*share)
				}
				if s.throttled() > c.most {
					t.Errorf("%s: %.2f%% of the calls were throttled", c.name, 100*s.throttled())
				}
			})
		})
	}
}

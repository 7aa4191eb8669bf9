package pace

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestTwo(t *testing.T) {
	for _, ra := range []time.Duration{0, time.Second} {
		var ratios, shares []float64
		for range 40 {
			synctest.Test(t, func(t *testing.T) {
				s := &throttler{rate: 50, burst: 50, latency: 50 * time.Millisecond, jitter: 100 * time.Millisecond, refusal: 20 * time.Millisecond, retryAfter: ra}
				one, two := New(0), New(0)
				start := time.Now()
				const length = 5 * time.Minute
				var wg sync.WaitGroup
				wg.Go(func() { s.drive(t, one, 16, length) })
				wg.Go(func() { s.drive(t, two, 16, length) })
				wg.Wait()
				shares = append(shares, s.share(start, 10*time.Second, length, 50))
				a, b := one.calls.Load()/oneStarted, two.calls.Load()/oneStarted
				ratios = append(ratios, float64(max(a, b))/float64(min(a, b)))
			})
		}
		slices.Sort(ratios)
		slices.Sort(shares)
		fmt.Printf("Retry-After %v: ratio median %.2f 90%% %.2f worst %.2f; share worst %.2f median %.2f\n", ra, ratios[20], ratios[36], ratios[39], shares[0], shares[20])
	}
}

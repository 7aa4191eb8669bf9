package pace

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/tenant"
)

// A throttler is a tenant that allows so many calls a second, and so many at
// once, and refuses all others.
type throttler struct {
	rate       float64
	burst      float64
	window     time.Duration // so many calls in each such time, instead of a bucket; 0 for a bucket
	atOnce     int           // 0 for any number
	latency    time.Duration // of a call that is accepted
	jitter     time.Duration // more, at most
	refusal    time.Duration // of one that is refused
	retryAfter time.Duration

	mu       sync.Mutex
	tokens   float64
	filled   time.Time
	inWindow int
	now      int
	resume   time.Time // what it has asked for
	asked    time.Time
	early    int // calls in a pause
	accepted []time.Time
	refused  []time.Time
}

func (s *throttler) call(ctx context.Context) error {
	s.mu.Lock()
	now := time.Now()
	if now.Before(s.resume) && now.After(s.asked) {
		s.early++
	}
	s.now++
	ok, atOnce := s.admit(now)
	if ok {
		s.accepted = append(s.accepted, now)
	} else {
		s.refused = append(s.refused, now)
	}
	latency := s.refusal
	if ok {
		latency = s.latency + time.Duration(rand.Float64()*float64(s.jitter))
	}
	s.mu.Unlock()
	err := sleep(ctx, latency)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now--
	if !ok && err == nil {
		e := fail(tenant.Throttled)
		e.AtOnce = atOnce
		e.RetryAfter = s.retryAfter
		if t := time.Now().Add(s.retryAfter); t.After(s.resume) {
			s.resume = t
			s.asked = time.Now()
		}
		return e
	}
	return err
}

// sleep waits for d, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// fail returns an error of a class, as a tenant would.
func fail(class tenant.Class) *tenant.Error {
	return &tenant.Error{Op: "Do-It", Object: "someone", Class: class, Err: errors.New("no")}
}

// admit reports whether a call is accepted and, if not, whether it is one too
// many at once.
func (s *throttler) admit(now time.Time) (ok, atOnce bool) {
	if s.atOnce > 0 && s.now > s.atOnce {
		return false, true
	}
	if s.rate == 0 {
		return true, false
	}
	if s.window > 0 {
		if w := now.Truncate(s.window); w.After(s.filled) {
			s.filled, s.inWindow = w, 0
		}
		s.inWindow++
		return float64(s.inWindow) <= s.rate*s.window.Seconds(), false
	}
	if s.filled.IsZero() {
		s.tokens, s.filled = s.burst, now
	}
	s.tokens = min(s.burst, s.tokens+s.rate*now.Sub(s.filled).Seconds())
	s.filled = now
	if s.tokens < 1-1e-9 {
		return false, false
	}
	s.tokens--
	return true, false
}

// set changes what s allows.
func (s *throttler) set(rate, burst float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rate, s.burst = rate, burst
}

// drive calls s from so many workers for so long, and as fast as l allows.
func (s *throttler) drive(t *testing.T, l *Limiter, workers int, length time.Duration) {
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for {
				turn, err := l.Wait(ctx)
				if err != nil {
					return
				}
				l.Observe(turn, s.call(ctx))
			}
		})
	}
	wg.Wait()
}

// share returns how much of what it allows s was asked for between from and to.
func (s *throttler) share(start time.Time, from, to time.Duration, rate float64) float64 {
	n := 0
	for _, at := range s.accepted {
		if d := at.Sub(start); d >= from && d < to {
			n++
		}
	}
	return float64(n) / (rate * (to - from).Seconds())
}

func (s *throttler) throttled() float64 {
	return float64(len(s.refused)) / float64(len(s.refused)+len(s.accepted))
}

// Whatever the tenant's limit, its tolerance and its latency, the pace is found
// from the tenth second on, few calls are refused, and none starts in a pause.
func TestPaceIsFound(t *testing.T) {
	rates := []float64{0.5, 2, 5, 20, 50, 200}
	if isBrief() {
		rates = []float64{5, 50}
	}
	for _, retryAfter := range []time.Duration{time.Second, 0} {
		for _, rate := range rates {
			for _, burst := range []float64{max(1, rate/100), rate / 10, rate, 2 * rate} {
				for _, latency := range []time.Duration{time.Millisecond, 100 * time.Millisecond, 500 * time.Millisecond} {
					if burst < 1 {
						continue
					}
					s := &throttler{rate: rate, burst: burst, latency: latency, refusal: min(latency, 20*time.Millisecond), retryAfter: retryAfter}
					name := fmt.Sprintf("%v a second, burst %v, latency %v, Retry-After %v", rate, burst, latency, retryAfter)
					synctest.Test(t, func(t *testing.T) {
						length := max(2*time.Minute, time.Duration(1200/rate)*time.Second)
						start := time.Now()
						s.drive(t, New(0), max(64, int(2*rate*latency.Seconds())), length)
						share := s.share(start, 10*time.Second, length, rate)
						s.check(t, name, share)
						if share := s.throttled(); share > most && rate >= 1 || share > 2*most {
							t.Errorf("%s: %.2f%% of the calls were throttled", name, 100*share)
						}
					})
				}
			}
		}
	}
}

// The longer the pauses, the fewer there are.
func TestPaceWithLongPauses(t *testing.T) {
	for _, retryAfter := range []time.Duration{5 * time.Second, 30 * time.Second} {
		for _, burst := range []float64{1, 5, 50, 100} {
			s := &throttler{rate: 50, burst: burst, latency: 100 * time.Millisecond, refusal: 20 * time.Millisecond, retryAfter: retryAfter}
			synctest.Test(t, func(t *testing.T) {
				start, length := time.Now(), 60*retryAfter
				s.drive(t, New(0), 64, length)
				name := fmt.Sprintf("burst %v, Retry-After %v", burst, retryAfter)
				if share := s.share(start, 10*retryAfter, length, s.rate); share < 0.85 {
					t.Errorf("%s: %.1f%% of the limit was used, want 85%%", name, 100*share)
				}
				if share := s.throttled(); share > most || s.early > 0 {
					t.Errorf("%s: %.2f%% of the calls were throttled, and %d made in a pause", name, 100*share, s.early)
				}
			})
		}
	}
}

// isBrief reports whether there is no time for all: with -race all of it takes
// many times as long, and shows no more of races.
func isBrief() bool {
	info, ok := debug.ReadBuildInfo()
	return testing.Short() || os.Getenv("LONG") == "" || ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// most is the share of calls that may be throttled.
const most = 0.02

// check fails the test unless share is at least what is wanted: of what s allows,
// nine tenths where it says how long to wait, and else eight.
func (s *throttler) check(t *testing.T, name string, share float64) {
	t.Helper()
	want := 0.8
	if s.retryAfter > 0 {
		want = 0.9
	}
	s.checkShare(t, name, share, want)
}

func (s *throttler) checkShare(t *testing.T, name string, share, want float64) {
	t.Helper()
	if share < want {
		t.Errorf("%s: %.1f%% of the limit was used, want %v%%", name, 100*share, 100*want)
	}
	if s.early > 0 {
		t.Errorf("%s: %d calls in a pause", name, s.early)
	}
}

// A limit that halves or doubles is found in a minute.
func TestPaceFollowsTheLimit(t *testing.T) {
	for _, retryAfter := range []time.Duration{time.Second, 0} {
		for _, rate := range []float64{20, 200} {
			if isBrief() && rate > 20 {
				continue
			}
			for _, factor := range []float64{0.5, 2} {
				for _, seconds := range []float64{0.1, 1, 2} {
					for _, at := range []time.Duration{60 * time.Second, 68 * time.Second, 75 * time.Second} {
						s := &throttler{rate: rate, burst: seconds * rate, latency: 100 * time.Millisecond, refusal: 20 * time.Millisecond, retryAfter: retryAfter}
						name := fmt.Sprintf("%v a second times %v at %v, burst of %vs, Retry-After %v", rate, factor, at, seconds, retryAfter)
						synctest.Test(t, func(t *testing.T) {
							start := time.Now()
							time.AfterFunc(at, func() { s.set(rate*factor, seconds*rate*factor) })
							s.drive(t, New(0), 64, at+3*time.Minute)
							s.checkShare(t, name, s.share(start, at+time.Minute, at+3*time.Minute, rate*factor), 0.85)
						})
					}
				}
			}
		}
	}
}

// A limit on calls at once lowers the calls under way, and not much else.
func TestWidthIsFound(t *testing.T) {
	for _, atOnce := range []int{1, 3, 8, 30} {
		for _, latency := range []time.Duration{5 * time.Millisecond, 50 * time.Millisecond, 500 * time.Millisecond} {
			for _, retryAfter := range []time.Duration{time.Second, 0} {
				if isBrief() && latency < 50*time.Millisecond && atOnce > 3 {
					continue
				}
				s := &throttler{atOnce: atOnce, latency: latency, jitter: latency / 2, refusal: min(latency, 20*time.Millisecond), retryAfter: retryAfter}
				name := fmt.Sprintf("%d at once, latency %v, Retry-After %v", atOnce, latency, retryAfter)
				synctest.Test(t, func(t *testing.T) {
					start := time.Now()
					l := New(0)
					s.drive(t, l, 64, 2*time.Minute)
					s.check(t, name, s.share(start, 10*time.Second, 2*time.Minute, float64(atOnce)/(latency+latency/4).Seconds()))
					if n := len(s.refused) - 5; float64(n) > most*float64(len(s.accepted)) {
						t.Errorf("%s: %d calls were throttled beside the first five, and %d accepted", name, n, len(s.accepted))
					}
					if rate, n := l.Pace(); rate != 0 || n == 0 {
						t.Errorf("%s: found %v a second and %d at once", name, rate, n)
					}
				})
			}
		}
	}
}

// Where the workers are the limit nothing is refused, and they never wait.
func TestWorkersAreTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &throttler{rate: 200, burst: 20, latency: 100 * time.Millisecond}
		start := time.Now()
		l := New(0)
		s.drive(t, l, 16, time.Minute)
		if share := s.share(start, 10*time.Second, time.Minute, 160); share < 0.999 || len(s.refused) > 0 {
			t.Errorf("%.1f%% of what the workers can do, %d refused", 100*share, len(s.refused))
		}
		if rate, n := l.Pace(); rate != 0 || n != 0 {
			t.Errorf("found %v a second and %d at once, want nothing", rate, n)
		}
	})
}

// Two runs against one limit share it, and neither starves.
func TestTwoRunsShareALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &throttler{rate: 50, burst: 50, latency: 50 * time.Millisecond, jitter: 100 * time.Millisecond, refusal: 20 * time.Millisecond}
		one, two := New(0), New(0)
		start := time.Now()
		const length = 5 * time.Minute
		var wg sync.WaitGroup
		wg.Go(func() { s.drive(t, one, 16, length) })
		wg.Go(func() { s.drive(t, two, 16, length) })
		wg.Wait()
		if share := s.share(start, 10*time.Second, length, 50); share < 0.8 {
			t.Errorf("%.1f%% of the limit was used", 100*share)
		}
		a, b := one.calls.Load()/oneStarted, two.calls.Load()/oneStarted
		if min(a, b)*4 < max(a, b) { // neither starves
			t.Errorf("one run made %d calls, the other %d", a, b)
		}
	})
}

// What is only sought is not said to be found.
func TestPaceThatIsSoughtIsNotFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &throttler{rate: 50, burst: 5, latency: time.Millisecond, refusal: time.Millisecond, retryAfter: 40 * time.Second}
		l := New(0)
		s.drive(t, l, 16, 30*time.Second)
		if rate, atOnce := l.Pace(); len(s.refused) == 0 || rate != 0 || atOnce != 0 {
			t.Errorf("after %d refusals found %v a second and %d at once, want nothing", len(s.refused), rate, atOnce)
		}
	})
}

// A tenant without a limit is hardly held back, from the first second on.
func TestFastTenantFromTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &throttler{rate: 1e6, burst: 1e6, latency: time.Millisecond}
		s.drive(t, New(0), 16, time.Second)
		if n := len(s.accepted); n < 5000 {
			t.Errorf("%d calls in the first second, want a third of 16000 at least", n)
		}
	})
}

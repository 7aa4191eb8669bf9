package pipeline

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"
	"golang.org/x/time/rate"

	"rollcall/tenant"
)

// maxPause bounds what a tenant can make a run wait by one Retry-After. After
// it the tenant is asked again, and can say again how long.
const maxPause = 10 * time.Minute

// A Limiter paces the calls made to one tenant. All workers share it, for the
// tenant counts their calls together: one throttled call holds back them all.
//
// It is safe for use by several goroutines at once.
type Limiter struct {
	bucket *rate.Limiter // nil: no rate was asked for

	// Hints that spare the common call the lock: resume may lie ahead, and
	// unsaid may have grown.
	paused, grown atomic.Bool

	mu     sync.Mutex
	resume time.Time                   // no call may start before this
	total  time.Duration               // how long calls have been held back, future included
	unsaid *backoff.ExponentialBackOff // the next pause when the tenant does not say how long
}

// NewLimiter returns a Limiter that allows perSecond calls a second; 0 means as
// many as there are.
//
// Counted from the start it never allows more than that. In any one second it
// allows one in a hundred beyond it, to make up for calls that came late.
func NewLimiter(perSecond float64) *Limiter {
	l := &Limiter{unsaid: backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(time.Second),
		backoff.WithMultiplier(2),
		backoff.WithMaxInterval(time.Minute),
		backoff.WithMaxElapsedTime(0),
	)}
	if perSecond > 0 {
		burst := max(1, int(perSecond/100))
		l.bucket = rate.NewLimiter(rate.Limit(perSecond), burst)
		// A bucket that starts full would let the first second have more.
		l.bucket.AllowN(time.Now(), burst)
	}
	return l
}

// Wait blocks until a call may start, or ctx ends.
func (l *Limiter) Wait(ctx context.Context) error {
	for {
		if err := l.waitPause(ctx); err != nil {
			return err
		}
		if l.bucket == nil {
			return ctx.Err()
		}
		// Not bucket.Wait, which fails before ctx ends if it foresees that
		// ctx will end too soon: that is for the caller to find out.
		token := l.bucket.Reserve()
		if err := sleep(ctx, token.Delay()); err != nil {
			token.Cancel()
			return err
		}
		// A pause that began while we waited for the token applies to us too.
		if l.pauseLeft() <= 0 {
			return nil
		}
	}
}

// waitPause blocks while calls are held back.
func (l *Limiter) waitPause(ctx context.Context) error {
	for {
		left := l.pauseLeft()
		if left <= 0 {
			return nil
		}
		if err := sleep(ctx, left); err != nil {
			return err
		}
	}
}

// pauseLeft returns for how long calls are held back from now on.
func (l *Limiter) pauseLeft() time.Duration {
	if !l.paused.Load() {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	left := time.Until(l.resume)
	l.paused.Store(left > 0)
	return left
}

// Observe tells l how a call ended. If the tenant asked to be left alone for a
// while, no call starts in that time; if it only said that there were too many,
// the pauses grow until a call succeeds. It returns the length of the pause that
// this begins, or 0.
func (l *Limiter) Observe(err error) time.Duration {
	if err == nil {
		l.recover()
		return 0
	}
	e, ok := errors.AsType[*tenant.Error](err)
	if !ok || e.Class != tenant.Throttled && e.RetryAfter <= 0 {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	pause := min(e.RetryAfter, maxPause)
	if pause <= 0 {
		if now.Before(l.resume) {
			return 0 // one of several that were under way when the pause began
		}
		pause = l.unsaid.NextBackOff()
		l.grown.Store(true)
	}
	resume := now.Add(pause)
	if !resume.After(l.resume) {
		return 0
	}
	fresh := now.After(l.resume)
	if fresh {
		l.total += pause
	} else {
		l.total += resume.Sub(l.resume)
	}
	l.resume = resume
	l.paused.Store(true)
	if !fresh {
		return 0
	}
	return pause
}

// recover notes that a call succeeded, after which pauses are short again.
func (l *Limiter) recover() {
	if l.grown.Load() && l.pauseLeft() <= 0 {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.unsaid.Reset()
		l.grown.Store(false)
	}
}

// Throttled returns for how long calls have been held back so far.
func (l *Limiter) Throttled() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.total - max(0, time.Until(l.resume))
}

// sleep waits for d, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

package pace

import (
	"errors"
	"time"

	"rollcall/tenant"
)

// maxPause is the longest pause for one Retry-After. After it a call is made again, and
// the tenant can ask for another pause.
const maxPause = 10 * time.Minute

// firstDefaultPause is about how long the first pause is if the tenant does not say how long.
const firstDefaultPause = time.Second

// Observe notes how the call with the given turn ended. If the tenant refused it and
// said for how long, no call starts in that time. If it did not say, each pause is longer
// than the one before until a call succeeds. Observe returns the length of the pause that
// begins, or 0.
func (l *Limiter) Observe(turn Turn, err error) time.Duration {
	return l.observe(time.Now, turn, err)
}

// observe is Observe at the time that clock tells. Most calls need not know it.
func (l *Limiter) observe(clock func() time.Time, turn Turn, err error) time.Duration {
	n := l.calls.Add(-oneUnderWay)&underWay + 1
	defer l.wake()
	if err == nil && n < l.free.Load() {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if turn.n == l.probe {
		l.probe = 0
	}
	if err == nil {
		l.accepted(clock(), turn, n)
		return 0
	}
	e, ok := errors.AsType[*tenant.Error](err)
	if !ok || e.Class != tenant.Throttled && e.RetryAfter <= 0 {
		return 0
	}
	return l.refused(clock(), turn, e)
}

// Spent notes that the tenant says, in a reply of success, that it takes no other call for
// so long. This is a refusal of the next call, without that call.
func (l *Limiter) Spent(wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if wait <= 0 || now.Before(l.resume) {
		return // other replies have said so
	}
	turn := Turn{n: l.calls.Load() / oneStarted}
	l.refused(now, turn, &tenant.Error{Class: tenant.Throttled, RetryAfter: wait})
}

// accepted notes that one of n calls was accepted.
func (l *Limiter) accepted(now time.Time, turn Turn, n int64) {
	if turn.n <= l.started {
		return // the call began before the last refusal, and says nothing about the time since
	}
	l.pace.accepted()
	if n >= l.width.calls() {
		l.width.accepted(now)
	}
	if l.grown {
		l.defaultPause.Reset()
		l.grown = false
	}
}

// refused notes that a call was refused with e.
func (l *Limiter) refused(now time.Time, turn Turn, e *tenant.Error) time.Duration {
	started := l.calls.Load() / oneStarted
	fresh := turn.n > l.started
	pause := min(e.RetryAfter, maxPause)
	if pause <= 0 {
		if !fresh {
			return 0 // it was under way when another call was refused
		}
		if started-l.started > 10 {
			l.defaultPause.Reset() // calls went well since the last refusal, even if none has come back yet
		}
		pause, l.grown = l.defaultPause.NextBackOff(), true
	}
	if fresh && e.Class == tenant.Throttled {
		if e.AtOnce {
			l.width.refused(now, turn.underWay, pause)
		} else {
			begun := turn.at
			if begun.IsZero() {
				begun = now
			}
			l.pace.refused(begun, turn.n, pause)
			l.next = now.Add(l.pace.interval())
		}
		l.started = started
	}
	resume := now.Add(pause)
	if !resume.After(l.resume) {
		return 0
	}
	l.free.Store(0)
	begins := now.After(l.resume)
	l.total += resume.Sub(later(now, l.resume))
	l.resume = resume
	if !begins {
		return 0
	}
	return pause
}

// UnderWay returns how many calls have a Turn that was not given back.
func (l *Limiter) UnderWay() int64 { return l.calls.Load() & underWay }

// Throttled returns how long all pauses were so far.
func (l *Limiter) Throttled() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.total - max(0, time.Until(l.resume))
}

// Pace returns how many calls a second, and how many at once, the tenant was found to
// allow. Each is 0 if that limit was not found: a limit that was assumed counts only while
// it holds calls back, and none counts once more was asked for and not refused.
func (l *Limiter) Pace() (perSecond float64, atOnce int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pace.allowed(), l.width.allowed()
}

// Remembered reports which limits that Pace returns were assumed, and not found by a
// refusal since.
func (l *Limiter) Remembered() (perSecond, atOnce bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pace.refusals == 0, l.width.refusals == 0
}

// PauseLeft returns how much of the current pause is left, or 0.
func (l *Limiter) PauseLeft() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(0, time.Until(l.resume))
}

// BeginProbing lets only one call at a time start, the next one after wait, until
// [Limiter.EndProbing]. Calls that are under way go on.
func (l *Limiter) BeginProbing(wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.probeAt = time.Now().Add(wait)
	l.free.Store(0)
}

// EndProbing ends what BeginProbing began.
func (l *Limiter) EndProbing() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.probeAt, l.probe = time.Time{}, 0
	l.wake()
}

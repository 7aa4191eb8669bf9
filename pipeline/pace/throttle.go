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
	if turn.probe != 0 {
		l.probed(turn)
	}
	if err == nil {
		if n >= l.maxAtOnce.Load() || l.closed.Load() || l.defaultPauseUsed.Load() {
			l.accepted(clock(), turn, n)
		}
		return 0
	}
	e, ok := errors.AsType[*tenant.Error](err)
	if !ok || e.Class != tenant.Throttled && e.RetryAfter <= 0 {
		return 0
	}
	return l.refused(clock(), turn, n, e)
}

// accepted notes that one of n calls was accepted.
func (l *Limiter) accepted(now time.Time, turn Turn, n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if turn.refusals != l.refusals.Load() {
		return // the call began before the last refusal, and says nothing about the time since
	}
	l.pace.accepted()
	if n >= l.maxAtOnce.Load() {
		l.width.accepted(now)
		l.maxAtOnce.Store(l.width.calls())
	}
	if l.defaultPauseUsed.Load() {
		l.defaultPause.Reset()
		l.defaultPauseUsed.Store(false)
	}
}

// refused notes that one of n calls was refused with e.
func (l *Limiter) refused(now time.Time, turn Turn, n int64, e *tenant.Error) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	fresh := turn.refusals == l.refusals.Load()
	pause := min(e.RetryAfter, maxPause)
	if pause <= 0 {
		if !fresh {
			return 0 // it was under way when another call was refused
		}
		if l.calls.Load()/oneStarted-l.started > 10 {
			l.defaultPause.Reset() // calls went well since the last refusal, even if none has come back yet
		}
		pause = l.defaultPause.NextBackOff()
		l.defaultPauseUsed.Store(true)
	}
	if fresh && e.Class == tenant.Throttled {
		started := l.calls.Load() / oneStarted
		if e.AtOnce {
			l.width.refused(now, n, pause)
			l.maxAtOnce.Store(l.width.calls())
		} else {
			begun := turn.at
			if begun.IsZero() {
				begun = now
			}
			l.pace.refused(now, begun, turn.n, pause)
			l.next = now.Add(interval(l.rate()))
		}
		l.started = started
		l.refusals.Add(1)
	}
	resume := now.Add(pause)
	if !resume.After(l.resume) {
		return 0
	}
	begins := now.After(l.resume)
	if begins {
		l.total += pause
	} else {
		l.total += resume.Sub(l.resume)
	}
	l.resume = resume
	l.closed.Store(true)
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
	perSecond = l.pace.allowed()
	if l.pace.refusals == 0 && l.ceiling > 0 && perSecond > l.ceiling {
		perSecond = 0 // the ceiling holds calls back
	}
	return perSecond, l.width.allowed()
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
	now := time.Now()
	if !l.probingMode {
		l.probingMode, l.probingSince, l.probeUnderWay = true, now, false
	}
	l.probeAt = now.Add(wait)
	l.closed.Store(true)
}

// EndProbing ends what BeginProbing began. The time between them does not count as evidence.
func (l *Limiter) EndProbing() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.probingMode {
		l.probingMode = false
		l.pace.evidence.excluded += time.Since(l.probingSince)
		l.wake()
	}
}

// probed notes that a probe has ended.
func (l *Limiter) probed(turn Turn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if turn.probe == l.probe {
		l.probeUnderWay = false
	}
}

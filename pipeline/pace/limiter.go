// Package pace says how fast calls may be made: so many a second, and so many at
// once.
//
//	Wait ─▶ in line ─▶ a pause, the pace, the width ─▶ Turn ─▶ the call ─▶ Observe
//	                        ▲                                               │
//	                        └──────────── what the tenant refused ──────────┘
//
// A [Limiter] is shared by all who call one tenant: Wait holds a call back until
// it may start, and Observe tells how it ended, which is how the pace is found
// that the tenant allows.
package pace

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// A Limiter paces the calls made to one tenant. All workers share it, for the
// tenant counts their calls together: one throttled call holds back them all.
//
// It finds out how many calls a second the tenant allows, and how many at once,
// from what the tenant refuses: see [pace] and [width] for how. Calls wait in
// line, and only the first of the line waits for its time, so that whatever
// changes meanwhile applies to all.
//
// It is safe for use by several goroutines at once.
type Limiter struct {
	ceiling float64 // calls a second at most; 0 for no such limit

	// What a call looks at that nothing holds back.
	closed           atomic.Bool  // a call may have to wait for a time
	defaultPauseUsed atomic.Bool  // unsaid has been used since a call was accepted
	calls            atomic.Int64 // under way in the low bits, started in the others
	maxAtOnce        atomic.Int64 // how many may be under way
	refusals         atomic.Int64
	queued           atomic.Int64 // calls in line

	line    chan struct{} // whoever has the one value in it is the first of the line
	changed chan struct{} // tells the first of the line to look again

	mu           sync.Mutex
	pace         pace
	width        width
	begun        bool
	started      int64                       // calls started until the last refusal
	next         time.Time                   // when the pace allows the next call
	resume       time.Time                   // no call may start before this
	total        time.Duration               // how long calls have been held back, future included
	defaultPause *backoff.ExponentialBackOff // the next pause when the tenant does not say how long

	probingMode   bool      // one call at a time
	probingSince  time.Time // since then
	probe         int64     // counts the calls that were started so
	probeUnderWay bool      // the last of them is under way
	probeAt       time.Time // when the next may start
}

const (
	oneUnderWay = 1
	oneStarted  = 1 << 20
	underWay    = oneStarted - 1
)

// A Turn is a call's permission to start. It goes back to the Limiter with what
// came of the call.
type Turn struct {
	refusals int64     // there had been
	n        int64     // of all calls
	at       time.Time // when it started, if a pace held it back
	probe    int64
}

// New returns a Limiter that allows perSecond calls a second; 0 means as
// many as the tenant lets it.
//
// Counted from the start it never allows more than that. In any one second it
// allows one in a hundred beyond it, to make up for calls that came late.
func New(perSecond float64) *Limiter {
	l := &Limiter{
		ceiling: perSecond,
		line:    make(chan struct{}, 1),
		changed: make(chan struct{}, 1),
		pace:    pace{upper: math.Inf(1)},
		defaultPause: backoff.NewExponentialBackOff(
			backoff.WithInitialInterval(firstDefaultPause),
			backoff.WithMultiplier(2),
			backoff.WithMaxInterval(time.Minute),
			backoff.WithMaxElapsedTime(0),
		),
	}
	l.line <- struct{}{}
	l.closed.Store(true) // until the first call, which begins the time
	if perSecond == 0 {
		l.pace.rate = paceOpening
	}
	l.maxAtOnce.Store(l.width.calls())
	return l
}

// Wait blocks until a call may start, or ctx ends. Unless it returns an error,
// the Turn is to be given to Observe when the call has ended.
func (l *Limiter) Wait(ctx context.Context) (Turn, error) {
	if err := ctx.Err(); err != nil {
		return Turn{}, context.Cause(ctx)
	}
	// Nobody is overtaken: whoever has just ended a call would be here first
	// each time.
	if l.queued.Load() == 0 {
		if turn, ok := l.startAtOnce(); ok {
			return turn, nil
		}
	}
	held := l.queued.Add(1) > 1 // by those ahead, or by the time
	defer l.queued.Add(-1)
	select {
	case <-l.line:
	case <-ctx.Done():
		return Turn{}, context.Cause(ctx)
	}
	defer func() { l.line <- struct{}{} }()
	for {
		turn, wait, ok := l.try(time.Now(), held)
		if ok {
			return turn, nil
		}
		held = true
		if err := l.pause(ctx, wait); err != nil {
			return Turn{}, err
		}
	}
}

// startAtOnce starts a call if nothing holds calls back.
func (l *Limiter) startAtOnce() (turn Turn, ok bool) {
	if l.closed.Load() {
		return Turn{}, false
	}
	n, ok := l.enter()
	if !ok {
		return Turn{}, false
	}
	if l.closed.Load() { // a pause has begun meanwhile
		l.calls.Add(-oneStarted - oneUnderWay)
		l.wake()
		return Turn{}, false
	}
	return Turn{refusals: l.refusals.Load(), n: n}, true
}

// enter counts a call as started and under way, if there may be one more.
func (l *Limiter) enter() (int64, bool) {
	for {
		n := l.calls.Load()
		if n&underWay >= l.maxAtOnce.Load() {
			return 0, false
		}
		if l.calls.CompareAndSwap(n, n+oneStarted+oneUnderWay) {
			return n/oneStarted + 1, true
		}
	}
}

// maxCatchUp is how late a call may come for those behind it to make up for it: not
// so late that a second has a hundredth more than its calls.
const maxCatchUp = 8 * time.Millisecond

// forever is how long to wait for what has no time.
const forever = time.Duration(math.MaxInt64)

// try starts a call, or returns how long to wait before the next try. Held says
// that the call has been here before its time.
func (l *Limiter) try(now time.Time, held bool) (turn Turn, wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	rate := l.rate()
	if !l.begun {
		l.begun = true
		l.next = now.Add(interval(rate))
	}
	free := l.resume
	// Before anything is known, one call at a time is as slow as can be.
	alone := l.ceiling == 0 && !l.pace.limited() && l.calls.Load()&underWay == 0
	if alone {
		l.next = now
	}
	if rate > 0 && l.next.After(free) {
		free = l.next
	}
	if l.probingMode && l.probeUnderWay {
		return Turn{}, forever, false
	}
	if l.probingMode && l.probeAt.After(free) {
		free = l.probeAt
	}
	if wait := free.Sub(now); wait > 0 {
		return Turn{}, wait, false
	}
	l.closed.Store(rate > 0 || l.probingMode)
	n, ok := l.enter()
	if !ok {
		return Turn{}, forever, false
	}
	if rate > 0 {
		l.pace.start(now, n)
		turn.at = now
		// That timers come late is made up for, and nothing else: after a pause,
		// or when nobody called for a while, two calls that are too close may be
		// one too many.
		var made time.Duration
		if held && !l.resume.After(l.next) {
			made = maxCatchUp
		}
		if late := now.Add(-made); late.After(l.next) {
			l.next = late
		}
		l.next = l.next.Add(interval(l.rate()))
	}
	turn.refusals, turn.n = l.refusals.Load(), n
	if l.probingMode {
		l.probe++
		turn.probe, l.probeUnderWay = l.probe, true
	}
	return turn, 0, true
}

// rate returns how many calls a second there may be, or 0 for any number.
func (l *Limiter) rate() float64 {
	if l.ceiling > 0 && (l.pace.rate == 0 || l.pace.rate > l.ceiling) {
		return l.ceiling
	}
	return l.pace.rate
}

// interval returns the time from one call to the next.
func interval(rate float64) time.Duration {
	if rate == 0 {
		return 0
	}
	return time.Duration(math.Ceil(float64(time.Second) / rate))
}

// pause waits for d, until there is something new, or until ctx ends.
func (l *Limiter) pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-l.changed:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// wake tells the first of the line that there is something new.
func (l *Limiter) wake() {
	if l.queued.Load() > 0 {
		select {
		case l.changed <- struct{}{}:
		default: // it has not yet seen the last
		}
	}
}

// Package pace decides how fast calls are made: how many a second (the pace), and how
// many at once (the width).
//
//	Wait ─▶ queue ─▶ a pause, the pace, the width ─▶ Turn ─▶ the call ─▶ Observe
//	                        ▲                                               │
//	                        └──────────── what the tenant refused ──────────┘
//
// All workers share one [Limiter] for a tenant. Wait holds a call back until it may
// start. Observe takes the result of the call: from the calls that are refused, the
// Limiter finds the pace and the width that the tenant allows.
package pace

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// A Limiter paces the calls made to one tenant. All workers share it, because the tenant
// counts their calls together: one throttled call holds back all of them.
//
// It finds out how many calls a second the tenant allows, and how many at once, from
// the calls that the tenant refuses: see [pace] and [width]. Calls wait in a queue. Only
// the first one waits for its time, so that any change applies to all of them.
//
// It is safe for use by several goroutines at once.
type Limiter struct {
	ceiling float64 // calls a second at most; 0 for no such limit

	// Read by every call, without the lock.
	closed           atomic.Bool  // a call may have to wait for a time
	defaultPauseUsed atomic.Bool  // defaultPause was used since a call was accepted
	calls            atomic.Int64 // low bits: calls under way; high bits: calls started
	maxAtOnce        atomic.Int64 // how many calls may be under way
	refusals         atomic.Int64
	queued           atomic.Int64 // calls in the queue

	line    chan struct{} // holds one value; the call that has taken it is the first of the queue
	changed chan struct{} // tells the first of the queue to check again

	mu           sync.Mutex
	pace         pace
	width        width
	begun        bool
	started      int64                       // calls started until the last refusal
	next         time.Time                   // when the pace allows the next call
	resume       time.Time                   // no call may start before this
	total        time.Duration               // length of all pauses, including the rest of the current one
	defaultPause *backoff.ExponentialBackOff // the next pause if the tenant does not say how long

	probingMode   bool      // one call at a time is allowed
	probingSince  time.Time // when that began
	probe         int64     // number of the last call that started in this mode
	probeUnderWay bool      // that call is under way
	probeAt       time.Time // when the next may start
}

const (
	oneUnderWay = 1
	oneStarted  = 1 << 20
	underWay    = oneStarted - 1
)

// A Turn is the permission for one call to start. It is given back to [Limiter.Observe]
// with the result of the call.
type Turn struct {
	refusals int64     // number of refusals before the call
	n        int64     // number of the call
	at       time.Time // when it started, if the pace was limited; otherwise zero
	probe    int64     // number of the probe, or 0
}

// New returns a Limiter that allows perSecond calls a second; 0 means as many as the
// tenant allows.
//
// Counted from the start it never allows more than perSecond. In any one second it may
// allow 1% more, to make up for calls that started late.
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
	l.closed.Store(true) // until the first call: it sets the time from which calls are counted
	if perSecond == 0 {
		l.pace.rate = paceOpening
	}
	l.maxAtOnce.Store(l.width.calls())
	return l
}

// Wait blocks until a call may start, or ctx ends. Unless it returns an error, give the
// Turn to Observe when the call has ended.
func (l *Limiter) Wait(ctx context.Context) (Turn, error) {
	if err := ctx.Err(); err != nil {
		return Turn{}, context.Cause(ctx)
	}
	// No call overtakes the queue: otherwise a worker that has just ended a call would
	// always be first.
	if l.queued.Load() == 0 {
		if turn, ok := l.startAtOnce(); ok {
			return turn, nil
		}
	}
	held := l.queued.Add(1) > 1 // by the queue, or by time
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

// startAtOnce starts a call if nothing holds calls back at the moment.
func (l *Limiter) startAtOnce() (turn Turn, ok bool) {
	if l.closed.Load() {
		return Turn{}, false
	}
	n, ok := l.enter()
	if !ok {
		return Turn{}, false
	}
	if l.closed.Load() { // a pause has just begun
		l.calls.Add(-oneStarted - oneUnderWay)
		l.wake()
		return Turn{}, false
	}
	return Turn{refusals: l.refusals.Load(), n: n}, true
}

// enter counts a call as started and under way, if one more is allowed.
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

// maxCatchUp is how much lost time the next calls may make up for when a call starts late. More
// would let one second have over 1% more calls than allowed.
const maxCatchUp = 8 * time.Millisecond

// forever is how long to wait if no time is known.
const forever = time.Duration(math.MaxInt64)

// try starts a call, or returns how long to wait before the next try. held says that the
// call has already waited.
func (l *Limiter) try(now time.Time, held bool) (turn Turn, wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	rate := l.rate()
	if !l.begun {
		l.begun = true
		l.next = now.Add(interval(rate))
	}
	free := l.resume
	// As long as no limit is known, a call may start at once if it is alone and has not waited.
	if l.ceiling == 0 && !l.pace.limited() && !held && l.calls.Load()&underWay == 0 {
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
		l.pace.start(now, n, held)
		turn.at = now
		// Only the lateness of timers is made up for. After a pause, or when no call
		// was made for a while, two calls that are too close could be refused.
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

// rate returns how many calls a second are allowed, or 0 for no limit.
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

// pause waits for d, until wake is called, or until ctx ends.
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

// wake tells the first of the queue to check again.
func (l *Limiter) wake() {
	if l.queued.Load() > 0 {
		select {
		case l.changed <- struct{}{}:
		default: // it has not seen the last signal yet
		}
	}
}

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
	// Read by every call, without the lock: a million fast calls should not wait for each other.
	calls  atomic.Int64 // low bits: calls under way; high bits: calls started
	free   atomic.Int64 // so many calls may be under way without looking at the time; 0 if each call has to
	queued atomic.Int64 // calls in the queue

	line    chan struct{} // full while a call is the first of the queue
	changed chan struct{} // tells the first of the queue to check again

	mu           sync.Mutex
	pace         pace
	width        width
	next         time.Time                   // when the pace allows the next call; zero before the first one
	resume       time.Time                   // no call may start before this
	total        time.Duration               // length of all pauses, including the rest of the current one
	started      int64                       // calls started until the last refusal
	defaultPause *backoff.ExponentialBackOff // the next pause if the tenant does not say how long
	grown        bool                        // defaultPause was used since a call was accepted

	probeAt time.Time // one call at a time is allowed, the next one from then on; zero if any number is
	probe   int64     // number of that call, or 0 if none is under way
}

const (
	oneUnderWay = 1
	oneStarted  = 1 << 20
	underWay    = oneStarted - 1
)

// A Turn is the permission for one call to start. It is given back to [Limiter.Observe]
// with the result of the call.
type Turn struct {
	n        int64     // number of the call
	underWay int64     // calls under way when it started, and this one
	at       time.Time // when it started, or zero if nobody looked at the time
}

// New returns a Limiter that allows perSecond calls a second; 0 means as many as the
// tenant allows.
//
// Counted from the start it never allows more than perSecond. In any one second it may
// allow 1% more, to make up for calls that started late.
func New(perSecond float64) *Limiter {
	return &Limiter{
		line:    make(chan struct{}, 1),
		changed: make(chan struct{}, 1),
		pace:    newPace(perSecond),
		defaultPause: backoff.NewExponentialBackOff(
			backoff.WithInitialInterval(firstDefaultPause),
			backoff.WithMultiplier(2),
			backoff.WithMaxElapsedTime(0),
		),
	}
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
		if turn, ok := l.enter(l.free.Load()); ok {
			return turn, nil
		}
	}
	held := l.queued.Add(1) > 1 // by the queue, or by time
	defer l.queued.Add(-1)
	select {
	case l.line <- struct{}{}:
		defer func() { <-l.line }()
	case <-ctx.Done():
		return Turn{}, context.Cause(ctx)
	}
	for {
		turn, wait, ok := l.try(time.Now(), held)
		if ok {
			return turn, nil
		}
		held = wait != forever // for the width a call waits at any pace
		select {
		case <-time.After(wait):
		case <-l.changed:
		case <-ctx.Done():
			return Turn{}, context.Cause(ctx)
		}
	}
}

// enter counts a call as started and under way, if most are not under way already.
func (l *Limiter) enter(most int64) (Turn, bool) {
	for {
		n := l.calls.Load()
		if n&underWay >= most {
			return Turn{}, false
		}
		if l.calls.CompareAndSwap(n, n+oneStarted+oneUnderWay) {
			return Turn{n: n/oneStarted + 1, underWay: n&underWay + 1}, true
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
	switch {
	case l.pace.opening() && !held && l.calls.Load()&underWay == 0:
		l.next = now // a call that is alone, and has not waited, is not held back
	case l.next.IsZero():
		l.next = now.Add(l.pace.interval())
	}
	begin := later(l.resume, l.next)
	probing := !l.probeAt.IsZero()
	switch {
	case probing && l.probe != 0:
		return Turn{}, forever, false
	case probing:
		begin = later(begin, l.probeAt)
	}
	if wait := begin.Sub(now); wait > 0 {
		return Turn{}, wait, false
	}
	if turn, ok = l.enter(l.width.calls()); !ok {
		return Turn{}, forever, false
	}
	turn.at = now
	l.pace.start(now, turn.n, held)
	// Only the lateness of timers is made up for. After a pause, or when no call was made
	// for a while, two calls that are too close could be refused.
	var made time.Duration
	if held && !l.resume.After(l.next) {
		made = maxCatchUp
	}
	l.next = later(l.next, now.Add(-made)).Add(l.pace.interval())
	var free int64
	switch {
	case probing:
		l.probe = turn.n
	case l.pace.interval() == 0 && !l.grown:
		free = l.width.calls()
	}
	l.free.Store(free)
	return turn, 0, true
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
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

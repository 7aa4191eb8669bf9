package pace

import (
	"math"
	"time"
)

// How a pace is found.
const (
	paceOpening  = 100  // calls a second at the start
	paceStarted  = 2    // calls a second that each started call adds to that: the pace doubles in 0.35 s ahead of the first replies
	paceAccepted = 10   // calls a second that each accepted call adds to that: the pace doubles in less than 70 ms
	paceSpread   = 3    // after a refusal the pace begins again at 1/3 of it or more; the climb slows down within a factor of 3 of the upper end
	pacePatience = 50   // calls are held to the pace for so many times the cost of a refusal before the upper end is dropped, so that looking for more costs 2%
	paceMinCost  = 2    // least cost of a refusal in seconds, at one call a second; it falls with the root of the rate, so that the slower of two runs that share a limit can catch up
	paceMin      = 0.25 // calls a second, at least: a lower limit is taken to be another kind of refusal
	paceMax      = 1e5  // calls a second, at most
)

// A pace is a rate at which calls start. It has no clock and waits for nothing.
//
// It grows with each call, and more when one is accepted, until the tenant refuses one. If
// calls come more slowly than the pace allows before that, there is no pace. After the
// first refusal the [evidence] shows between which two rates the tenant's limit is, and each refusal brings
// these ends closer together:
//
//   - After a refusal the pace begins again at the lower end, or at a third of the upper
//     end if that is more: time lost far below the limit costs more than a refusal.
//   - It climbs towards the upper end. The speed of the climb is the square of the
//     distance that is left (in logarithms), in the time that a refusal costs: fast while
//     little is known, and very slow when the ends are close.
//   - After fifty times the cost of a refusal the tenant may allow more than before, and
//     the upper end is dropped.
type pace struct {
	rate  float64 // calls a second; 0 for no limit
	lower float64 // the tenant allows at least this; 0 if it is not known
	upper float64 // the tenant allows at most this; +Inf if it is not known
	found float64 // lower, or 0 if upper is too far away for it to be the limit
	limit float64 // upper before it was dropped
	begin float64 // the pace after the last refusal, or the one that was assumed
	cost  float64 // seconds that a refusal costs
	doubt float64 // how much of the patience with upper is used up; it is dropped at 1

	refusals int     // in this run
	reached  reached // since the last refusal

	busy     bool      // calls come as fast as the pace allows: they have to wait, or nearly so
	last     time.Time // when the last call started
	evidence evidence
}

// limited reports whether a limit of the tenant is known.
func (p *pace) limited() bool { return p.lower > 0 }

// exceeded reports whether calls were faster than the limit, and none was refused.
func (p *pace) exceeded() bool { return p.reached.most > p.limit }

// start notes that the nth call starts. held says that it had to wait: on a busy machine such
// a call may still start late.
func (p *pace) start(now time.Time, n int64, held bool) {
	if p.evidence.begun.IsZero() {
		p.evidence.begun = now
	}
	gap := now.Sub(p.last).Seconds()
	p.last = now
	p.busy = held || gap*p.rate < 2
	switch {
	case n == 1:
	case p.busy && p.limited():
		p.climb(min(gap, 2/p.rate))
	case p.busy && p.rate > 0:
		p.rate += paceStarted
	case !p.limited():
		p.rate = 0
	}
	p.reached.started(now, p.rate)
	p.evidence.started(now, n)
}

// climb raises the pace for the time since the call before.
func (p *pace) climb(gap float64) {
	cost := max(p.cost, paceMinCost/math.Sqrt(p.rate))
	if p.doubt += gap / (pacePatience * cost); p.doubt >= 1 {
		p.upper = math.Inf(1)
	}
	left := min(math.Log(p.upper/p.rate), math.Log(paceSpread))
	p.rate = min(p.upper, paceMax, p.rate*math.Exp(left*left*gap/cost))
}

// accepted notes that the tenant accepted a call that started after the last refusal.
func (p *pace) accepted() {
	if p.busy && p.rate > 0 && !p.limited() {
		p.rate += paceAccepted
	}
}

// refused notes that the tenant refused the nth call, and that calls are now held back
// for pause. The call started at begun, after the previous refusal.
func (p *pace) refused(now, begun time.Time, n int64, pause time.Duration) {
	p.last, p.busy = now.Add(pause), false
	if p.limited() && p.evidence.refusedFirst(n) {
		return // the first call after a pause: the pause was too short, not the pace too high
	}
	most := p.rate
	if most == 0 {
		most = paceMax
	}
	p.evidence.refused(now, begun, n)
	p.lower, p.upper = p.evidence.fit(paceMin, most)
	p.rate = max(p.lower, p.upper/paceSpread)
	if p.found = p.lower; p.rate > p.lower {
		p.found = 0
	}
	p.cost, p.doubt = pause.Seconds(), 0
	p.limit, p.begin, p.reached = p.upper, p.rate, reached{}
	p.refusals++
}

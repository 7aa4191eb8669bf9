package pace

import (
	"math"
	"time"
)

// How a pace is found.
const (
	paceOpening  = 100  // calls a second at the start
	paceStarted  = 3    // calls a second that each started call adds to that: the pace doubles in 0.23 s ahead of the first replies
	paceAccepted = 6    // calls a second that each accepted call adds to that: the pace doubles in 77 ms
	paceSpread   = 3    // after a refusal the pace begins again at 1/3 of it or more; the climb slows down within a factor of 3 of the upper end
	pacePatience = 50   // calls are held to the pace for so many times the cost of a refusal before the upper end does not count, so that looking for more costs 2%
	paceMinCost  = 0.2  // seconds that a refusal costs, at least: the pause may be shorter, or not known
	paceMinCalls = 2    // calls that a refusal costs, at least: below a call a second one call would be the whole climb
	paceHeld     = 0.8  // share of the calls of late that have to wait if the pace is what holds calls back
	paceOfLate   = 0.05 // part of one call in that share, so that about the last twenty count
	paceMin      = 0.25 // calls a second, at least: a lower limit is taken to be another kind of refusal
	paceMax      = 1e5  // calls a second, at most, if there is a pace
)

// A pace is a rate at which calls start. It has no clock and waits for nothing.
//
// It grows with each call, and more with each accepted one, until the tenant refuses one. If
// calls come more slowly than the pace allows before that, there is no pace. From the first
// refusal on, the [evidence] shows between which two rates the tenant's limit is, and each
// refusal brings these ends closer together:
//
//   - After a refusal the pace begins again at the lower end, or at a third of the upper
//     end if that is more: time lost far below the limit costs more than a refusal.
//   - It climbs towards the upper end. The speed of the climb is the square of the
//     distance that is left (in logarithms), in the time that a refusal costs: fast while
//     little is known, and very slow when the ends are close.
//   - After fifty times the cost of a refusal the tenant may allow more than before, and
//     the upper end does not count.
//
// It climbs only while it is what holds calls back, so that it is never far above the rate
// that calls have.
type pace struct {
	rate    float64 // calls a second; +Inf for no limit
	ceiling float64 // calls a second, at most; +Inf for no such limit

	lower float64 // the tenant allows at least this; 0 if it is not known
	upper float64 // the tenant allows at most this; +Inf if it is not known
	cost  float64 // seconds that a refusal costs
	doubt float64 // how much of the patience with upper is used up

	refusals int       // in this run
	held     float64   // share of the calls of late that had to wait for the pace
	last     time.Time // when the last call started
	evidence evidence
}

// newPace returns a pace of at most perSecond; 0 means any.
func newPace(perSecond float64) pace {
	p := pace{rate: perSecond, ceiling: perSecond, upper: math.Inf(1)}
	if perSecond == 0 {
		p.rate, p.ceiling = paceOpening, math.Inf(1)
	}
	return p
}

// interval returns the time from one call to the next.
func (p *pace) interval() time.Duration {
	return time.Duration(math.Ceil(float64(time.Second) / p.rate))
}

// opening reports whether nothing is known of how fast calls may be.
func (p *pace) opening() bool { return !p.limited() && math.IsInf(p.ceiling, 1) }

// limited reports whether a limit of the tenant is known.
func (p *pace) limited() bool { return p.lower > 0 }

// exceeded reports whether calls were faster than the limit, and none was refused.
func (p *pace) exceeded() bool { return p.rate > p.upper }

// holds reports whether the pace is what holds calls back.
func (p *pace) holds() bool { return p.held > paceHeld }

// start notes that the nth call starts. held says that it had to wait.
func (p *pace) start(now time.Time, n int64, held bool) {
	if p.evidence.begun.IsZero() {
		p.evidence.begun = now
	}
	p.held *= 1 - paceOfLate
	if held {
		p.held += paceOfLate
	}
	switch {
	case n == 1:
	case p.limited():
		if p.holds() {
			p.climb()
		}
	case held || now.Sub(p.last) < 2*p.interval():
		p.rate = min(p.ceiling, p.rate+paceStarted)
	default: // the pace is faster than the calls
		p.rate = p.ceiling
	}
	p.last = now
	p.evidence.started(now, n)
}

// accepted notes that the tenant accepted a call.
func (p *pace) accepted() {
	if !p.limited() {
		p.rate = min(p.ceiling, p.rate+paceAccepted)
	}
}

// climb raises the pace for the time from one call to the next.
func (p *pace) climb() {
	cost := max(paceMinCalls, p.rate*max(p.cost, paceMinCost)) // in calls
	upper := p.upper
	if p.doubt += 1 / (pacePatience * cost); p.doubt >= 1 {
		upper = math.Inf(1)
	}
	left := min(math.Log(upper/p.rate), math.Log(paceSpread))
	p.rate = min(upper, p.ceiling, paceMax, p.rate*math.Exp(left*left/cost))
}

// refused notes that the tenant refused the nth call, which started at begun, after the
// previous refusal, and that calls are now held back for pause.
func (p *pace) refused(begun time.Time, n int64, pause time.Duration) {
	if p.limited() && p.evidence.refusedFirst(n) {
		return // the first call after a pause: the pause was too short, not the pace too high
	}
	p.evidence.refused(begun, n)
	p.lower, p.upper = p.evidence.fit(paceMin, min(p.rate, paceMax))
	p.rate = max(p.lower, p.upper/paceSpread)
	p.cost, p.doubt = pause.Seconds(), 0
	p.refusals++
}

package pace

import (
	"math"
	"time"
)

// How a pace is found.
const (
	paceOpening  = 100   // calls a second at first: a second's work is no burden to a tenant, and no loss to a user
	paceGrowth   = 10    // calls a second that each accepted call adds to that: twice the pace in 70 ms
	paceSpread   = 3     // how far below what was refused to begin again, and how far above what is allowed to look for more
	paceMargin   = 0.995 // of the least that the tenant may allow: timers and networks are not exact
	pacePatience = 50    // how many times the cost of a refusal passes before another is risked: what that costs is 2%
	paceMinCost  = 2     // seconds that a refusal costs at least, at a call a second; at more, less, but not in proportion: of two runs that share a limit, the slower would stay so
	paceMin      = 0.25  // calls a second at least: less is not a limit but a tenant that refuses by another rule
	paceMax      = 1e5   // and at most
)

// A pace is a rate at which calls start. It has no clock and waits for nothing.
//
// It grows by the call until the tenant first refuses one, or until it is not what
// holds calls back, and then there is none. From the first refusal on, the
// [evidence] says between which rates the tenant's limit is, and each refusal
// narrows that:
//
//   - The pace begins again at the lower end, or at a third of the upper end where
//     that is more: what a refusal costs is soon less than what is lost below the
//     limit.
//   - It climbs towards the upper end, in the time that a refusal costs by as much
//     as is left of the way, squared: fast while little is known, and hardly at all
//     when the two ends are close.
//   - After fifty times what a refusal costs the tenant may have come to allow
//     more, and the upper end is forgotten.
type pace struct {
	rate  float64 // calls a second; 0 for as many as there are
	lower float64 // what the tenant allows, at least and at most; 0 and +Inf if nothing is known
	upper float64
	found float64   // the lower one, or 0 if the other is too far away to go by it
	cost  float64   // seconds that a refusal costs
	since time.Time // the end of the pause after the last one, or the start

	busy     bool // the pace is what holds calls back
	last     time.Time
	evidence evidence
}

// limited reports whether the tenant is known to have a limit.
func (p *pace) limited() bool { return p.lower > 0 }

// start notes that a call starts, the nth.
func (p *pace) start(now time.Time, n int64) {
	if p.evidence.begun.IsZero() {
		p.evidence.begun, p.since = now, now
	}
	gap := now.Sub(p.last).Seconds()
	p.last = now
	p.busy = gap*p.rate < 2
	switch {
	case p.busy && p.limited():
		p.climb(now, gap)
	case !p.busy && !p.limited() && n > 1:
		p.rate = 0
	}
	p.evidence.started(now, n)
}

// climb lets the pace grow for the time from one call to the next.
func (p *pace) climb(now time.Time, gap float64) {
	cost := max(p.cost, paceMinCost/math.Sqrt(p.rate))
	if now.Sub(p.since).Seconds() > pacePatience*cost {
		p.upper = math.Inf(1)
	}
	left := min(math.Log(p.upper/p.rate), math.Log(paceSpread))
	p.rate = min(p.upper, p.rate*math.Exp(left*left*gap/cost))
}

// accepted notes that the tenant took a call that started since the last
// refusal.
func (p *pace) accepted() {
	if p.busy && p.rate > 0 && !p.limited() {
		p.rate += paceGrowth
	}
}

// refused notes that the tenant refused the nth call, which started at begun and
// after the refusal before, and that calls are held back for pause.
func (p *pace) refused(now, begun time.Time, n int64, pause time.Duration) {
	if p.limited() && p.evidence.refusedFirst(n) {
		return // the first call after a pause: the pause was too short, not the pace too high
	}
	most := p.rate
	if most == 0 {
		most = paceMax
	}
	p.evidence.refused(now, begun, n)
	p.lower, p.upper = p.evidence.fit(paceMin, most)
	p.rate = max(paceMin, paceMargin*p.lower, p.upper/paceSpread)
	if p.found = p.lower; p.rate == p.upper/paceSpread {
		p.found = 0
	}
	p.cost = pause.Seconds()
	p.since, p.last, p.busy = now.Add(pause), now.Add(pause), false
}

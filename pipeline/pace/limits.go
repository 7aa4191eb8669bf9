package pace

import (
	"math"
	"time"
)

// Limits are what a run has found out about a tenant's limits. A field is 0 if it is not
// known.
type Limits struct {
	Rate    float64 `json:"rate"`   // calls a second to begin with: so many were accepted
	MaxRate float64 `json:"most"`   // calls a second, at most: a rate that was refused, close above the limit if that was found
	Burst   float64 `json:"burst"`  // calls that are accepted at once after an idle time, at most
	Pause   float64 `json:"pause"`  // length of the pause after a refusal, in seconds
	AtOnce  int     `json:"atOnce"` // calls under way at once
	Doubt   float64 `json:"doubt"`  // how doubtful MaxRate has become without a refusal; at 1 it is not used
}

// Assume makes l begin with limits that are already known. Call it before the first
// Wait. Limits that turn out to be wrong are corrected.
func (l *Limiter) Assume(known Limits) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if known.Rate > 0 {
		l.pace.assume(known)
	}
	if known.AtOnce > 0 {
		l.width.assume(time.Now(), known.AtOnce)
	}
}

// Limits returns what l has found out so far.
func (l *Limiter) Limits() Limits {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := l.pace.limits()
	known.AtOnce = l.width.known()
	return known
}

// assume makes p begin with known limits.
func (p *pace) assume(known Limits) {
	p.lower, p.upper, p.cost, p.doubt = known.Rate, known.MaxRate, known.Pause, known.Doubt
	if known.MaxRate == 0 {
		p.upper = math.Inf(1)
	}
	p.rate = min(known.Rate, p.ceiling)
	if known.Burst > 0 {
		p.evidence.assumeBurst(known.Burst)
	}
}

// allowed returns how many calls a second the tenant was found to allow, or 0.
func (p *pace) allowed() float64 {
	switch {
	case !p.limited() || p.upper > paceSpread*p.lower || p.exceeded():
		return 0 // the limit is not known, or not yet
	case p.refusals == 0 && (!p.holds() || p.rate == p.ceiling):
		return 0 // something else holds calls back
	}
	return p.rate
}

// limits returns the limits that a later run can begin with. Their rate is never below a
// pace that was reached and not refused since. So a run without a refusal lowers nothing,
// and what it adds to the doubt makes a later one ask for more: short runs that never
// come to doubt the limit by themselves do so together.
func (p *pace) limits() Limits {
	if !p.limited() {
		return Limits{}
	}
	known := Limits{Rate: max(p.lower, p.rate), Pause: p.cost}
	if p.exceeded() || math.IsInf(p.upper, 1) {
		return known
	}
	known.MaxRate, known.Doubt = p.upper, min(1, p.doubt)
	if len(p.evidence.past) > 0 {
		_, room := p.evidence.bounds(p.lower)
		known.Burst = max(1, room-1)
	}
	return known
}

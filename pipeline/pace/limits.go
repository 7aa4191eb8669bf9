package pace

import (
	"math"
	"time"
)

// Limits are what a run has found out about a tenant's limits. A field is 0 if it is not
// known.
type Limits struct {
	Rate    float64 `json:"rate"`   // calls a second to begin with: so many were accepted
	MaxRate float64 `json:"most"`   // calls a second, at most: the limit if it was found, otherwise a rate that was refused
	Burst   float64 `json:"burst"`  // calls that were accepted at once after an idle time
	Pause   float64 `json:"pause"`  // length of the pause after a refusal, in seconds
	AtOnce  int     `json:"atOnce"` // calls under way at once
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
		l.width.refused(time.Now(), int64(known.AtOnce)+1, 0)
		l.maxAtOnce.Store(l.width.calls())
	}
}

// Limits returns what l has found out so far.
func (l *Limiter) Limits() Limits {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := l.pace.limits()
	if l.width.limit > 0 {
		known.AtOnce = int(l.width.calls())
	}
	return known
}

// assume makes p begin with known limits.
func (p *pace) assume(known Limits) {
	p.lower, p.upper, p.cost = known.Rate, max(known.Rate, known.MaxRate), known.Pause
	p.rate = known.Rate
	if p.upper < paceSpread*p.lower {
		p.found = p.lower
	}
	if known.Burst > 0 {
		p.evidence.assumeBurst(known.Burst)
	}
}

// limits returns the limits that a later run can begin with.
func (p *pace) limits() Limits {
	switch {
	case !p.limited():
		return Limits{}
	case p.found == 0 && math.IsInf(p.upper, 1): // the pace is above what was found, and its limit is not known
		return Limits{}
	case p.found == 0:
		return Limits{Rate: p.rate, MaxRate: p.upper, Pause: p.cost}
	}
	known := Limits{Rate: min(p.rate, paceMargin*p.found), MaxRate: p.found, Pause: p.cost}
	if len(p.evidence.past) > 0 {
		known.Burst = p.evidence.tokens(p.found)
	}
	return known
}

package pace

import (
	"math"
	"time"
)

// Limits is what a run has found out of a tenant's limits. What is 0 is not known.
type Limits struct {
	Rate    float64 `json:"rate"`   // calls a second that were not too many
	MaxRate float64 `json:"most"`   // calls a second that were, or would be
	Burst   float64 `json:"burst"`  // calls at a time after a rest
	Pause   float64 `json:"pause"`  // seconds that a refusal costs
	AtOnce  int     `json:"atOnce"` // calls under way
}

// Assume has l begin with what is known of the tenant. It is to be called ahead of
// the first Wait. What turns out to be wrong is forgotten.
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

// Limits returns what l has found out.
func (l *Limiter) Limits() Limits {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := l.pace.limits()
	if l.width.limit > 0 {
		known.AtOnce = int(l.width.calls())
	}
	return known
}

// assume begins p with what is known.
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

// limits returns what a later run may assume.
func (p *pace) limits() Limits {
	switch {
	case !p.limited():
		return Limits{}
	case p.found == 0 && math.IsInf(p.upper, 1): // looking for more than it has found
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

package pace

import (
	"math"
	"time"
)

// Known is what a run has found out of a tenant's limits. What is 0 is not known.
type Known struct {
	Rate   float64 `json:"rate"`   // calls a second that were not too many
	Most   float64 `json:"most"`   // calls a second that were, or would be
	Burst  float64 `json:"burst"`  // calls at a time after a rest
	Pause  float64 `json:"pause"`  // seconds that a refusal costs
	AtOnce int     `json:"atOnce"` // calls under way
}

// Assume has l begin with what is known of the tenant. It is to be called ahead of
// the first Wait. What turns out to be wrong is forgotten.
func (l *Limiter) Assume(known Known) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if known.Rate > 0 {
		l.pace.assume(known)
	}
	if known.AtOnce > 0 {
		l.width.refused(time.Now(), int64(known.AtOnce)+1, 0)
		l.most.Store(l.width.calls())
	}
}

// Found returns what l has found out.
func (l *Limiter) Found() Known {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := l.pace.known()
	if l.width.limit > 0 {
		known.AtOnce = int(l.width.calls())
	}
	return known
}

// assume begins p with what is known.
func (p *pace) assume(known Known) {
	p.lower, p.upper, p.cost = known.Rate, max(known.Rate, known.Most), known.Pause
	p.rate = known.Rate
	if p.upper < spread*p.lower {
		p.found = p.lower
	}
	if known.Burst > 0 {
		p.evidence.remember(known.Burst)
	}
}

// known returns what a later run may assume.
func (p *pace) known() Known {
	switch {
	case !p.limited():
		return Known{}
	case p.found == 0 && math.IsInf(p.upper, 1): // looking for more than it has found
		return Known{}
	case p.found == 0:
		return Known{Rate: p.rate, Most: p.upper, Pause: p.cost}
	}
	known := Known{Rate: min(p.rate, margin*p.found), Most: p.found, Pause: p.cost}
	if len(p.evidence.past) > 0 {
		known.Burst = p.evidence.tokens(p.found)
	}
	return known
}

package pace

import "time"

// Known is what a run has found out of a tenant's limits. What is 0 is not known.
type Known struct {
	Rate   float64 `json:"rate"`   // calls a second
	Burst  float64 `json:"burst"`  // and so many at a time after a rest
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
		l.width.refused(time.Time{}, int64(known.AtOnce)+1, 0)
		l.most.Store(l.width.calls())
	}
}

// Found returns what l has found out.
func (l *Limiter) Found() Known {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := Known{Rate: l.pace.found}
	if known.Rate > 0 {
		known.Burst, known.Pause = l.pace.evidence.tokens(known.Rate), l.pace.cost
	}
	if l.width.limit > 0 {
		known.AtOnce = int(l.width.calls())
	}
	return known
}

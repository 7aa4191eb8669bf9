package pace

import "time"

// How a pace is measured.
const (
	reachedTime  = time.Second // length of a measurement, at least
	reachedCalls = 10          // calls of a measurement, at least
	reachedHeld  = 0.8         // calls are held to the pace if they use so much of it
)

// reached measures the pace that calls really have, without a refusal between them.
// They may be slower than the pace allows: the workers may be what limits them.
type reached struct {
	most float64 // calls a second; 0 if nothing was measured
	held bool    // the last measurement found that the pace holds calls back

	from  time.Time // when the current measurement began
	calls int
}

// started notes that a call starts, at a pace of rate or less.
func (r *reached) started(now time.Time, rate float64) {
	if r.from.IsZero() {
		r.from = now
		return
	}
	r.calls++
	length := now.Sub(r.from)
	if length < reachedTime || r.calls < reachedCalls {
		return
	}
	measured := float64(r.calls) / length.Seconds()
	r.most = max(r.most, min(rate, measured))
	r.held = measured >= reachedHeld*rate
	r.from, r.calls = now, 0
}

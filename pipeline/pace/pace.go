package pace

import (
	"math"
	"time"
)

// How a pace is found, and corrected.
const (
	grow   = 0.7  // calls a second that each accepted call adds to a pace that is sought: twice the pace in a second
	near   = 0.98 // the plateau, of what was refused past the last one
	far    = 1.2  // past the plateau by so much, the limit has moved away, and the curve was steep:
	steep  = 0.9  // the plateau, of what was refused there
	cut    = 0.88 // the plateau, of what was refused at once: the limit has moved below
	again  = 0.65 // and of what is so for the second time in a row
	least  = 0.6  // the plateau, at least, of the pace that ended the search
	hurry  = 4    // the first curve after a search, and after two cuts, is so much faster
	slow   = 0.25 // calls a second at least: less is not a limit but a tenant that refuses by another rule
	gently = 0.05 // by how much of itself a pace grows in a second about where the tenant refuses
)

// A pace is a rate at which calls start. It has no clock and waits for nothing.
//
// There is none until the tenant first says that calls come too fast. It is then
// what the tenant took until that moment, and goes up by the call, twofold in a
// second, until the tenant refuses again: that is the search. From then on the
// pace is on a [curve], and each refusal begins another one:
//
//   - Past the plateau, the limit is between the plateau and the pace. What is in
//     between may be the limit's tolerance, of which the first refusal of all has
//     shown how much there is at most: the new plateau is where the tenant would
//     have refused if it had none.
//   - Far past the plateau, the limit has moved up.
//   - Ahead of the plateau, it has moved down or is not where it was thought to
//     be: the earlier, the farther.
//
// Whatever is refused, the tenant has allowed what it took since the refusal
// before, pause included; the pace does not fall below that.
//
// It is the multiplicative decrease and cubic increase of the AWS clients'
// adaptive mode, less the guess of a fixed share to give up: there are few
// refusals to learn from, as each may cost a pause, so that more is made of each.
type pace struct {
	rate    float64 // calls a second; 0 for as many as there are
	seeking bool
	curve   curve
	burst   float64 // calls that the tenant took ahead of the first refusal
	early   bool    // the last refusal came early on the curve

	calls int       // started since the last refusal
	since time.Time // the last refusal, or the start
	last  time.Time // when the last call started
	busy  bool      // the pace is what holds calls back
}

// start notes that a call starts.
func (p *pace) start(now time.Time) {
	gap := now.Sub(p.last)
	p.calls++
	p.last = now
	p.busy = gap.Seconds()*p.rate < 2
	if p.rate > 0 && p.busy && !p.seeking {
		p.curve.pass(gap)
		p.rate = p.curve.at()
	}
}

// accepted notes that the tenant took a call that started since the last
// refusal.
func (p *pace) accepted() {
	if p.seeking && p.busy {
		p.rate += grow
	}
}

// refused notes that the tenant refused a call that started since the last
// refusal, having taken so many others, and that calls are held back for pause.
func (p *pace) refused(now time.Time, took int, pause time.Duration) {
	if p.calls == 1 {
		return // the first call after a pause: the pause was too short, not the pace too high
	}
	calls, elapsed := float64(max(1, took)), now.Sub(p.since).Seconds()
	if p.rate == 0 {
		p.seeking = true
		p.burst = calls
		p.rate = max(slow, calls/(elapsed+max(1, pause.Seconds())))
	} else {
		allowed := calls / elapsed
		plateau, speed := p.learn()
		p.curve = newCurve(max(slow/ease, plateau, min(allowed, p.rate)), allowed, speed, pause)
		p.rate = p.curve.at()
		p.seeking = false
	}
	p.since, p.last, p.calls, p.busy = now, now, 0, false
}

// learn returns the next plateau, and in how much of a hurry to go there.
func (p *pace) learn() (plateau, speed float64) {
	was := p.curve.plateau
	left := float64(back-p.curve.clock) / float64(back) // of the way to it
	twice := p.early && left > 0.75
	p.early = left > 0.75 && !p.seeking
	switch {
	case p.seeking:
		return max(p.untolerated(2*grow), least*p.rate), hurry
	case p.curve.passed() && p.rate > far*was:
		return steep * p.rate, hurry
	case p.curve.passed():
		return max(p.untolerated(2*gently), was+(p.rate-was)/4), 1
	case twice:
		return (1 - (1-again)*left*left) * p.rate, hurry
	}
	return (1 - (1-cut)*left*left) * p.rate, 1
}

// untolerated returns the pace at which a tenant without tolerance would have
// refused, when the pace grew at so much a second. A pace that grows past a limit
// by g in each second is refused when the excess, g*t*t/2, has used up the
// tolerance.
func (p *pace) untolerated(growth float64) float64 {
	return near * p.rate / (1 + math.Sqrt(growth*(p.burst-1)/p.rate))
}

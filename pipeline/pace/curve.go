package pace

import "time"

// How a limit that was found goes up again. A refusal costs a pause, so that there
// may be one in twenty times that, or so, if nine tenths of the limit are to be
// used, and one in fifty calls if two in a hundred may be refused; and a limit
// that has doubled is to be found in thirty seconds, where a pause is a second.
const (
	back    = 20 * time.Second // from a refusal to the plateau
	beyond  = 9 * time.Second  // and from the plateau to twice as much
	patient = 110              // accepted calls that the way to the plateau takes, at least
	ease    = 0.94             // where the way begins, of the plateau
)

// A curve is how a limit that was found goes up again: by the third power of the
// time, flat around the plateau, which is where the tenant is thought to refuse,
// and steep far from there. It is the curve of CUBIC (RFC 9438), whose sides have
// times of their own here: below the plateau nothing is to be found out, above it
// a limit that has moved away.
//
// Its clock goes on with the calls that the limit holds back, and only then: a
// limit that nobody uses does not rise.
type curve struct {
	low, plateau float64
	hurry        float64 // how many times faster than usual the plateau is reached
	stretch      float64 // how many times slower than usual all of it is, for what a refusal costs
	clock        time.Duration
}

// newCurve returns a curve to plateau that begins a little below it, and not
// below what is known to be allowed. The longer the pause was that led to it, the
// later is the next one.
func newCurve(plateau, allowed, hurry float64, pause time.Duration) curve {
	return curve{low: max(ease*plateau, min(allowed, plateau)), plateau: plateau, hurry: hurry, stretch: max(1, pause.Seconds())}
}

// at returns where c has come to.
func (c *curve) at() float64 {
	x := float64(c.clock-back) / float64(back)
	if x < 0 {
		return c.plateau + (c.plateau-c.low)*x*x*x
	}
	x = float64(c.clock-back) / float64(beyond)
	return c.plateau * (1 + x*x*x)
}

// passed reports whether c has come past its plateau.
func (c *curve) passed() bool { return c.clock > back }

// pass lets d pass, for one call.
func (c *curve) pass(d time.Duration) {
	if !c.passed() {
		d = time.Duration(c.hurry * float64(d))
	}
	d = time.Duration(float64(d) / c.stretch)
	c.clock += min(d, back/patient)
}

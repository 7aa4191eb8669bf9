package pace

import (
	"math"
	"time"
)

// How a width that was found goes up again.
const (
	widthRise     = 20 * time.Second // from a refusal to the plateau
	widthDouble   = 9 * time.Second  // and from the plateau to twice as much
	widthMinCalls = 110              // accepted calls that the way to the plateau takes, at least
	widthStart    = 0.94             // where the way begins, of the plateau
	widthEarlyCut = 0.88             // the plateau, of one that was refused soon: the limit has moved below
)

// A width is a number of calls under way at once. It has no clock and waits for
// nothing.
//
// There is none until a call is refused as one too many at once. It is then that
// many but one, and goes up again by the third power of the time, flat around the
// plateau, which is where the tenant is thought to refuse, and steep far from
// there: the curve of CUBIC (RFC 9438). If it is refused soon, the limit is lower
// than it was, and the plateau is cut. Its clock goes on with the calls that the
// width holds back, and only then: a width that nobody uses does not rise.
type width struct {
	limit float64 // or 0 for none

	plateau float64
	slower  float64 // how many times slower than usual it rises, for what a refusal costs
	clock   time.Duration
	last    time.Time // when a call last came back while the width was used up
}

// calls returns how many calls may be under way.
func (w *width) calls() int64 {
	if w.limit == 0 {
		return underWay
	}
	return int64(math.Round(w.limit))
}

// accepted notes that a call came back while the width was used up.
func (w *width) accepted(now time.Time) {
	gap := time.Duration(float64(now.Sub(w.last)) / w.slower)
	w.clock += min(gap, widthRise/widthMinCalls)
	w.last = now
	x := float64(w.clock-widthRise) / float64(widthRise)
	if x < 0 {
		w.limit = w.plateau + (1-widthStart)*w.plateau*x*x*x
		return
	}
	x = float64(w.clock-widthRise) / float64(widthDouble)
	w.limit = w.plateau * (1 + x*x*x)
}

// refused notes that the tenant refused one of n calls as one too many at once, and
// that calls are held back for pause.
func (w *width) refused(now time.Time, n int64, pause time.Duration) {
	plateau := float64(n - 1)
	if w.limit > 0 {
		plateau = min(w.limit, plateau)
		if w.clock < widthRise/8 {
			plateau *= widthEarlyCut
		}
	}
	w.plateau = max(1, plateau)
	w.limit = max(1, widthStart*w.plateau)
	w.slower = max(1, pause.Seconds())
	w.clock, w.last = 0, now
}

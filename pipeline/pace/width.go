package pace

import (
	"math"
	"time"
)

// How a width rises again after a refusal.
const (
	widthRise     = 20 * time.Second // from a refusal to the plateau, at least
	widthDouble   = 9 * time.Second  // from the plateau to twice the plateau
	widthMinCalls = 110              // accepted calls from a refusal to the plateau, at least
	widthStart    = 0.94             // fraction of the plateau to begin with after a refusal
	widthEarlyCut = 0.88             // factor for the plateau after an early refusal: the limit has become lower
)

// A width is a number of calls under way at once. It has no clock and waits for
// nothing.
//
// There is no limit until a call is refused because too many are under way. The plateau
// is then one less than the number under way: the most that the tenant is thought to
// allow. The width begins a little below the plateau and rises with the third power of
// the time, slowly near the plateau and fast far from it: the curve of CUBIC (RFC 9438).
// After an early refusal the plateau is cut, because the limit has become lower. Time
// counts only while the width holds calls back: a width that is not used does not rise.
type width struct {
	limit float64 // calls at once; 0 for no limit

	plateau float64       // most calls that the tenant is thought to allow
	slower  float64       // how many times slower it rises because a refusal costs a long pause
	clock   time.Duration // time since the last refusal, as far as it counts
	last    time.Time     // when a call last ended while the width was used up

	refusals int // in this run
}

// calls returns how many calls may be under way.
func (w *width) calls() int64 {
	if w.limit == 0 {
		return underWay
	}
	return int64(math.Round(w.limit))
}

// accepted notes that a call was accepted and ended while the width was used up.
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

// refused notes that the tenant refused one of n calls because too many were under way,
// and that calls are now held back for pause.
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
	w.refusals++
}

// assume makes w begin with a plateau that is already known.
func (w *width) assume(now time.Time, plateau int) {
	w.plateau = float64(plateau)
	w.limit = max(1, widthStart*w.plateau)
	w.slower, w.last = 1, now
}

// known returns the plateau for a later run to begin with, or 0. It is never below a width
// that was used up and not refused since.
func (w *width) known() int {
	if w.limit == 0 {
		return 0
	}
	return int(math.Round(max(w.plateau, w.limit)))
}

// allowed returns how many calls at once the tenant was found to allow, or 0.
func (w *width) allowed() int {
	if w.limit == 0 || w.refusals == 0 && (w.clock == 0 || w.limit > w.plateau) {
		return 0
	}
	return int(w.calls())
}

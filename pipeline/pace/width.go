package pace

import (
	"math"
	"time"
)

// narrow is how many calls may be under way at first.
const narrow = 2

// A width is a number of calls under way at once. It has no clock and waits for
// nothing.
//
// It begins narrow, so that a tenant which allows little is not met by many
// calls at once, and widens while it holds calls back: by two for every five
// calls that come back, or as if it had doubled each second or so if they take
// long. Refused as one call too many at once, it is that many but one, and goes
// on from there along a [curve]; if that comes ahead of the plateau, the limit
// is lower than it was, and the plateau is cut.
type width struct {
	limit float64
	found bool // the tenant has said that there were too many
	curve curve
	last  time.Time // when a call last came back while the width was used up
	held  time.Time // since when the first of the line is held back, or zero
}

// calls returns how many calls may be under way.
func (w *width) calls() int64 { return int64(math.Round(w.limit)) }

// accepted notes that a call came back while the width was used up.
func (w *width) accepted(now time.Time) {
	if !w.found {
		w.limit += 0.4
		return
	}
	w.curve.pass(now.Sub(w.last))
	w.last = now
	w.limit = w.curve.at()
}

// wait notes that the first of the line is held back. It returns how long it
// takes until there is room even if no call comes back.
func (w *width) wait(now time.Time) time.Duration {
	if w.found {
		return forever
	}
	if w.held.IsZero() {
		w.held = now
	}
	d := time.Duration(float64(time.Second) / w.limit)
	if left := d - now.Sub(w.held); left > 0 {
		return left
	}
	w.limit++
	w.held = now
	return 0
}

// enter notes that the first of the line is held back no longer.
func (w *width) enter() { w.held = time.Time{} }

// refused notes that the tenant refused one of n calls as one too many at once, and
// that calls are held back for pause.
func (w *width) refused(now time.Time, n int64, pause time.Duration) {
	plateau := min(w.limit, float64(n-1))
	if w.found && w.curve.clock < back/8 {
		plateau *= cut
	}
	plateau = max(1, plateau)
	w.curve = newCurve(plateau, 1, 1, pause)
	w.found, w.last, w.limit = true, now, w.curve.at()
}

package pace

import (
	"math"
	"time"
)

// How a width rises again after a refusal.
const (
	widthPower    = 6                      // of the time: one more is asked for after half of the patience, and twice as many at its end
	widthCallTime = 200 * time.Millisecond // time that one call counts for, at most: a few slow calls do not raise it
)

// A width is a number of calls under way at once. It has no clock and waits for nothing.
//
// There is no limit until a call is refused because too many are under way: the limit is
// then one less than there were. Like the upper end of a [pace], it is doubted for fifty
// times the cost of a refusal. In this time it becomes twice what it was, with a high power
// of the time: it stays for long what the tenant is thought to allow, and then is soon far
// from it if the tenant allows more. Time counts only while the width holds calls back: a
// width that is not used does not rise.
type width struct {
	found float64 // calls at once that the tenant was thought to allow after the last refusal
	limit float64 // calls at once; 0 for no limit

	cost  float64   // seconds that a refusal costs
	doubt float64   // how much of the patience is used up
	last  time.Time // when a call last ended while the width was used up

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
	w.doubt += min(now.Sub(w.last), widthCallTime).Seconds() / (pacePatience * w.cost)
	w.last = now
	w.limit = w.found * (1 + math.Pow(w.doubt, widthPower))
}

// refused notes that the tenant refused a call because too many were under way, which were
// n when it started, and that calls are now held back for pause.
func (w *width) refused(now time.Time, n int64, pause time.Duration) {
	w.assume(now, int(max(1, min(n, w.calls())-1)))
	w.cost = max(1, pause.Seconds())
	w.refusals++
}

// assume makes w begin with a limit that is already known.
func (w *width) assume(now time.Time, limit int) {
	w.found, w.limit = float64(limit), float64(limit)
	w.cost, w.doubt, w.last = 1, 0, now
}

// known returns the limit for a later run to begin with, or 0: so many were under way and
// not refused since.
func (w *width) known() int { return int(math.Round(w.limit)) }

// allowed returns how many calls at once the tenant was found to allow, or 0.
func (w *width) allowed() int {
	if w.refusals == 0 && (w.doubt == 0 || w.known() > int(w.found)) {
		return 0
	}
	return w.known()
}

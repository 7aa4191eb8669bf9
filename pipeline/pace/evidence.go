package pace

import (
	"math"
	"slices"
	"time"
)

// How much evidence is kept, and how exactly rates are compared with it.
const (
	maxStretches = 8    // stretches kept; two are enough to find a limit that does not change
	maxMarks     = 512  // marks of one stretch before every other one is dropped
	maxMiss      = 0.5  // calls by which evidence of one limit may contradict itself, and of two rates one may miss it by more than the other
	maxFill      = 60.0 // seconds that a bucket takes to fill, at most
)

// evidence is what is known of the tenant's limit: when calls started, and which were
// refused. The limit is taken to be a token bucket with an unknown rate and an unknown
// size. For a given rate, the bucket must have held all tokens that were taken between
// any two moments, and it must have been empty when a call was refused. Two refusals
// after stretches of different length leave few rates for which both hold.
type evidence struct {
	past    []stretch
	current stretch // since the last refusal
	begun   time.Time
}

// A stretch is the calls from one refusal to the next. Its last mark is the call that
// was refused.
type stretch []mark

// A mark is a call: its time in seconds, and its number.
type mark struct{ at, n float64 }

func (e *evidence) markAt(t time.Time, n int64) mark {
	return mark{t.Sub(e.begun).Seconds(), float64(n)}
}

// assumeBurst notes that the bucket holds burst tokens at most, as if one call more had been
// refused, long ago.
func (e *evidence) assumeBurst(burst float64) {
	const ago = -1e6
	e.past = []stretch{{{ago, 1}, {ago, burst + 1}}}
}

// refusedFirst reports whether the nth call is the first of its stretch. If so, the
// stretch begins anew.
func (e *evidence) refusedFirst(n int64) bool {
	if len(e.current) == 0 || e.current[0].n != float64(n) {
		return false
	}
	e.current = nil
	return true
}

// started notes that the nth call starts.
func (e *evidence) started(now time.Time, n int64) {
	e.current = append(e.current, e.markAt(now, n))
	if len(e.current) <= maxMarks {
		return
	}
	// The first one stays, and the older the fewer are left.
	half := e.current[:0]
	for i := 0; i < len(e.current); i += 2 {
		half = append(half, e.current[i])
	}
	e.current = half
}

// refused ends a stretch: the nth call, which started at begun, was refused. Calls that
// started later found the bucket empty, too, and are left out.
func (e *evidence) refused(begun time.Time, n int64) {
	i := len(e.current)
	for i > 0 && e.current[i-1].n >= float64(n) {
		i--
	}
	e.past = append(e.past, append(e.current[:i], e.markAt(begun, n)))
	e.current = nil
}

// fit returns the lowest and the highest of the rates from lo to hi that agree best with the
// evidence, exact to some hundredths of a percent. If none agrees, the limit has changed, and
// old evidence is dropped.
func (e *evidence) fit(lo, hi float64) (first, last float64) {
	first, last = lo, hi
	var miss float64
	for range 4 {
		first, last, miss = e.refine(first, last)
	}
	if miss > maxMiss {
		e.past = nil
		return lo, hi
	}
	if len(e.past) == maxStretches {
		e.past = e.past[1:]
	}
	return first, last
}

// refine returns a smaller range of rates that includes all those from lo to hi that agree
// best with the evidence, and by how many calls the best one misses it, at least. Between two
// rates the bucket needs no fewer tokens than at the higher one, and has no more room than at
// the lower one: so a range is not lost because no rate that was tried lies in it.
func (e *evidence) refine(lo, hi float64) (first, last, miss float64) {
	const steps = 100
	at := func(i int) float64 { return lo * math.Pow(hi/lo, float64(i)/steps) }
	var misses [steps]float64 // from at(i) to at(i+1), at least
	_, room := e.bounds(lo)
	for i := range misses {
		need, next := e.bounds(at(i + 1))
		misses[i], room = need-room, next
	}
	miss = slices.Min(misses[:])
	from, to := 0, steps-1
	for misses[from] > max(0, miss)+maxMiss {
		from++
	}
	for misses[to] > max(0, miss)+maxMiss {
		to--
	}
	return at(from), at(to + 1), miss
}

// bounds returns bounds of the size of a bucket that fills at rate: it must hold need tokens
// for the calls that were accepted, and fewer than room for those that were refused.
func (e *evidence) bounds(rate float64) (need, room float64) {
	need, room = 1, 1+maxFill*rate
	var missing float64 // tokens, in a bucket that is full at first
	prev := e.past[0][0].at
	for _, s := range e.past {
		n := s[0].n - 1
		for i, m := range s {
			missing += m.n - n - 1 - rate*(m.at-prev)
			n, prev = m.n, m.at
			switch {
			case i < len(s)-1:
				missing = max(0, missing) + 1
				need = max(need, missing)
			case missing > 0:
				room = min(room, missing+1)
			default: // a full bucket refuses no call
				room = min(room, missing)
				missing = 0
			}
		}
	}
	return need, room
}

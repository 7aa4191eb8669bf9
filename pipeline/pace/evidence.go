package pace

import (
	"math"
	"time"
)

// How much is kept of what the tenant did, and how far it is believed.
const (
	maxStretches   = 8    // that are kept: a limit that is the same is known after two
	maxMarks       = 512  // of one stretch, until it is thinned out
	markResolution = 16   // of thinning: times in which a sixteenth of what came after was called are one
	maxMiss        = 2.0  // calls by which what is known of one limit may contradict itself: those that overtook others
	equalMiss      = 0.5  // calls by which two limits agree with it equally well
	maxFill        = 60.0 // seconds in which a bucket fills at most
	lossDecay      = 0.9  // what a full bucket loses is remembered for some ten calls
)

// Evidence is what is known of the tenant's limit: when calls were taken, and when
// one was refused. It is read as if the limit were a bucket of tokens that fills
// at a rate and holds so many. Neither is known, but a bucket of a given rate must
// have held what was taken between any two moments, and must have been empty when
// a call was refused: two refusals after stretches of unequal length leave few
// rates for which that is the same number of tokens.
type evidence struct {
	past     []stretch
	current  stretch // the one that has not been refused yet
	empty    mark    // the refusal ahead of all this, and n tokens of the bucket that was empty then; or 0, if it was full
	begun    time.Time
	excluded time.Duration // of the time since then, what says nothing
}

// A stretch is a time without refusals. Its last mark is the call that was
// refused.
type stretch []mark

// A mark is a call, the nth, at so many seconds.
type mark struct{ at, n float64 }

func (e *evidence) markAt(t time.Time, n int64) mark {
	return mark{(t.Sub(e.begun) - e.excluded).Seconds(), float64(n)}
}

// assumeBurst is told that the bucket holds so many tokens: as many were once taken
// at a time, long ago.
func (e *evidence) assumeBurst(burst float64) {
	const ago = -1e6
	n := math.Floor(burst)
	e.past = []stretch{{{ago, 1}, {ago, n}, {ago, n + 1}}}
}

// refusedFirst reports whether the nth call is the first of its stretch, which
// then begins anew.
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
	if len(e.current) > maxMarks {
		e.current = e.current.thin()
	}
}

// thin returns s with fewer marks: the older, the fewer.
func (s stretch) thin() stretch {
	kept, last := s[:1], s[len(s)-1]
	for i, m := range s[1 : len(s)-1] {
		if next := s[i+2]; markResolution*(next.n-kept[len(kept)-1].n) >= last.n-next.n {
			kept = append(kept, m)
		}
	}
	return append(kept, last)
}

// refused ends a stretch: the nth call, which started at begun, was refused. Those
// that started later found the bucket empty, too, and took what came in.
func (e *evidence) refused(now, begun time.Time, n int64) {
	i := len(e.current)
	for i > 0 && e.current[i-1].n >= float64(n) {
		i--
	}
	e.past = append(e.past, append(e.current[:i], e.markAt(begun, n)))
	e.current = nil
	e.excluded += now.Sub(begun)
}

// fit returns the lowest and the highest of the rates from lo to hi that agree
// with the evidence. Old evidence that contradicts the latest is of another limit,
// and is forgotten.
func (e *evidence) fit(lo, hi float64) (first, last float64) {
	first, last, miss := e.agree(lo, hi)
	if miss > maxMiss {
		e.past, e.empty = nil, mark{}
		return lo, hi
	}
	if len(e.past) == maxStretches {
		oldest := e.past[0]
		e.empty = mark{oldest[len(oldest)-1].at, e.tokens(math.Sqrt(first * last))}
		e.past = e.past[1:]
	}
	return first, last
}

// agree returns the lowest and the highest of the rates from lo to hi that agree
// best with the evidence, to some hundredths of a percent, and by how many calls
// they don't.
func (e *evidence) agree(lo, hi float64) (first, last, miss float64) {
	first, last = lo, hi
	for range 3 {
		first, last, miss = e.refine(first, last)
	}
	return first, last, miss
}

// refine returns the ends of a part of the rates from lo to hi that has all of
// them that agree best with the evidence, and by how many calls the best does not.
func (e *evidence) refine(lo, hi float64) (first, last, miss float64) {
	const steps = 100
	var misses [steps + 1]float64
	at := func(i int) float64 { return lo * math.Pow(hi/lo, float64(i)/steps) }
	miss = math.Inf(1)
	for i := range misses {
		need, room := e.bounds(at(i))
		misses[i] = need - room
		miss = min(miss, misses[i])
	}
	agrees := func(i int) bool { return misses[i] <= max(0, miss)+equalMiss }
	from, to := 0, steps
	for !agrees(from) {
		from++
	}
	for !agrees(to) {
		to--
	}
	return at(max(0, from-1)), at(min(steps, to+1)), miss
}

// tokens returns how many tokens a bucket that fills at rate holds.
func (e *evidence) tokens(rate float64) float64 {
	need, _ := e.bounds(rate)
	return need
}

// bounds returns how many tokens a bucket that fills at rate must hold for what was
// taken, and fewer than how many for what was refused.
func (e *evidence) bounds(rate float64) (need, room float64) {
	need, room = 1, 1+maxFill*rate
	missing, prev := e.empty.n, e.empty.at
	if missing == 0 {
		prev = e.past[0][0].at
	}
	var lost float64 // by a full bucket, of late
	for _, s := range e.past {
		n := s[0].n - 1
		for i, m := range s {
			missing += m.n - n - 1 - rate*(m.at-prev)
			lost = lossDecay*lost + max(0, -missing)
			missing = max(0, missing)
			n, prev = m.n, m.at
			switch {
			case i < len(s)-1:
				missing++
				need = max(need, missing)
			case missing > 0:
				room = min(room, missing+1)
			default: // a full bucket refuses nobody
				room = min(room, -lost)
			}
		}
	}
	return need, room
}

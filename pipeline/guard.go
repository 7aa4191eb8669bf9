package pipeline

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"rollcall/tenant"
)

// Guards stop a run that is clearly wrong, or has done what it should. They stop
// it softly: the rows in progress are finished, and another run can go on. The zero
// value guards against nothing.
type Guards struct {
	MaxErrors   Share         // of the rows attempted that may fail; a percentage counts once there are 100
	Alike       int           // if so many rows are the first to be attempted, and all fail alike, that is enough
	Canary      int           // do so many rows, and go on only if none of them fails
	Limit       int           // attempt so many rows
	MaxDuration time.Duration // begin rows for so long
}

// A Share is a number or a percentage. The zero value is neither.
type Share struct {
	N       int
	Percent float64 // if not 0
	set     bool
}

// ParseShare reads "20" or "2.5%".
func ParseShare(text string) (s Share, err error) {
	s.set = true
	if number, ok := strings.CutSuffix(text, "%"); ok {
		s.Percent, err = strconv.ParseFloat(number, 64)
		if err != nil || !(s.Percent > 0 && s.Percent <= 100) {
			return Share{}, fmt.Errorf("%q: want a percentage above 0, and 100 at most", text)
		}
		return s, nil
	}
	if s.N, err = strconv.Atoi(text); err != nil || s.N < 0 {
		return Share{}, fmt.Errorf("%q: want a number of rows, or a percentage", text)
	}
	return s, nil
}

// IsSet reports whether s is a number or a percentage.
func (s Share) IsSet() bool { return s.set }

// Exceeded reports whether n of total is more than s allows.
func (s Share) Exceeded(n, total int) bool {
	switch {
	case !s.set:
		return false
	case s.Percent > 0:
		return float64(n)*100 > s.Percent*float64(total)
	}
	return n > s.N
}

func (s Share) String() string {
	if s.Percent > 0 {
		return strconv.FormatFloat(s.Percent, 'g', -1, 64) + "%"
	}
	return strconv.Itoa(s.N)
}

// enough is how many rows a percentage needs to mean something.
const enough = 100

// A watch is what Guards have seen of a run. The goroutine that emits uses it.
type watch struct {
	Guards
	attempted, failed int
	alike             string // how all rows failed so far
	common            string // what is wrong, by what all of them say of that alike
	passed            func() // called when the canary has come back
	trip              func(guard, reason string)
}

// see looks at a row that is done. Throttling is the pace's concern, and rows
// that were never sent say nothing about the tenant.
func (w *watch) see(t *task) {
	if t.Attempts == 0 || t.recalled() || t.cut != nil || errors.Is(t.Err, tenant.Throttled) {
		return
	}
	w.attempted++
	how, common := "", ""
	if t.Status.Bad() {
		w.failed++
		how, common = likeness(&t.Result)
	}
	if w.attempted == 1 {
		w.alike, w.common = how, common
	}
	if how != w.alike {
		w.alike = ""
	}
	if common != w.common {
		w.common = ""
	}
	if w.attempted == w.Canary {
		if w.failed > 0 {
			w.trip("canary", w.canaryFailed())
		} else {
			w.passed()
		}
	}
	if w.alike != "" && w.attempted == w.Alike {
		w.trip("", fmt.Sprintf("the first %d rows all failed alike: %s", w.Alike, w.likeness()))
	}
	if w.MaxErrors.Exceeded(w.failed, w.attempted) && (w.MaxErrors.Percent == 0 || w.attempted >= enough) {
		w.trip("max-errors", fmt.Sprintf("%d of %s failed, more than %v", w.failed, Plural(w.attempted, "row"), w.MaxErrors))
	}
}

// canaryFailed says that rows of the canary failed.
func (w *watch) canaryFailed() string {
	if w.Canary == 1 {
		return "the first row failed"
	}
	return fmt.Sprintf("%d of the first %d rows failed", w.failed, w.Canary)
}

// A lookout is what the first read-back after each set has shown so far. Workers
// use it, so that a run whose values all read back as another one is stopped ahead of
// the time that each of them is read again for.
type lookout struct {
	mu    sync.Mutex
	alike int // rows that enough of are alike, as in Guards; 0 for no lookout
	seen  int
	text  string // how all rows read back so far; "" if they don't do so alike
	trip  func(guard, reason string)
}

// see looks at what was read back of t's user first. What a user had before may be
// shown for a while, and says nothing.
func (l *lookout) see(t *task, same bool) {
	text := ""
	for _, i := range t.plan.index {
		if v := &t.Values[i]; !same && !v.Same && v.Before != "" && v.After != v.Before {
			text = fmt.Sprintf("%q, where %q was set", v.After, v.Wanted)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen++; l.seen == 1 {
		l.text = text
	} else if text != l.text {
		l.text = ""
	}
	if l.text != "" && l.seen == l.alike {
		l.trip("", fmt.Sprintf("the first %d rows all read back as %s", l.alike, l.text))
	}
}

// likeness returns how all rows failed so far and, if they say so, what is wrong
// then; or "" if they did not fail, or not alike.
func (w *watch) likeness() string {
	if w.alike == "" || w.common == "" {
		return w.alike
	}
	return w.alike + ": " + w.common
}

// likeness returns how a row failed, without regard to which row it is, and what
// is wrong if they all fail like this.
func likeness(r *Result) (how, common string) {
	if e, ok := errors.AsType[*tenant.Error](r.Err); ok {
		text := strings.TrimSpace(fmt.Sprintf("%s: %s %s", r.Status, e.Op, e.Exception))
		if e.Status != 0 {
			text += fmt.Sprintf(" (HTTP %d)", e.Status)
		}
		return text, e.Common
	}
	return r.Status.String(), ""
}

package pipeline

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"rollcall/tenant"
)

// Guards stop a run that is clearly wrong, or that has done as many rows as it should.
// They stop it softly: the rows in progress are finished, and another run can resume.
// The zero value has no guard.
type Guards struct {
	MaxErrors   Share         // how many of the attempted rows may fail; a percentage applies once there are 100
	Alike       int           // stop if the first so many attempted rows all fail in the same way
	Canary      int           // first do so many rows, and go on only if none of them fails
	Limit       int           // attempt so many rows
	MaxDuration time.Duration // begin no row after this time
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

// minForPercent is how many rows have to be attempted before a percentage applies.
const minForPercent = 100

// A guardState is what Guards know of a run so far. Workers use it at once.
type guardState struct {
	Guards
	passed func() // called when no row of the canary failed
	trip   func(guard, reason string)

	succeeded atomic.Int64 // attempted rows that did not fail

	mu     sync.Mutex
	canary struct{ done, failed int } // of the first rows
	failed int                        // attempted rows that failed
	alike  string                     // how all of them failed, or "" if they did not fail in one way
	common string                     // the cause that all their errors name, or ""
}

// add counts a row that is done. The worker calls it before it takes another row, so that
// no row is begun once there is a reason to stop.
func (w *guardState) add(t *task) {
	if t.cutShort != nil {
		return
	}
	if w.Canary > 0 {
		w.addToCanary(t)
	}
	w.addAttempted(t)
}

// addToCanary counts one of the first rows, of whatever kind: the others wait until all of
// these are done.
func (w *guardState) addToCanary(t *task) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := &w.canary
	c.done++
	if t.Status.IsFailure() {
		c.failed++
	}
	switch {
	case c.done != w.Canary:
	case c.failed > 0:
		w.trip("canary", w.canaryFailed())
	default:
		w.passed()
	}
}

// addAttempted counts a row for the other guards. It leaves out throttled rows, which are a
// matter of the pace, and rows without a call, which say nothing about the tenant.
func (w *guardState) addAttempted(t *task) {
	if t.Attempts == 0 || errors.Is(t.Err, tenant.Throttled) {
		return
	}
	failed := t.Status.IsFailure()
	if !failed && w.succeeded.Add(1) > minForPercent {
		return // it lowers the share that failed, and so is no reason to stop
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if failed {
		w.failed++
		how, common := failureKind(&t.Result)
		if w.failed == 1 {
			w.alike, w.common = how, common
		}
		if how != w.alike {
			w.alike = ""
		}
		if common != w.common {
			w.common = ""
		}
	}
	attempted := w.failed + int(w.succeeded.Load())
	if w.alike != "" && w.failed == w.Alike && w.failed == attempted {
		w.trip("", fmt.Sprintf("the first %d rows all failed in the same way: %s", w.Alike, w.failureKind()))
	}
	if w.MaxErrors.Exceeded(w.failed, attempted) && (w.MaxErrors.Percent == 0 || attempted >= minForPercent) {
		w.trip("max-errors", fmt.Sprintf("%d of %s failed, more than %v", w.failed, Plural(attempted, "row"), w.MaxErrors))
	}
}

// allAlike returns how all attempted rows failed, if there were several and they failed in
// one way; otherwise "".
func (w *guardState) allAlike() string {
	if w.failed < 2 || w.succeeded.Load() > 0 {
		return ""
	}
	return w.failureKind()
}

// canaryFailed returns the reason if rows of the canary failed.
func (w *guardState) canaryFailed() string {
	if w.Canary == 1 {
		return "the first row failed"
	}
	return fmt.Sprintf("%d of the first %d rows failed", w.canary.failed, w.Canary)
}

// A readBackCheck is what the first read-back after each set showed so far. If all rows
// read back as one wrong value, it stops the run before it spends VerifyTimeout on each
// of them. Workers use it at once.
type readBackCheck struct {
	alike int         // stop after so many rows that are alike, as in Guards; 0 for no check
	over  atomic.Bool // two rows were not alike, or there were enough that are
	trip  func(guard, reason string)

	mu   sync.Mutex
	seen int
	text string // what all rows read back as so far
}

// add counts the first read-back of t's user. A read-back that shows the value before says
// nothing: the tenant may show that for a while.
func (l *readBackCheck) add(t *task, same bool) {
	if l.over.Load() {
		return
	}
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
	}
	switch {
	case l.over.Load():
	case text == "", text != l.text:
		l.over.Store(true)
	case l.seen == l.alike:
		l.over.Store(true)
		l.trip("", fmt.Sprintf("the first %d rows all read back as %s", l.alike, l.text))
	}
}

// failureKind returns how the failed rows failed, with the cause if all their errors name the
// same one; or "" if they did not fail in one way.
func (w *guardState) failureKind() string {
	if w.alike == "" || w.common == "" {
		return w.alike
	}
	return w.alike + ": " + w.common
}

// failureKind returns how a row failed, in words that are the same for every row, and the
// cause if all rows fail like this.
func failureKind(r *Result) (how, common string) {
	if e, ok := errors.AsType[*tenant.Error](r.Err); ok {
		text := strings.TrimSpace(fmt.Sprintf("%s: %s %s", r.Status, e.Op, e.Exception))
		if e.Status != 0 {
			text += fmt.Sprintf(" (HTTP %d)", e.Status)
		}
		return text, e.Common
	}
	return r.Status.String(), ""
}

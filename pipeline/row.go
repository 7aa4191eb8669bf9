package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"rollcall/pipeline/roster"
	"rollcall/tenant"
)

// A task is a row on its way. Tasks are reused.
type task struct {
	Result
	next    *task // in a mailbox
	seq     int
	bytes   int // of its cells, to the window
	plan    *plan
	shown   []any     // what the user was read to have, of each of plan.wants, as the tenant showed it; none if it was not read
	earlier *Earlier  // what an earlier run has left of the row, or nil
	unsure  bool      // an earlier run may have set it, and have left nothing of that
	late    bool      // it was done and not recorded when rows were last kept
	kept    bool      // the journal has the result
	failed  time.Time // when a call for the row first failed for the moment
	retries int
	sent    bool  // a set was sent
	unknown bool  // the outcome of a set is not known
	partly  bool  // some of the cmdlets were accepted, and not all
	parked  bool  // it has let go of its place among the workers
	cut     error // why the row was left in the middle, or nil

	excused bool // its last failures were taken for the tenant's; for outages to guard
}

// recalled reports whether t's result is that of an earlier run.
func (t *task) recalled() bool { return t.earlier != nil && t.earlier.Result != nil }

// begin makes t ready for the row that was read into it, and reports whether
// there is work to do. If not, the row's result is complete.
func (r *Run) begin(t *task) bool {
	*t = task{Result: Result{Row: t.Row, Values: t.Values[:0], Moved: t.Moved[:0]}, seq: t.seq, bytes: t.bytes, shown: t.shown[:0]}
	for range r.Change.assigns {
		t.Values = append(t.Values, Value{})
	}
	for range r.Change.moved {
		t.Moved = append(t.Moved, Value{})
	}
	switch t.Row.Verdict {
	case roster.Usable:
		if t.plan, t.Err = r.Change.plan(&t.Row); t.Err != nil {
			t.Status = Invalid
			return false
		}
		t.Note = t.plan.note
		for i, w := range t.plan.wants {
			v := &t.Values[t.plan.index[i]]
			v.Wanted, v.Before = tenant.Cell(w.Value), t.plan.before[i]
		}
		for _, m := range t.plan.moves {
			*m.of(&t.Result) = Value{Moves: tenant.Cell(m.to), Before: m.before}
		}
		if s := t.plan.settled; s != nil {
			t.Status, t.Err = s.status, s.err
			return false
		}
		return !r.recall(t)
	case roster.Invalid:
		t.Status, t.Err = Invalid, errors.New(t.Row.Reason)
	case roster.Duplicate:
		t.Status, t.Note = Duplicate, t.Row.Reason
	case roster.Conflict:
		t.Status, t.Err = Conflict, errors.New(t.Row.Reason)
	case roster.Example:
		t.Status, t.Note = Example, t.Row.Reason
	}
	return false
}

// recall takes up what an earlier run has left of t's row, and reports whether
// that is the result. What was left of another user, or of other wanted values,
// is not taken up.
func (r *Run) recall(t *task) bool {
	e, ok := r.Earlier[t.Row.Line]
	if !ok || !e.of(&t.Result) {
		t.unsure = t.seq < r.Unsure && !r.Audit
		t.sent, t.unknown = t.unsure, t.unsure
		return false
	}
	t.earlier = new(e)
	if e.Result != nil {
		row := t.Row
		t.Result, t.kept = *e.Result, true
		t.Row = row
		return true
	}
	// By the earlier run, which did not learn what came of it.
	t.sent, t.unknown = true, true
	for i := range t.Values {
		t.Values[i].Before = e.Before[i]
	}
	for i := range t.Moved {
		t.Moved[i].Before = e.Moved[i]
	}
	return false
}

// of reports whether e was left of the row and the wanted values of r.
func (e *Earlier) of(r *Result) bool {
	if e.UPN != r.Row.UPN || len(e.Wanted) != len(r.Values) ||
		e.Result != nil && (len(e.Result.Values) != len(r.Values) || len(e.Result.Moved) != len(r.Moved)) ||
		e.Result == nil && (len(e.Before) != len(r.Values) || len(e.Moved) != len(r.Moved)) {
		return false
	}
	for i := range r.Values {
		if e.Wanted[i] != r.Values[i].Wanted {
			return false
		}
	}
	return true
}

// do works on t, whose place in the pool the caller holds. An error is one that
// concerns every row; t is then cut short.
func (r *Run) do(ctx context.Context, t *task) error {
	var err error
	if r.Audit {
		err = r.audit(ctx, t)
	} else {
		err = r.apply(ctx, t)
	}
	if err != nil {
		t.Err = err
		if t.cut = r.fatal(ctx, err); t.cut == nil {
			t.Status = r.status(t, err)
		}
	}
	if t.Status == Failed && t.Err != nil && t.cut == nil {
		sent := NoSetSent
		switch {
		case t.sent:
			sent = SetSent
		case t.unsure:
			sent = SetSent + " by an earlier run, perhaps"
		}
		t.Err = fmt.Errorf("%w; %s", t.Err, sent)
	}
	clear(t.shown) // which may be long, and the row may wait for its turn
	t.shown = t.shown[:0]
	return t.cut
}

// audit reads, and compares.
func (r *Run) audit(ctx context.Context, t *task) error {
	t.Status = Unreadable
	same, err := r.readBefore(ctx, t)
	if err != nil {
		return err
	}
	t.Status = Differs
	if same {
		t.Status = Same
		r.noteCase(t)
	} else if err := t.settable(); err != nil {
		t.Status, t.Err = Invalid, err
	} else if err := r.stale(t); err != nil {
		t.Status, t.Err = Stale, err
	}
	return nil
}

// apply sets, reads back, and compares.
func (r *Run) apply(ctx context.Context, t *task) error {
	t.Status = Failed
	// With a value before that an earlier run has left, a set may have been sent
	// already, and what would be read is not the value before any more.
	if r.ReadFirst && t.earlier == nil {
		same, err := r.readBefore(ctx, t)
		if err != nil {
			return err
		}
		if same && !t.unsure {
			t.Status = Unchanged
			r.noteCase(t)
			return nil
		}
		if !same {
			if err := r.stale(t); err != nil {
				t.Status, t.Err = Stale, err
				return nil
			}
		}
		t.notReadBack()
	} else if r.mustLook(t) {
		if err := r.look(ctx, t); err != nil {
			return err
		}
	}
	if err := t.settable(); err != nil {
		t.Status, t.Err = Invalid, err
		return nil
	}
	if r.Journal != nil && t.earlier == nil && (r.ReadFirst || r.Change.Recalls()) {
		if err := r.Journal.Before(&t.Result); err != nil {
			return &runError{err}
		}
	}
	same, err := r.set(ctx, t)
	if err != nil {
		return err
	}
	if !same {
		t.Status = Unverified
		if same, err = r.verify(ctx, t); err != nil {
			if errors.Is(err, tenant.NotFound) && slices.ContainsFunc(t.plan.wants, func(w tenant.Want) bool { return strings.EqualFold(w.Property, "UserPrincipalName") }) {
				err = fmt.Errorf("%w: by now the user may have the new UPN", err)
			}
			return err
		}
	}
	t.Status = Applied
	if !same {
		t.Status = Mismatch
		t.Err = fmt.Errorf("%s %s: still not as wanted %v after the set", r.Change.get.Name, t.Row.UPN, r.VerifyTimeout)
	}
	return nil
}

// noteCase notes what of t's user is as wanted but for capitals.
func (r *Run) noteCase(t *task) {
	var names []string
	for i, want := range t.plan.wants {
		if _, butCase := r.same(t.shown[i], want.Value); butCase {
			names = append(names, want.Property)
		}
	}
	if names != nil {
		r.Stats.ButCase.Add(1)
		t.note(fmt.Sprintf("the same but for capitals: %s", strings.Join(names, ", ")))
	}
}

// notReadBack makes t, of which the values before have just been read, ready for
// the set.
func (t *task) notReadBack() {
	perhaps := false // an earlier run may have set it
	for _, i := range t.plan.index {
		v := &t.Values[i]
		v.After = ""
		if t.unsure && v.Same {
			v.Before, perhaps = "", true
		}
	}
	for _, m := range t.plan.moves {
		v := m.of(&t.Result)
		v.After = ""
		if perhaps && v.Same {
			v.Before = ""
		}
	}
}

// stale returns an error if what was read of t's user is not what the row
// expects it to be.
func (r *Run) stale(t *task) error {
	for i, want := range t.plan.wants {
		if len(t.plan.expect[i]) == 0 {
			continue
		}
		expected := false
		for _, v := range t.plan.expect[i] {
			same, _ := r.same(t.shown[i], v)
			expected = expected || same
		}
		if !expected {
			return fmt.Errorf("%s is %s, and not %s any more", want.Property, t.Values[t.plan.index[i]].After, tenant.Cell(t.plan.expect[i][0]))
		}
	}
	return nil
}

// status returns what becomes of t, which err ended: what it was about to be, if
// the error is not more telling.
func (r *Run) status(t *task, err error) Status {
	s := t.Status
	switch {
	case s == Unverified, t.partly, t.unknown: // it was set, or may have been, whatever came after
		return s
	case errors.Is(err, tenant.NotFound):
		return NotFound
	case errors.Is(err, tenant.Denied) && !t.unsure: // what an earlier run may have set is not undone by that
		return Denied
	}
	return s
}

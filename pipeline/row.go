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

// A task is a row that is worked on, with its result so far. Tasks are reused.
type task struct {
	Result
	next        *task // in a mailbox
	seq         int
	bytes       int // size of its cells, as the window counts it
	plan        *plan
	shown       []any     // for each of plan.wants the value that was read, as the tenant showed it; empty if none was
	earlier     *Earlier  // the row in the journal of an earlier run, or nil
	unsure      bool      // an earlier run may have set the user without a trace in the journal
	skippedOnce bool      // a flush found it done but out of order
	journalled  bool      // the journal has the result
	failed      time.Time // when a call for the row first had a transient failure
	retries     int
	sent        bool  // a set was sent
	unknown     bool  // the outcome of a set is not known
	maybeSet    bool  // a set was accepted, or may have taken effect
	accepted    bool  // the set was accepted as a whole
	logged      bool  // the ResultLog has that it was
	after       int   // how much of the ResultLog must be safe before the next set
	partly      bool  // some of the cmdlets were accepted, and not all
	parked      bool  // it has given back its place in the pool
	cutShort    error // why the row was left unfinished, or nil

	tenantBlamed bool // the tenant was taken to be the cause of its last failures; guarded by outages.mu
}

// begin prepares t for the row that was read into it, and reports whether there is
// anything to do. If not, the result is complete.
func (r *Run) begin(t *task) bool {
	*t = task{Result: Result{Row: t.Row, Values: t.Values[:0], Moved: t.Moved[:0]}, seq: t.seq, bytes: t.bytes, shown: t.shown[:0]}
	if t.Row.Verdict == roster.Usable {
		t.plan, t.Err = r.Change.plan(&t.Row)
	}
	if t.plan == nil {
		t.plan = r.Change.newPlan()
	}
	t.Note = t.plan.note
	t.Values, t.Moved = append(t.Values, t.plan.values...), append(t.Moved, t.plan.moved...)
	calls := r.needsCalls(t)
	return !r.takeEarlier(t) && calls
}

// needsCalls reports whether t's row, with its plan, takes calls. If not, the result is
// complete, except for the time.
func (r *Run) needsCalls(t *task) bool {
	switch t.Row.Verdict {
	case roster.Usable:
		if t.Err != nil {
			t.Status = Invalid
			return false
		}
		if s := t.plan.done; s != nil {
			t.Status, t.Err = s.status, s.err
			return false
		}
		return true
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

// do works on t. The caller holds a place in the pool. It returns an error only if that
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
		if t.cutShort = r.fatal(ctx, err); t.cutShort == nil {
			t.Status = r.status(t, err)
		}
	}
	if t.Status == Failed && t.Err != nil && t.cutShort == nil {
		sent := NoSetSent
		switch {
		case t.sent:
			sent = SetSent
		case t.unsure:
			sent = "possibly " + SetSent + " by an earlier run"
		}
		t.Err = fmt.Errorf("%w; %s", t.Err, sent)
	}
	clear(t.shown) // the values may be long, and the row may wait long to be recorded
	t.shown = t.shown[:0]
	return t.cutShort
}

// audit reads and compares.
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
	if t.earlier != nil && t.earlier.Accepted {
		t.accepted, t.logged, t.maybeSet = true, true, true
		return r.confirm(ctx, t)
	}
	t.Status = Failed
	// If the journal of an earlier run has a value before, that run may have sent the
	// set: a read might not show the value before.
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
	} else if r.mustReadKinds(t) {
		if err := r.readKinds(ctx, t); err != nil {
			return err
		}
	}
	if err := t.settable(); err != nil {
		t.Status, t.Err = Invalid, err
		return nil
	}
	if r.Journal != nil && t.earlier == nil && (r.ReadFirst || r.Change.HasBefores()) {
		if err := r.Journal.Before(&t.Result); err != nil {
			return &runError{err}
		}
	}
	same, err := r.set(ctx, t)
	if err != nil {
		return err
	}
	if same {
		t.Status = Applied
		return nil
	}
	t.accepted = true
	return r.confirm(ctx, t)
}

// confirm reads back what was set, and compares.
func (r *Run) confirm(ctx context.Context, t *task) error {
	t.Status = Unverified
	same, err := r.verify(ctx, t)
	if err != nil {
		if errors.Is(err, tenant.NotFound) && slices.ContainsFunc(t.plan.wants, func(w tenant.Want) bool { return strings.EqualFold(w.Property, "UserPrincipalName") }) {
			err = fmt.Errorf("%w: by now the user may have the new UPN", err)
		}
		return err
	}
	t.Status = Applied
	if !same {
		t.Status = Mismatch
		t.Err = fmt.Errorf("%s %s: %s still not as wanted %v after the set", r.Change.get.Name, t.Row.UPN, strings.Join(t.notAsWanted(), ", "), r.VerifyTimeout)
	}
	return nil
}

// noteCase adds to t's note the properties whose values differ only in capitals.
func (r *Run) noteCase(t *task) {
	var names []string
	for i, want := range t.plan.wants {
		if _, butCase := r.same(t.shown[i], want.Value); butCase {
			names = append(names, want.Property)
		}
	}
	if names != nil {
		r.Stats.CaseDiffers.Add(1)
		t.note(fmt.Sprintf("differs only in capitals: %s", strings.Join(names, ", ")))
	}
}

// notReadBack prepares t for the set, after the values before were read.
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
		v := m.value(&t.Result)
		v.After = ""
		if perhaps && v.Same {
			v.Before = ""
		}
	}
}

// status returns the status of t, which ended with err: NotFound or Denied if err says
// so and nothing was set, otherwise the status that t has.
func (r *Run) status(t *task, err error) Status {
	s := t.Status
	switch {
	case s == Unverified, t.partly, t.unknown: // the user was set, or may have been
		return s
	case errors.Is(err, tenant.NotFound):
		return NotFound
	case errors.Is(err, tenant.Denied) && !t.unsure: // an earlier run may have set the user before
		return Denied
	}
	return s
}

package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v4"

	"rollcall/pipeline/roster"
	"rollcall/tenant"
)

// begin makes t ready for the row that was read into it, and reports whether
// there is work to do. If not, the row's result is complete.
func (r *Run) begin(t *task) bool {
	*t = task{Result: Result{Row: t.Row, Values: t.Values[:0]}, seq: t.seq}
	for range r.Change.assigns {
		t.Values = append(t.Values, Value{})
	}
	switch t.Row.Verdict {
	case roster.Usable:
		if t.plan, t.Err = r.Change.plan(t.Row.Cells); t.Err == nil {
			t.Note = t.plan.note
			for i, w := range t.plan.wants {
				v := &t.Values[t.plan.index[i]]
				v.Wanted, v.Before = tenant.Text(w.Value), t.plan.before[i]
			}
			return !r.recall(t)
		}
		t.Status = Invalid
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
// that is the result.
func (r *Run) recall(t *task) bool {
	e, ok := r.Earlier[t.Row.Line]
	if !ok {
		return false
	}
	if e.Result != nil && len(e.Result.Values) == len(t.Values) {
		row := t.Row
		t.Result, t.kept = *e.Result, true
		t.Row = row
		return true
	}
	if len(e.Before) == len(t.Values) {
		t.known = true
		for i := range t.Values {
			t.Values[i].Before = e.Before[i]
		}
	}
	return false
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
	} else if err := r.stale(t); err != nil {
		t.Status, t.Err = Stale, err
	}
	return nil
}

// apply sets, reads back, and compares.
func (r *Run) apply(ctx context.Context, t *task) error {
	t.Status = Failed
	// With a value before that is known, a set may have been sent already, and
	// what would be read is not the value before any more.
	if r.ReadFirst && !t.known {
		same, err := r.readBefore(ctx, t)
		if err != nil {
			return err
		}
		if same {
			t.Status = Unchanged
			return nil
		}
		if err := r.stale(t); err != nil {
			t.Status, t.Err = Stale, err
			return nil
		}
		for i := range t.Values { // not read back yet
			t.Values[i].After = ""
		}
		if r.Journal != nil {
			if err := r.Journal.Before(&t.Result); err != nil {
				return &runError{err}
			}
		}
	}
	set := r.needed(t)
	for i, c := range set {
		_, err := r.call(ctx, t, c)
		if err == nil {
			continue
		}
		if i > 0 && r.fatal(ctx, err) == nil {
			return r.partly(ctx, t, fmt.Errorf("%d of %d cmdlets were accepted, then %w", i, len(set), err))
		}
		return err
	}
	t.Status = Unverified
	same, err := r.verify(ctx, t)
	if err != nil {
		return err
	}
	t.Status = Applied
	if !same {
		t.Status = Mismatch
		t.Err = fmt.Errorf("%s %s: still not as wanted %v after the set", r.Change.get.Name, t.Row.UPN, r.VerifyTimeout)
	}
	return nil
}

// stale returns an error if what was read of t's user is not what the row
// expects it to be.
func (r *Run) stale(t *task) error {
	for i, want := range t.plan.expect {
		is := t.Values[t.plan.index[i]].After
		if v, err := r.Change.Setting.Parse(want.Property, is); err != nil || !tenant.Equal(v, want.Value) {
			return fmt.Errorf("%s is %s, and not %s any more", want.Property, is, tenant.Text(want.Value))
		}
	}
	return nil
}

// needed returns the cmdlets that t calls for: of what was as wanted before,
// none.
func (r *Run) needed(t *task) []tenant.Cmdlet {
	if !r.ReadFirst || len(t.plan.wants) == 1 {
		return t.plan.set
	}
	same := make([]bool, len(t.plan.wants))
	for i, want := range t.plan.wants {
		before, err := r.Change.Setting.Parse(want.Property, t.Values[t.plan.index[i]].Before)
		same[i] = err == nil && tenant.Equal(before, want.Value)
	}
	return r.Change.Setting.Set(r.Change.Setting.Needed(t.plan.wants, same))
}

// partly ends a row of whose cmdlets only the first were accepted. What is then
// so is read, for whoever has to put it right.
func (r *Run) partly(ctx context.Context, t *task, err error) error {
	if _, rerr := r.read(ctx, t); r.fatal(ctx, rerr) != nil {
		return rerr
	}
	t.partly = true
	return err
}

// verify reads back what was set, and again for a while if it is not as wanted:
// a tenant may take some time to show what was set.
func (r *Run) verify(ctx context.Context, t *task) (same bool, err error) {
	same, err = r.read(ctx, t)
	if same || err != nil {
		return same, err
	}
	waits := backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(500*time.Millisecond),
		backoff.WithMaxInterval(5*time.Second),
		backoff.WithMaxElapsedTime(0),
	)
	for end := time.Now().Add(r.VerifyTimeout); ; {
		left := time.Until(end)
		if left <= 0 {
			return false, nil
		}
		if err := r.pool.park(ctx, t, min(left, waits.NextBackOff())); err != nil {
			return false, err
		}
		if same, err := r.read(ctx, t); same || err != nil {
			return same, err
		}
	}
}

// readBefore is read, ahead of any set.
func (r *Run) readBefore(ctx context.Context, t *task) (same bool, err error) {
	same, err = r.read(ctx, t)
	for i := range t.Values {
		t.Values[i].Before = t.Values[i].After
	}
	return same, err
}

// read reads the values of t's user, notes them in After, and reports whether
// they are as wanted.
func (r *Run) read(ctx context.Context, t *task) (same bool, err error) {
	object, err := r.get(ctx, t)
	if err != nil {
		return false, err
	}
	same = true
	for i, want := range t.plan.wants {
		v, err := r.Change.Setting.Read(object, want.Property)
		if err != nil {
			return false, fmt.Errorf("%s %s: %w", r.Change.get.Name, t.Row.UPN, err)
		}
		value := &t.Values[t.plan.index[i]]
		value.After, value.Same = tenant.Text(v), tenant.Equal(v, want.Value)
		same = same && value.Same
	}
	return same, nil
}

// status returns what becomes of t, which err ended: what it was about to be, if
// the error is not more telling.
func (r *Run) status(t *task, err error) Status {
	s := t.Status
	switch {
	case s == Unverified, t.partly: // it was set, whatever came after
		return s
	case errors.Is(err, tenant.NotFound):
		return NotFound
	case errors.Is(err, tenant.Denied):
		return Denied
	}
	return s
}

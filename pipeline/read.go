package pipeline

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v4"

	"rollcall/tenant"
)

// maxValue bounds, in bytes, the value of a property that is kept: the journal,
// the results and a report have it, and so has every row in progress. It is what
// a cell of Excel holds.
const maxValue = 32767

// verify reads back what was set, and again for a while if it is not as wanted:
// a tenant may take some time to show what was set.
func (r *Run) verify(ctx context.Context, t *task) (same bool, err error) {
	same, err = r.read(ctx, t)
	if err == nil {
		r.lookout.see(t, same)
	}
	if same || err != nil {
		return same, err
	}
	waits := backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(500*time.Millisecond),
		backoff.WithMaxInterval(5*time.Second),
		backoff.WithMaxElapsedTime(0),
	)
	// What is said in the end is so when that time is over: then a reading has to begin,
	// however long the one before it took.
	end := time.Now().Add(r.VerifyTimeout)
	r.Stats.readBack.Add(1)
	defer r.Stats.readBack.Add(-1)
	r.Stats.readTill.Store(end.UnixNano())
	for r.VerifyTimeout > 0 {
		if err := r.pool.park(ctx, t, min(max(0, time.Until(end)), waits.NextBackOff()), nil); err != nil {
			return false, err
		}
		last := !time.Now().Before(end)
		if same, err := r.read(ctx, t); same || err != nil || last {
			return same, err
		}
	}
	return false, nil
}

// readBefore is read, ahead of any set.
func (r *Run) readBefore(ctx context.Context, t *task) (same bool, err error) {
	same, err = r.read(ctx, t)
	for i := range t.Values {
		t.Values[i].Before = t.Values[i].After
	}
	for i := range t.Moved {
		t.Moved[i].Before = t.Moved[i].After
	}
	return same, err
}

// read reads the values of t's user, notes them in After, and reports whether
// they are as wanted. What moves with them is noted, too, if the tenant shows it.
func (r *Run) read(ctx context.Context, t *task) (same bool, err error) {
	object, err := r.get(ctx, t)
	if err != nil {
		return false, err
	}
	same = true
	t.shown = t.shown[:0]
	for i, want := range t.plan.wants {
		v, err := r.Change.Setting.Read(object, want.Property)
		if err != nil {
			return false, fmt.Errorf("%s %s: %w: what it is can't be told", r.Change.get.Name, t.Row.UPN, err)
		}
		if r.kinds != nil {
			r.kinds.learn(t.plan.index[i], v)
		}
		t.shown = append(t.shown, v)
		value := &t.Values[t.plan.index[i]]
		value.After = t.keepable(want.Property, tenant.Cell(v))
		value.Same, _ = r.same(v, want.Value)
		same = same && value.Same
	}
	for _, m := range t.plan.moves {
		if v, err := r.Change.Setting.Read(object, m.property); err == nil {
			value := m.of(&t.Result)
			value.After, value.Same = t.keepable(m.property, tenant.Cell(v)), tenant.Compare(v, m.to) != tenant.Different
		}
	}
	return same, nil
}

// keepable returns the cell of a value or, if that is too long to be kept,
// nothing and a note that says so.
func (t *task) keepable(property, cell string) string {
	if len(cell) <= maxValue {
		return cell
	}
	t.note(fmt.Sprintf("the value of %s is too long to be kept", property))
	return ""
}

// note adds to what is worth knowing of t, once.
func (t *task) note(text string) {
	if !strings.Contains(t.Note, text) {
		t.Note = strings.TrimPrefix(t.Note+"; "+text, "; ")
	}
}

package pipeline

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v4"

	"rollcall/tenant"
)

// maxValue is the longest value of a property, in bytes, that is recorded. The journal,
// the results, a report and each row in progress hold it. It is what a cell of Excel
// can hold.
const maxValue = 32767

// verify reads back what was set. If it is not as wanted, it reads again for up to
// VerifyTimeout: a tenant may take some time to show a new value.
func (r *Run) verify(ctx context.Context, t *task) (same bool, err error) {
	same, err = r.read(ctx, t)
	if err == nil {
		r.readBack.add(t, same)
	}
	if same || err != nil {
		return same, err
	}
	waits := backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(500*time.Millisecond),
		backoff.WithMaxInterval(5*time.Second),
		backoff.WithMaxElapsedTime(0),
	)
	// The last read begins when the time is over, however long the one before it took,
	// so that the result is true for that moment.
	end := time.Now().Add(r.VerifyTimeout)
	r.Stats.readBack.Add(1)
	defer r.Stats.readBack.Add(-1)
	r.Stats.readTill.Store(end.UnixNano())
	for r.VerifyTimeout > 0 {
		if err := r.park(ctx, t, min(max(0, time.Until(end)), waits.NextBackOff()), nil); err != nil {
			return false, err
		}
		last := !time.Now().Before(end)
		if same, err := r.read(ctx, t); same || err != nil || last {
			return same, err
		}
	}
	return false, nil
}

// readBefore is read before any set: it stores the values in Before, too.
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

// read reads the values of t's user, stores them in After, and reports whether they are
// as wanted. It also stores the values of properties that move, if the tenant shows
// them.
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
			return false, fmt.Errorf("%s %s: %w: its value is not known", r.Change.get.Name, t.Row.UPN, err)
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
			value := m.value(&t.Result)
			value.After, value.Same = t.keepable(m.property, tenant.Cell(v)), tenant.Compare(v, m.to) != tenant.Different
		}
	}
	return same, nil
}

// notAsWanted returns the names of the properties that showed another value than the one
// wanted when t's user was last read.
func (t *task) notAsWanted() []string {
	var names []string
	for i, want := range t.plan.wants {
		if !t.Values[t.plan.index[i]].Same {
			names = append(names, want.Property)
		}
	}
	return names
}

// keepable returns cell or, if it can't be recorded, "", and then adds a note to t. A file
// with a NUL is no text: nothing could read its other rows.
func (t *task) keepable(property, cell string) string {
	switch {
	case len(cell) > maxValue:
		t.note(fmt.Sprintf("the value of %s is too long to be recorded", property))
	case strings.IndexByte(cell, 0) >= 0:
		t.note(fmt.Sprintf("the value of %s has a NUL and can't be recorded", property))
	default:
		return cell
	}
	return ""
}

// note adds text to the Note of t, unless it is there already.
func (t *task) note(text string) {
	if !strings.Contains(t.Note, text) {
		t.Note = strings.TrimPrefix(t.Note+"; "+text, "; ")
	}
}

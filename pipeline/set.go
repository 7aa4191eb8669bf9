package pipeline

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"rollcall/tenant"
)

// set runs the cmdlets of t's plan. It returns nil if the tenant accepted them all.
//
// If a set failed and its outcome is not known (a lost reply, for example), it reads
// the user back, who may be as wanted: if so, it returns true and nil. A set that the
// tenant refused is not read back.
func (r *Run) set(ctx context.Context, t *task) (same bool, err error) {
	cmdlets := r.needed(t)
	if len(cmdlets) > 0 {
		raise(&r.Stats.Tried)
	}
	accepted := 0
	for _, c := range cmdlets {
		if _, err = r.call(ctx, t, c); err != nil {
			break
		}
		accepted++
		t.maybeSet = true
	}
	if accepted > 0 || t.unknown {
		raise(&r.Stats.Set)
	}
	if err == nil || r.fatal(ctx, err) != nil {
		return false, err
	}
	if accepted > 0 {
		t.partly = true
		err = fmt.Errorf("%d of %d cmdlets were accepted, then %w", accepted, len(cmdlets), err)
	}
	switch {
	case t.unknown:
		same, rerr := r.verify(ctx, t)
		if r.fatal(ctx, rerr) != nil {
			return false, rerr
		}
		if errors.Is(err, tenant.NotFound) && errors.Is(rerr, tenant.NotFound) {
			t.unknown = false // there was no user to set
			return false, err
		}
		if rerr != nil {
			t.Status = Unverified
			return false, fmt.Errorf("%w; read back: %w", err, rerr)
		}
		if same {
			return true, nil
		}
	case t.partly: // the record shows the values, for the person who has to correct them
		if _, rerr := r.read(ctx, t); r.fatal(ctx, rerr) != nil {
			return false, rerr
		}
	}
	return false, err
}

// needed returns the cmdlets to run for t: none for a property that was as wanted before.
func (r *Run) needed(t *task) []tenant.Cmdlet {
	setting, wants, all := r.Change.Setting, t.plan.wants, !r.ReadFirst || t.unsure || len(t.plan.wants) == 1
	if all && !setting.AnyProperty() {
		return t.plan.set
	}
	if setting.AnyProperty() {
		wants = r.sendable(t)
		all = all || t.earlier != nil // the values read may not be the values before
	}
	if all {
		return setting.Set(wants)
	}
	same := make([]bool, len(wants))
	for i, want := range t.plan.wants {
		if t.earlier == nil {
			same[i], _ = r.same(t.shown[i], want.Value)
			continue
		}
		cell := t.Values[t.plan.index[i]].Before
		before, err := setting.ParseCell(want.Property, cell)
		same[i] = cell != "" && err == nil && tenant.Compare(before, want.Value) != tenant.Different
	}
	return setting.Set(setting.Needed(wants, same))
}

// noteSet notes that a set was run for t and ended with err, or nil. What was refused before
// it ran changes nothing.
func (t *task) noteSet(ctx context.Context, err error) {
	if e, ok := errors.AsType[*tenant.Error](err); ok && e.Unsent {
		return
	}
	t.sent = true
	if err != nil {
		t.unknown = t.unknown || isUnknown(err) || ctx.Err() != nil
		t.maybeSet = t.maybeSet || mayTakeEffect(ctx, err)
	}
}

// isUnknown reports whether a set that failed with err may have taken effect: no reply
// came, or a reply that does not say. A 401 says that it had no effect.
func isUnknown(err error) bool {
	e, ok := errors.AsType[*tenant.Error](err)
	return ok && (e.Class == tenant.Unavailable && e.Status != http.StatusUnauthorized || e.Class == tenant.Failed && e.Status/100 == 2)
}

// mayTakeEffect reports whether a set that was sent and failed with err may have taken
// effect, also if the run has ended meanwhile: then only a 401 is sure to be an answer.
func mayTakeEffect(ctx context.Context, err error) bool {
	if ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
		return true // it is why the run ended, and no answer
	}
	e, ok := errors.AsType[*tenant.Error](err)
	if errors.Is(err, tenant.Unauthorized) || ok && e.Status == http.StatusUnauthorized {
		return false
	}
	return ctx.Err() != nil || isUnknown(err)
}

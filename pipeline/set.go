package pipeline

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"rollcall/tenant"
)

// set runs the cmdlets that t calls for. It returns an error unless the tenant
// accepted them all, or what was sent without a certain outcome turned out to be
// so: then it reports that the user was read, and is as wanted.
//
// A failed set whose outcome is not known (a lost reply, say) is read back: the
// user may be as wanted all the same, and who asks for the row's status has to
// know. One that the tenant refused in so many words is not.
func (r *Run) set(ctx context.Context, t *task) (same bool, err error) {
	cmdlets := r.needed(t)
	if len(cmdlets) > 0 {
		r.Stats.Tried.Add(1)
	}
	accepted := 0
	for _, c := range cmdlets {
		t.sent = true
		if _, err = r.call(ctx, t, c); err != nil {
			break
		}
		accepted++
	}
	if accepted > 0 || t.unknown {
		r.Stats.Sets.Add(1)
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
			t.unknown = false // nobody was there to be set
			return false, err
		}
		if rerr != nil {
			t.Status = Unverified
			return false, fmt.Errorf("%w; read back: %w", err, rerr)
		}
		if same {
			return true, nil
		}
	case t.partly: // what is then so is read, for whoever has to put it right
		if _, rerr := r.read(ctx, t); r.fatal(ctx, rerr) != nil {
			return false, rerr
		}
	}
	return false, err
}

// needed returns the cmdlets that t calls for: of what was as wanted before,
// none.
func (r *Run) needed(t *task) []tenant.Cmdlet {
	setting, wants, all := r.Change.Setting, t.plan.wants, !r.ReadFirst || t.unsure || len(t.plan.wants) == 1
	if all && !setting.Any() {
		return t.plan.set
	}
	if setting.Any() {
		wants = r.sendable(t)
		all = all || t.earlier != nil // then what was read may not be what was before
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

// isUnknown reports whether a set that failed with err may have been carried
// out: no reply came, or one that says neither yes nor no. A 401 says no, though
// the same may be asked again.
func isUnknown(err error) bool {
	e, ok := errors.AsType[*tenant.Error](err)
	return ok && (e.Class == tenant.Unavailable && e.Status != http.StatusUnauthorized || e.Class == tenant.Failed && e.Status/100 == 2)
}

package pipeline

import (
	"fmt"
	"strings"

	"rollcall/tenant"
)

// stale returns an error if the values that were read are not those that the row expects.
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
			return noLonger(want.Property, t.Values[t.plan.index[i]].After, tenant.Cell(t.plan.expect[i][0]))
		}
	}
	if r.Change.ExpectMovedBefore {
		return t.movedStale()
	}
	return nil
}

// movedStale is stale for the properties that move. It compares cells, because a tenant may
// have shown what can't be wanted.
func (t *task) movedStale() error {
	for _, m := range t.plan.moves {
		before, v := strings.TrimSpace(t.plan.value(&m).Before), m.value(&t.Result)
		switch {
		case before == "", v.After == "": // not known
		case strings.EqualFold(v.After, before): // a spreadsheet writes true in capitals
		case t.unsure && v.Same: // an earlier run may have moved it
		default:
			return noLonger(m.property, v.After, before)
		}
	}
	return nil
}

func noLonger(property, shown, expected string) error {
	return fmt.Errorf("%s is %s, no longer %s", property, shown, expected)
}

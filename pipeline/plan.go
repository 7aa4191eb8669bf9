package pipeline

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"rollcall/pipeline/roster"
	"rollcall/tenant"
)

// A plan is what is to be done for one row.
type plan struct {
	wants  []tenant.Want   // empty only if done is set
	set    []tenant.Cmdlet // the cmdlets to send, if they don't depend on what the tenant shows; without Identity
	index  []int           // of each want: its index in Change.Properties
	expect [][]any         // of each want: the value must be one of these before the set; empty means any value
	moves  []moves         // properties that the tenant changes with them
	values []Value         // Result.Values as they are at first
	moved  []Value         // Result.Moved as they are at first
	note   string

	done *rowDone // or nil
}

// A rowDone is the result that a row had before the run: nothing is sent for it.
type rowDone struct {
	status Status
	err    error
}

// moves is a property that the tenant changes when the wanted ones are set: one of
// Change.Moved, or one that is assigned but that this row leaves alone.
type moves struct {
	property string
	assigned bool
	index    int // in Change.Properties, if it is assigned, else in Change.Moved
	to       any // the value that it gets
}

// value returns the Value of the property in r.
func (m *moves) value(r *Result) *Value {
	if m.assigned {
		return &r.Values[m.index]
	}
	return &r.Moved[m.index]
}

// value returns the Value that the property of m has in p.
func (p *plan) value(m *moves) *Value {
	return m.value(&Result{Values: p.values, Moved: p.moved})
}

// String returns all wanted values of p and the values that they start from.
func (p *plan) String() string {
	if s := p.done; s != nil {
		return fmt.Sprintf("%s %v", s.status, s.err)
	}
	var b strings.Builder
	for i, w := range p.wants {
		fmt.Fprintf(&b, "%d=%q", p.index[i], tenant.Cell(w.Value))
		if before := p.values[p.index[i]].Before; before != "" {
			fmt.Fprintf(&b, " from %q", before)
		}
		for _, v := range p.expect[i] {
			fmt.Fprintf(&b, " of %q", tenant.Cell(v))
		}
		b.WriteByte('\n')
	}
	for _, m := range p.moves {
		fmt.Fprintf(&b, "%s from %q\n", m.property, p.value(&m).Before)
	}
	return b.String()
}

// plan returns the plan of a row, or an error if the row can't be used. Call it after
// Bind.
func (c *Change) plan(row *roster.Row) (*plan, error) {
	if c.shared != nil {
		return c.shared, nil
	}
	if c.Source != nil {
		if err := c.Source.CheckRow(row.Cells); err != nil {
			return nil, err
		}
		if status, why, ok := c.Source.DoneBefore(row.Cells); ok {
			p, err := c.makePlan(row.Cells)
			if err != nil {
				p = c.newPlan() // without wants: nothing is sent anyway
			}
			p.done = &rowDone{status, why}
			return p, nil
		}
	}
	if row.Surplus > 0 {
		return nil, fmt.Errorf("the row has %d cells, the header %d: a delimiter outside quotes may have shifted them", len(row.Cells)+row.Surplus, len(row.Cells))
	}
	return c.makePlan(row.Cells)
}

// newPlan returns a plan that wants nothing.
func (c *Change) newPlan() *plan {
	return &plan{values: make([]Value, len(c.assigns)), moved: make([]Value, len(c.moved))}
}

// makePlan makes the plan of a row with these cells.
func (c *Change) makePlan(cells []string) (*plan, error) {
	p := c.newPlan()
	for i, a := range c.assigns {
		v, note, err := any(nil), "", error(nil)
		if a.wanted.named() {
			var blank bool
			if v, note, blank, err = c.column(&a, &a.wanted, cells); blank {
				continue // a blank cell leaves the property alone
			}
		} else {
			v, note, err = c.parse(&a, a.text, false)
		}
		if err != nil {
			return nil, err
		}
		if note != "" {
			p.note = note
		}
		p.wants = append(p.wants, tenant.Want{Property: a.property, Value: v})
		p.index = append(p.index, i)
		p.values[i] = Value{Wanted: tenant.Cell(v), Before: c.before(&a.before, cells)}
		var expect []any
		for j := range a.expect {
			v, _, blank, err := c.column(&a, &a.expect[j], cells)
			if err != nil {
				return nil, err
			}
			if !blank {
				expect = append(expect, v)
			}
		}
		if len(expect) > 0 {
			expect = append(expect, c.movedTo(&a, cells)...)
		}
		p.expect = append(p.expect, expect)
	}
	if p.wants == nil {
		return nil, errors.New("nothing to set: " + c.blank())
	}
	if !c.Setting.AnyProperty() {
		p.set = c.Setting.Set(p.wants)
	}
	for _, w := range c.Setting.MovedValues(p.wants) {
		m := moves{property: w.Property, to: w.Value}
		if m.index = slices.IndexFunc(c.moved, func(m moved) bool { return m.property == w.Property }); m.index >= 0 {
			p.moved[m.index] = Value{Moves: tenant.Cell(w.Value), Before: c.before(&c.moved[m.index].before, cells)}
		} else {
			m.assigned = true
			m.index = slices.IndexFunc(c.assigns, func(a assign) bool { return a.property == w.Property })
			if m.index < 0 || slices.Contains(p.index, m.index) {
				continue // it is wanted itself
			}
			p.values[m.index] = Value{Moves: tenant.Cell(w.Value), Before: c.before(&c.assigns[m.index].before, cells)}
		}
		p.moves = append(p.moves, m)
	}
	return p, nil
}

// movedTo returns the values that a's property gets from the values to which the row
// says a.movers were set.
func (c *Change) movedTo(a *assign, cells []string) (values []any) {
	for _, m := range a.movers {
		v, _, blank, err := c.column(&assign{property: m.property}, &m.to, cells)
		if blank || err != nil {
			continue // the property's own assignment reports the error
		}
		for _, w := range c.Setting.MovedValues([]tenant.Want{{Property: m.property, Value: v}}) {
			if w.Property == a.property {
				values = append(values, w.Value)
			}
		}
	}
	return values
}

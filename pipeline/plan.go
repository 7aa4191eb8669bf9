package pipeline

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"rollcall/pipeline/roster"
	"rollcall/tenant"
)

// A plan is what one row calls for.
type plan struct {
	wants  []tenant.Want   // empty only if it is settled
	set    []tenant.Cmdlet // that make it so, if that does not depend on what the tenant shows; the user is not named yet
	index  []int           // of each want, in Change.Properties
	before []string        // of each want, the value before as far as the row knows it, or ""
	expect [][]any         // of each want, the values of which one must be so ahead of the set; none means any value
	moves  []moves         // what changes with them
	note   string

	settled *settled // or nil
}

// A settled says what a row came to ahead of the run: nothing is to be sent.
type settled struct {
	status Status
	err    error
}

// moves is what becomes of a property that changes with those that are wanted: one
// of Change.Moved, or one that is assigned and that the row would leave alone.
type moves struct {
	property string
	assigned bool
	index    int // in Change.Properties, if it is assigned, else in Change.Moved
	to       any
	before   string // as far as the row knows it, or ""
}

// of returns where r has what is known of the property.
func (m *moves) of(r *Result) *Value {
	if m.assigned {
		return &r.Values[m.index]
	}
	return &r.Moved[m.index]
}

// String returns all that p calls for, and what it starts from.
func (p *plan) String() string {
	if s := p.settled; s != nil {
		return fmt.Sprintf("%s %v", s.status, s.err)
	}
	var b strings.Builder
	for i, w := range p.wants {
		fmt.Fprintf(&b, "%d=%q", p.index[i], tenant.Cell(w.Value))
		if p.before[i] != "" {
			fmt.Fprintf(&b, " from %q", p.before[i])
		}
		for _, v := range p.expect[i] {
			fmt.Fprintf(&b, " of %q", tenant.Cell(v))
		}
		b.WriteByte('\n')
	}
	for _, m := range p.moves {
		fmt.Fprintf(&b, "%s from %q\n", m.property, m.before)
	}
	return b.String()
}

// plan returns what a row calls for, or why that can't be done. It is for after Bind.
func (c *Change) plan(row *roster.Row) (*plan, error) {
	if c.fixed != nil {
		return c.fixed, nil
	}
	if c.Source != nil {
		if err := c.Source.Usable(row.Cells); err != nil {
			return nil, err
		}
		if status, why, ok := c.Source.Settled(row.Cells); ok {
			p, err := c.work(row.Cells)
			if err != nil {
				p = new(plan) // it does not matter any more
			}
			p.settled = &settled{status, why}
			return p, nil
		}
	}
	if row.Surplus > 0 {
		return nil, fmt.Errorf("it has %d cells, the header %d: they may be shifted by a delimiter that is not in quotes", len(row.Cells)+row.Surplus, len(row.Cells))
	}
	return c.work(row.Cells)
}

// work works out what a row with these cells calls for.
func (c *Change) work(cells []string) (*plan, error) {
	p := new(plan)
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
		p.before = append(p.before, c.before(&a.before, cells))
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
	if !c.Setting.Any() {
		p.set = c.Setting.Set(p.wants)
	}
	for _, w := range c.Setting.Moves(p.wants) {
		m := moves{property: w.Property, to: w.Value}
		if m.index = slices.IndexFunc(c.moved, func(m moved) bool { return m.property == w.Property }); m.index >= 0 {
			m.before = c.before(&c.moved[m.index].before, cells)
		} else {
			m.assigned = true
			m.index = slices.IndexFunc(c.assigns, func(a assign) bool { return a.property == w.Property })
			if m.index < 0 || slices.Contains(p.index, m.index) {
				continue // it is wanted itself
			}
			m.before = c.before(&c.assigns[m.index].before, cells)
		}
		p.moves = append(p.moves, m)
	}
	return p, nil
}

// movedTo returns what the property of a becomes by what the row says its movers
// were set to.
func (c *Change) movedTo(a *assign, cells []string) (values []any) {
	for _, m := range a.movers {
		v, _, blank, err := c.column(&assign{property: m.property}, &m.to, cells)
		if blank || err != nil {
			continue // whoever sets it says what is wrong
		}
		for _, w := range c.Setting.Moves([]tenant.Want{{Property: m.property, Value: v}}) {
			if w.Property == a.property {
				values = append(values, w.Value)
			}
		}
	}
	return values
}

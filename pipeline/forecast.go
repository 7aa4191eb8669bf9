package pipeline

import (
	"rollcall/pipeline/roster"
	"rollcall/tenant"
)

// Forecast returns, ahead of a run, what is known of a row: for each of Properties
// the value wanted and, if the roster has it, the one before. It returns nil of a row
// of which nothing is to be sent. What it returns is good until the next call with
// the same values, which it may reuse. It is for after Bind.
func (c *Change) Forecast(row *roster.Row, values []Value) []Value {
	if row.Verdict != roster.Usable {
		return nil
	}
	p, err := c.plan(row)
	if err != nil || p.settled != nil {
		return nil
	}
	values = values[:0]
	for range c.assigns {
		values = append(values, Value{})
	}
	for i, w := range p.wants {
		values[p.index[i]] = Value{Wanted: tenant.Cell(w.Value), Before: p.before[i]}
	}
	return values
}

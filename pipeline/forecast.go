package pipeline

import "rollcall/pipeline/roster"

// Forecast returns what is known of a row before the run: for each of Properties the
// wanted value and, if the roster has it, the value before. It returns nil for a row for
// which nothing is sent. The result is valid until the next call with the same values,
// which Forecast reuses. Call it after Bind.
func (c *Change) Forecast(row *roster.Row, values []Value) []Value {
	if row.Verdict != roster.Usable {
		return nil
	}
	p, err := c.plan(row)
	if err != nil || p.done != nil {
		return nil
	}
	values = values[:0]
	for _, v := range p.values {
		if v.Wanted == "" {
			v = Value{} // the row leaves it alone
		}
		values = append(values, v)
	}
	return values
}

package pipeline

import (
	"fmt"
	"slices"

	"rollcall/pipeline/roster"
	"rollcall/tenant"
)

// Bind finds the columns that c takes values from. find returns the index of the
// column with the given header. Call it once, after all assignments and before any
// method that takes a row.
func (c *Change) Bind(find func(header string) (int, error)) (err error) {
	c.get = c.Setting.Get()
	for i := range c.assigns {
		a := &c.assigns[i]
		for _, col := range a.columns() {
			if err := col.bind(find); err != nil {
				return fmt.Errorf("set %s=@%s: %w", a.property, col.header, err)
			}
		}
	}
	for i := range c.moved {
		m := &c.moved[i]
		if err := m.before.bind(find); err != nil {
			return fmt.Errorf("value before of %s: %w", m.property, err)
		}
	}
	if !c.Empty() && c.uniform() {
		c.shared, err = c.makePlan(nil)
	}
	return err
}

// uniform reports whether every row wants the same.
func (c *Change) uniform() bool {
	return !slices.ContainsFunc(c.assigns, func(a assign) bool { return a.wanted.named() })
}

// Wanted returns the values that every row wants, in the order of Properties, or
// nil if rows want different values. Call it after Bind.
func (c *Change) Wanted() []string {
	if c.shared == nil {
		return nil
	}
	var texts []string
	for _, w := range c.shared.wants {
		texts = append(texts, tenant.Cell(w.Value))
	}
	return texts
}

// Survey binds c to a roster and calls [roster.Roster.Survey], which compares rows for
// the same user by what c wants of them. If nothing is assigned, all rows want the
// same.
func (c *Change) Survey(users *roster.Roster) error {
	if err := c.Bind(users.Column); err != nil {
		return err
	}
	if c.uniform() {
		return users.Survey(nil)
	}
	return users.Survey(c.want)
}

// want returns a text that is equal for two rows if they want the same values and
// start from the same ones, or an error if the row can't be used.
func (c *Change) want(row *roster.Row) (string, error) {
	p, err := c.plan(row)
	if err != nil {
		return "", err
	}
	return p.String(), nil
}

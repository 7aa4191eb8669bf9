package pipeline

import (
	"fmt"
	"slices"

	"rollcall/pipeline/roster"
	"rollcall/tenant"
)

// Bind finds the columns that c takes values from: find returns the index of the one
// with the given header. It has to be called once, when all has been assigned and
// ahead of whatever has to do with rows.
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
		c.fixed, err = c.work(nil)
	}
	return err
}

// uniform reports whether every row wants the same.
func (c *Change) uniform() bool {
	return !slices.ContainsFunc(c.assigns, func(a assign) bool { return a.wanted.named() })
}

// Wanted returns the values that every row wants, in the order of Properties, or
// nil if rows differ in that. It is for after Bind.
func (c *Change) Wanted() []string {
	if c.fixed == nil {
		return nil
	}
	var texts []string
	for _, w := range c.fixed.wants {
		texts = append(texts, tenant.Cell(w.Value))
	}
	return texts
}

// Survey binds c to a roster, and has the roster judge its rows by what c wants of
// their users. With nothing assigned all rows want the same.
func (c *Change) Survey(users *roster.Roster) error {
	if err := c.Bind(users.Column); err != nil {
		return err
	}
	if c.uniform() {
		return users.Survey(nil)
	}
	return users.Survey(c.want)
}

// want returns a text that is the same for rows that want the same of users who
// are to be in the same state, or why the row can't be used.
func (c *Change) want(row *roster.Row) (string, error) {
	p, err := c.plan(row)
	if err != nil {
		return "", err
	}
	return p.String(), nil
}

package pipeline

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"rollcall/pipeline/roster"
	"rollcall/tenant"
)

// A Change is what is wanted of the users of a roster: for each of some
// properties of one setting a value, the same for all or from a column.
type Change struct {
	Setting *tenant.Setting

	// Instead is wanted where the roster has a retired value, such as
	// Excluded, and the row's Note says so. Empty refuses such values.
	Instead string

	// Cell, if not nil, returns what a cell of column i stands for.
	Cell func(i int, cell string) string

	assigns []assign
	fixed   *plan         // what every row calls for, if no column has a say
	get     tenant.Cmdlet // that reads the setting
}

// An assign is one NAME=VALUE or NAME=@COLUMN.
type assign struct {
	property string
	text     string // the value or, with column, the header of the column
	column   bool
	index    int // of the column, once bound

	before, expect           string // headers of columns, or ""
	beforeIndex, expectIndex int
}

// A plan is what one row calls for.
type plan struct {
	wants  []tenant.Want   // never empty
	set    []tenant.Cmdlet // that make it so; the user is not named yet
	index  []int           // of each want, in Change.Properties
	before []string        // of each want, the value before as far as the row knows it, or ""
	expect []tenant.Want   // what must be so ahead of the set, or it is not sent; nil for anything
	note   string
}

// Assign adds NAME=VALUE or NAME=@COLUMN to the change. It refuses a property
// that the setting does not have or that has been assigned, and a value that
// the property can't have.
func (c *Change) Assign(assignment string) error {
	name, text, ok := strings.Cut(assignment, "=")
	if !ok {
		return fmt.Errorf("set %q: want NAME=VALUE or NAME=@COLUMN", assignment)
	}
	property, err := c.Setting.Property(strings.TrimSpace(name))
	if err != nil {
		return fmt.Errorf("set %q: %w", assignment, err)
	}
	for _, a := range c.assigns {
		if strings.EqualFold(a.property, property) {
			return fmt.Errorf("set %q: %s is set twice", assignment, property)
		}
	}
	a := assign{property: property, text: text}
	if a.text, a.column = strings.CutPrefix(text, "@"); a.column && a.text == "" {
		return fmt.Errorf("set %q: no column after the @", assignment)
	}
	if !a.column {
		if _, _, err := c.parse(a.property, a.text); err != nil {
			return fmt.Errorf("set %q: %w", assignment, err)
		}
	}
	c.assigns = append(c.assigns, a)
	return nil
}

// AssignColumns adds to the change what a file of results says of a property. The
// value wanted is in the column wanted. If before is not "", the value before is
// in that column. If expect is not "", a row is changed only as long as the
// property has the value in that column.
func (c *Change) AssignColumns(property, wanted, before, expect string) error {
	if err := c.Assign(property + "=@" + wanted); err != nil {
		return err
	}
	a := &c.assigns[len(c.assigns)-1]
	a.before, a.expect = before, expect
	return nil
}

// Expects reports whether rows are changed only if a value is as expected, for
// which they have to be read first.
func (c *Change) Expects() bool {
	return slices.ContainsFunc(c.assigns, func(a assign) bool { return a.expect != "" })
}

// Empty reports whether nothing has been assigned.
func (c *Change) Empty() bool { return len(c.assigns) == 0 }

// Properties returns the names of the properties that c is about, in the order
// in which they were assigned.
func (c *Change) Properties() []string {
	names := make([]string, len(c.assigns))
	for i, a := range c.assigns {
		names[i] = a.property
	}
	return names
}

// String returns the change as a person would write it: "PrivacyMode=opt-out".
func (c *Change) String() string {
	var parts []string
	for _, a := range c.assigns {
		at := ""
		if a.column {
			at = "@"
		}
		parts = append(parts, a.property+"="+at+a.text)
	}
	return strings.Join(parts, ", ")
}

// Bind finds the columns that c takes values from: column returns the index of
// the one with the given header. It has to be called ahead of the run.
func (c *Change) Bind(column func(header string) (int, error)) error {
	c.get = c.Setting.Get()
	for i := range c.assigns {
		a := &c.assigns[i]
		if !a.column {
			continue
		}
		for _, of := range []struct {
			header string
			index  *int
		}{{a.text, &a.index}, {a.before, &a.beforeIndex}, {a.expect, &a.expectIndex}} {
			if of.header == "" {
				continue
			}
			var err error
			if *of.index, err = column(of.header); err != nil {
				return fmt.Errorf("set %s=@%s: %w", a.property, of.header, err)
			}
		}
	}
	if !c.Empty() && c.Uniform() {
		p, err := c.plan(nil)
		c.fixed = p
		return err
	}
	return nil
}

// Uniform reports whether every row wants the same.
func (c *Change) Uniform() bool {
	return !slices.ContainsFunc(c.assigns, func(a assign) bool { return a.column })
}

// Wanted returns the values that every row wants, in the order of Properties, or
// nil if rows differ in that. It is for after Bind.
func (c *Change) Wanted() []string {
	if c.fixed == nil {
		return nil
	}
	var texts []string
	for _, w := range c.fixed.wants {
		texts = append(texts, tenant.Text(w.Value))
	}
	return texts
}

// Want returns a text that is the same for rows that want the same, or why the
// row can't be used.
func (c *Change) Want(row *roster.Row) (string, error) {
	if c.Uniform() {
		return "", nil
	}
	p, err := c.plan(row.Cells)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for i, w := range p.wants {
		fmt.Fprintf(&b, "%d=%q\n", p.index[i], strings.ToLower(tenant.Text(w.Value)))
	}
	return b.String(), nil
}

// plan returns what a row with these cells calls for, or why that can't be done.
func (c *Change) plan(cells []string) (*plan, error) {
	if c.fixed != nil {
		return c.fixed, nil
	}
	p := new(plan)
	for i, a := range c.assigns {
		text := a.text
		if a.column {
			if text = strings.TrimSpace(c.cell(cells, a.index)); text == "" {
				continue // a blank cell leaves the property alone
			}
		}
		v, note, err := c.parse(a.property, text)
		if err != nil && a.column {
			err = fmt.Errorf("column %q: %w", a.text, err)
		}
		if err != nil {
			return nil, err
		}
		if note != "" {
			p.note = note
		}
		p.wants = append(p.wants, tenant.Want{Property: a.property, Value: v})
		p.index = append(p.index, i)
		before := ""
		if a.before != "" {
			before = c.cell(cells, a.beforeIndex)
		}
		p.before = append(p.before, before)
		if a.expect != "" {
			v, _, err := c.parse(a.property, strings.TrimSpace(c.cell(cells, a.expectIndex)))
			if err != nil {
				return nil, fmt.Errorf("column %q: %w", a.expect, err)
			}
			p.expect = append(p.expect, tenant.Want{Property: a.property, Value: v})
		}
	}
	if p.wants == nil {
		return nil, errors.New("nothing to set: " + c.blank())
	}
	p.set = c.Setting.Set(p.wants)
	return p, nil
}

func (c *Change) cell(cells []string, i int) string {
	if c.Cell == nil {
		return cells[i]
	}
	return c.Cell(i, cells[i])
}

// blank says which cells a row with nothing to set should have filled.
func (c *Change) blank() string {
	var columns []string
	for _, a := range c.assigns {
		if !slices.Contains(columns, a.text) {
			columns = append(columns, a.text)
		}
	}
	return fmt.Sprintf("column %s is blank", strings.Join(columns, ", "))
}

// parse reads a value, and puts [Change.Instead] in the place of a retired one.
func (c *Change) parse(property, text string) (value any, note string, err error) {
	value, err = c.Setting.Parse(property, text)
	if retired, ok := errors.AsType[*tenant.RetiredError](err); ok && c.Instead != "" {
		if value, err = c.Setting.Parse(property, c.Instead); err != nil {
			return nil, "", err
		}
		note = fmt.Sprintf("%s %s is retired: %s was wanted instead", property, retired.Value, tenant.Text(value))
	}
	return value, note, err
}

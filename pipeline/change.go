package pipeline

import (
	"cmp"
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

	// MatchCase makes a difference in capitals alone one. Without it such a value is
	// the same to whoever reads first.
	MatchCase bool

	// ListSeparator, if not "", stands between the members of a list as people write
	// it, instead of [tenant.ListSeparator].
	ListSeparator string

	// Cell, if not nil, returns what a cell of column i stands for, and whether
	// it is one of ours, as [tenant.Cell] writes them.
	Cell func(i int, cell string) (text string, ours bool)

	// Settled, if not nil, returns what a row came to ahead of this run, of
	// which nothing is to be sent; ok is false for a row to work on.
	Settled func(cells []string) (status Status, err error, ok bool)

	assigns []assign
	moved   []moved
	fixed   *plan         // what every row calls for, if no column has a say
	get     tenant.Cmdlet // that reads the setting
}

// An assign is one NAME=VALUE or NAME=@COLUMN, or one with += or -=.
type assign struct {
	property string
	edit     string // + or -, to add to a list or to remove from it, or ""
	text     string // the value or, with column, the header of the column
	column   bool
	index    int // of the column, once bound

	before      string // the header of a column, or ""
	beforeIndex int
	expect      []string // headers of columns, of which one has what must be so ahead of a set
	expectIndex []int
	movers      []movedBy // of which a value may have moved the property since it was read
}

// A movedBy is a property that moves others when it is set.
type movedBy struct {
	property string
	header   string // of the column of what it was set to
	index    int    // of the column, once bound
}

// A moved is a property that changes when what is assigned is set.
type moved struct {
	property string
	before   string // the header of a column, or ""
	index    int    // of the column, once bound
}

// Assign adds to the change NAME=VALUE or NAME=@COLUMN, or, for a list, NAME+=VALUE or
// NAME-=VALUE. A value that begins with @ is written with a backslash ahead. It refuses
// a property that the setting does not have or that has been assigned, and a value
// that the property can't have.
func (c *Change) Assign(assignment string) error {
	name, text, ok := strings.Cut(assignment, "=")
	if !ok {
		return fmt.Errorf("set %q: want NAME=VALUE or NAME=@COLUMN", assignment)
	}
	var a assign
	for _, edit := range []string{"+", "-"} {
		if plain, ok := strings.CutSuffix(name, edit); ok {
			name, a.edit = plain, edit
		}
	}
	a.property = strings.TrimSpace(name)
	if a.text, a.column = strings.CutPrefix(text, "@"); a.column && a.text == "" {
		return fmt.Errorf("set %q: no column after the @", assignment)
	}
	if !a.column && strings.HasPrefix(text, `\@`) {
		a.text = text[1:]
	}
	if err := c.add(a); err != nil {
		return fmt.Errorf("set %q: %w", assignment, err)
	}
	return nil
}

// add adds an assignment, whose property is as somebody wrote it.
func (c *Change) add(a assign) (err error) {
	if a.property, err = c.Setting.Property(a.property); err != nil {
		return err
	}
	for _, other := range c.assigns {
		if strings.EqualFold(other.property, a.property) {
			return fmt.Errorf("%s is set twice", a.property)
		}
	}
	if !a.column {
		if _, _, err := c.parse(&a, a.text, false); err != nil {
			return err
		}
	}
	c.assigns = append(c.assigns, a)
	c.moved = nil
	for _, name := range c.Setting.MovedBy(c.Properties()) {
		c.moved = append(c.moved, moved{property: name})
	}
	return nil
}

// Moved returns the names of the properties that change with those that are set:
// what is read of them is recorded, too.
func (c *Change) Moved() []string {
	var names []string
	for _, m := range c.moved {
		names = append(names, m.property)
	}
	return names
}

// RecallMoved adds to the change that the value before of a property that is
// moved is in the column with the given header. It is for after all has been
// assigned.
func (c *Change) RecallMoved(property, before string) {
	for i := range c.moved {
		if c.moved[i].property == property {
			c.moved[i].before = before
		}
	}
}

// AssignColumns adds to the change what a file of results says of a property. The
// value wanted is in the column wanted. If before is not "", the value before is
// in that column. A row is changed only as long as the property has the value of
// one of the columns expect, unless there are none or all are blank.
func (c *Change) AssignColumns(property, wanted, before string, expect ...string) error {
	return c.add(assign{property: property, text: wanted, column: true, before: before, expect: expect, expectIndex: make([]int, len(expect))})
}

// ExpectMoved adds to what is expected of a property that has been assigned what it
// becomes when the one called by is set to the value in the column wanted, if
// anything else is expected of it. A tenant may have shown that late.
func (c *Change) ExpectMoved(property, by, wanted string) {
	for i := range c.assigns {
		if a := &c.assigns[i]; a.property == property {
			a.movers = append(a.movers, movedBy{property: by, header: wanted})
		}
	}
}

// Expects reports whether rows are changed only if a value is as expected, for
// which they have to be read first.
func (c *Change) Expects() bool {
	return slices.ContainsFunc(c.assigns, func(a assign) bool { return len(a.expect) > 0 })
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
		switch {
		case a.column:
			at = "@"
		case strings.HasPrefix(a.text, "@"):
			at = `\`
		}
		parts = append(parts, a.property+a.edit+"="+at+a.text)
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
		find := func(header string, index *int) (err error) {
			if header == "" {
				return nil
			}
			if *index, err = column(header); err != nil {
				err = fmt.Errorf("set %s=@%s: %w", a.property, header, err)
			}
			return err
		}
		if err := cmp.Or(find(a.text, &a.index), find(a.before, &a.beforeIndex)); err != nil {
			return err
		}
		for i, header := range a.expect {
			if err := find(header, &a.expectIndex[i]); err != nil {
				return err
			}
		}
	}
	for i := range c.assigns {
		for j := range c.assigns[i].movers {
			m := &c.assigns[i].movers[j]
			var err error
			if m.index, err = column(m.header); err != nil {
				return fmt.Errorf("what moved %s: %w", c.assigns[i].property, err)
			}
		}
	}
	for i := range c.moved {
		if m := &c.moved[i]; m.before != "" {
			var err error
			if m.index, err = column(m.before); err != nil {
				return fmt.Errorf("value before of %s: %w", m.property, err)
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
		texts = append(texts, tenant.Cell(w.Value))
	}
	return texts
}

// Want returns a text that is the same for rows that want the same of users who
// are to be in the same state, or why the row can't be used.
func (c *Change) Want(row *roster.Row) (string, error) {
	if c.Settled != nil {
		if status, err, ok := c.Settled(row.Cells); ok {
			return fmt.Sprintf("%s %v", status, err), nil
		}
	}
	if c.Uniform() {
		return "", nil
	}
	if row.Surplus > 0 {
		return "", fmt.Errorf("it has %d cells, the header %d: they may be shifted by a delimiter that is not in quotes", len(row.Cells)+row.Surplus, len(row.Cells))
	}
	p, err := c.plan(row.Cells)
	if err != nil {
		return "", err
	}
	return p.String(), nil
}

// Recalls reports whether the values before come from columns of the roster.
func (c *Change) Recalls() bool {
	return slices.ContainsFunc(c.assigns, func(a assign) bool { return a.before != "" })
}

package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"rollcall/tenant"
)

// A Change is the values that are wanted of the users of a roster, for some properties
// of one setting. A value is the same for all users or comes from a column.
//
// First Assign and its siblings are called, then Bind or Survey once, and from then on
// the Change only makes the plan of each row.
type Change struct {
	Setting *tenant.Setting

	// RetiredAs is the value that is wanted where the roster has a retired one, such as
	// Excluded; the Note of the row says so. If it is "", a retired value is an error.
	RetiredAs string

	// MatchCase makes values that differ only in capitals different. Without it, a run
	// that reads first treats them as the same.
	MatchCase bool

	// ExpectMovedBefore makes a row be changed only if the properties that move have the
	// values before, too. One whose value before is not known may have any value.
	ExpectMovedBefore bool

	// ListSeparator, if not "", separates the members of a list in the roster, in place
	// of [tenant.ListSeparator].
	ListSeparator string

	// Source describes the roster if an earlier run wrote it; otherwise it is nil.
	Source Source

	assigns []assign
	moved   []moved
	shared  *plan         // the plan of every row, if no value comes from a column
	get     tenant.Cmdlet // reads the setting
}

// A Source is a roster that an earlier run wrote.
type Source interface {
	// Cell returns the text that a cell of column i stands for. ours reports that
	// rollcall wrote the cell, in the form of [tenant.Cell].
	Cell(i int, cell string) (text string, ours bool)

	// CheckRow returns an error if a row can't be used.
	CheckRow(cells []string) error

	// DoneBefore returns the result that a row already has, so that nothing is sent for
	// it. ok is false if the row has none, and this run works on it.
	DoneBefore(cells []string) (status Status, err error, ok bool)
}

// An assign is one NAME=VALUE or NAME=@COLUMN, or one with += or -=.
type assign struct {
	property string
	edit     string    // + or -, to add to a list or to remove from it, or ""
	text     string    // the value, if it comes from no column
	wanted   column    // has the value
	before   column    // has the value before
	expect   []column  // the property must have the value of one of these before the set
	movers   []movedBy // properties that may have moved this one since it was read
}

// A movedBy is a property that moves others when it is set.
type movedBy struct {
	property string
	to       column // has the value that it was set to
}

// A moved is a property that changes when what is assigned is set.
type moved struct {
	property string
	before   column
}

// Assign adds NAME=VALUE or NAME=@COLUMN to the change or, for a list, NAME+=VALUE or
// NAME-=VALUE. A value that begins with @ is written with a backslash before it. It is
// an error if the setting does not have the property, if the property is assigned
// already, or if it can't have the value.
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
	switch header, isColumn := strings.CutPrefix(text, "@"); {
	case !isColumn:
		a.text = text
		if strings.HasPrefix(text, `\@`) {
			a.text = text[1:]
		}
	case header == "":
		return fmt.Errorf("set %q: no column after the @", assignment)
	default:
		a.wanted.header = header
	}
	if err := c.add(a); err != nil {
		return fmt.Errorf("set %q: %w", assignment, err)
	}
	return nil
}

// add adds an assignment. Its property is as the user wrote it.
func (c *Change) add(a assign) (err error) {
	if a.property, err = c.Setting.Property(a.property); err != nil {
		return err
	}
	for _, other := range c.assigns {
		if strings.EqualFold(other.property, a.property) {
			return fmt.Errorf("%s is set twice", a.property)
		}
	}
	if !a.wanted.named() {
		if _, _, err := c.parse(&a, a.text, false); err != nil {
			return err
		}
	}
	c.assigns = append(c.assigns, a)
	c.moved = nil
	for _, name := range c.Setting.MovedProperties(c.Properties()) {
		c.moved = append(c.moved, moved{property: name})
	}
	return nil
}

// Moved returns the names of the properties that the tenant changes when those that
// are assigned are set. Their values are recorded, too.
func (c *Change) Moved() []string {
	var names []string
	for _, m := range c.moved {
		names = append(names, m.property)
	}
	return names
}

// SetMovedBefore sets the header of the column that has the value before of a property
// that is moved. Call it after all assignments.
func (c *Change) SetMovedBefore(property, before string) {
	for i := range c.moved {
		if c.moved[i].property == property {
			c.moved[i].before.header = before
		}
	}
}

// AssignColumns adds to the change a property whose values are in columns of a results
// file. The wanted value is in the column wanted. If before is not "", the value before
// is in that column. A row is changed only if the property has the value of one of the
// columns expect, unless there are none or all of them are blank.
func (c *Change) AssignColumns(property, wanted, before string, expect ...string) error {
	a := assign{property: property, wanted: column{header: wanted}, before: column{header: before}}
	for _, header := range expect {
		a.expect = append(a.expect, column{header: header})
	}
	return c.add(a)
}

// ExpectMoved adds one more expected value to an assigned property that has expected
// values: the value that it gets when the property called by is set to the value in the
// column wanted. The tenant may have shown that value only after it was read.
func (c *Change) ExpectMoved(property, by, wanted string) {
	for i := range c.assigns {
		if a := &c.assigns[i]; a.property == property {
			a.movers = append(a.movers, movedBy{by, column{header: wanted}})
		}
	}
}

// Expects reports whether a row is changed only if a value is as expected. Then each
// user has to be read first.
func (c *Change) Expects() bool {
	return slices.ContainsFunc(c.assigns, func(a assign) bool { return len(a.expect) > 0 })
}

// Empty reports whether nothing has been assigned.
func (c *Change) Empty() bool { return len(c.assigns) == 0 }

// Properties returns the names of the assigned properties, in the order of assignment.
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
		text := a.text
		switch {
		case a.wanted.named():
			text = "@" + a.wanted.header
		case strings.HasPrefix(text, "@"):
			text = `\` + text
		}
		parts = append(parts, a.property+a.edit+"="+text)
	}
	return strings.Join(parts, ", ")
}

// HasBefores reports whether columns of the roster have the values before.
func (c *Change) HasBefores() bool {
	return slices.ContainsFunc(c.assigns, func(a assign) bool { return a.before.named() })
}

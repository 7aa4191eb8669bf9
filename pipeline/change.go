package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"rollcall/tenant"
)

// A Change is what is wanted of the users of a roster: for each of some
// properties of one setting a value, the same for all or from a column. It is made by
// assigning, then bound once to the header of the roster, and then only asked what
// rows call for.
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

	// Source is the roster, if an earlier run wrote it, or nil.
	Source Source

	assigns []assign
	moved   []moved
	fixed   *plan         // what every row calls for, if no column has a say
	get     tenant.Cmdlet // that reads the setting
}

// A Source is a roster that an earlier run wrote.
type Source interface {
	// Cell returns what a cell of column i stands for, and whether it is one of ours,
	// as [tenant.Cell] writes them.
	Cell(i int, cell string) (text string, ours bool)

	// Usable returns why a row can't be used, or nil.
	Usable(cells []string) error

	// Settled returns what a row came to ahead of this run, of which nothing is to
	// be sent; ok is false for a row to work on.
	Settled(cells []string) (status Status, err error, ok bool)
}

// An assign is one NAME=VALUE or NAME=@COLUMN, or one with += or -=.
type assign struct {
	property string
	edit     string // + or -, to add to a list or to remove from it, or ""
	text     string // the value, if it comes from no column
	wanted   column // of the value
	before   column
	expect   []column  // of which one has what must be so ahead of a set
	movers   []movedBy // of which a value may have moved the property since it was read
}

// A movedBy is a property that moves others when it is set.
type movedBy struct {
	property string
	to       column // of what it was set to
}

// A moved is a property that changes when what is assigned is set.
type moved struct {
	property string
	before   column
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
	if !a.wanted.named() {
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
			c.moved[i].before.header = before
		}
	}
}

// AssignColumns adds to the change what a file of results says of a property. The
// value wanted is in the column wanted. If before is not "", the value before is
// in that column. A row is changed only as long as the property has the value of
// one of the columns expect, unless there are none or all are blank.
func (c *Change) AssignColumns(property, wanted, before string, expect ...string) error {
	a := assign{property: property, wanted: column{header: wanted}, before: column{header: before}}
	for _, header := range expect {
		a.expect = append(a.expect, column{header: header})
	}
	return c.add(a)
}

// ExpectMoved adds to what is expected of a property that has been assigned what it
// becomes when the one called by is set to the value in the column wanted, if
// anything else is expected of it. A tenant may have shown that late.
func (c *Change) ExpectMoved(property, by, wanted string) {
	for i := range c.assigns {
		if a := &c.assigns[i]; a.property == property {
			a.movers = append(a.movers, movedBy{by, column{header: wanted}})
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

// Recalls reports whether the values before come from columns of the roster.
func (c *Change) Recalls() bool {
	return slices.ContainsFunc(c.assigns, func(a assign) bool { return a.before.named() })
}

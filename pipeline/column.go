package pipeline

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"rollcall/tenant"
)

// A column is one of a roster that a change takes values from. The zero value is none.
type column struct {
	header string
	index  int // once bound
}

func (c *column) named() bool { return c.header != "" }

// bind finds the column, if it is one.
func (c *column) bind(find func(header string) (int, error)) (err error) {
	if c.named() {
		c.index, err = find(c.header)
	}
	return err
}

// columns returns those that a takes something from, and others that are none.
func (a *assign) columns() []*column {
	all := []*column{&a.wanted, &a.before}
	for i := range a.expect {
		all = append(all, &a.expect[i])
	}
	for i := range a.movers {
		all = append(all, &a.movers[i].to)
	}
	return all
}

// before returns the value before that a row has in a column, or "".
func (c *Change) before(col *column, cells []string) (text string) {
	if col.named() {
		text, _ = c.cell(cells, col.index)
	}
	return text
}

// column reads the value that a row has of a's property in a column.
func (c *Change) column(a *assign, col *column, cells []string) (v any, note string, blank bool, err error) {
	text, ours := c.cell(cells, col.index)
	trimmed := strings.TrimSpace(text)
	if trimmed == "" {
		return nil, "", true, nil
	}
	if !c.Setting.Any() {
		text = trimmed
	}
	switch {
	case !ours && className.MatchString(trimmed):
		err = fmt.Errorf("%s is the name of a class, and no value", trimmed)
	case !ours && excelError.MatchString(trimmed):
		err = fmt.Errorf("%s is an error of Excel, and no value", trimmed)
	default:
		v, note, err = c.parse(a, text, ours)
	}
	if err != nil {
		err = fmt.Errorf("column %q: %w", col.header, err)
	}
	return v, note, false, err
}

// className is what PowerShell's Export-Csv writes of a value that is a list or an
// object.
var className = regexp.MustCompile(`^(?:System|Microsoft)(?:\.\w+)+(?:` + "`" + `\d+)?(?:\[.*\])?$`)

// excelError is what Excel shows, and saves, of a formula that has no value.
var excelError = regexp.MustCompile(`^#(?:N/A|REF!|VALUE!|NAME\?|DIV/0!|NUM!|NULL!|SPILL!|CALC!|FIELD!|BLOCKED!|CONNECT!|UNKNOWN!|GETTING_DATA)$`)

func (c *Change) cell(cells []string, i int) (text string, ours bool) {
	if c.Source == nil {
		return cells[i], false
	}
	return c.Source.Cell(i, cells[i])
}

// blank says which cells a row with nothing to set should have filled.
func (c *Change) blank() string {
	var columns []string
	for _, a := range c.assigns {
		if !slices.Contains(columns, a.wanted.header) {
			columns = append(columns, a.wanted.header)
		}
	}
	return fmt.Sprintf("column %s is blank", strings.Join(columns, ", "))
}

// parse reads what is wanted of a's property, from a cell of ours or from what
// somebody wrote, and puts [Change.Instead] in the place of a retired value.
func (c *Change) parse(a *assign, text string, ours bool) (value any, note string, err error) {
	if !ours && c.ListSeparator != "" {
		text = tenant.WriteList(text, c.ListSeparator)
	}
	switch {
	case a.edit != "":
		value, err = c.Setting.ParseEdit(a.property, text, a.edit == "-")
	case ours:
		value, err = c.Setting.ParseCell(a.property, text)
	default:
		value, err = c.Setting.Parse(a.property, text)
	}
	if retired, ok := errors.AsType[*tenant.RetiredError](err); ok && c.Instead != "" {
		if value, err = c.Setting.Parse(a.property, c.Instead); err != nil {
			return nil, "", err
		}
		note = fmt.Sprintf("%s %s is retired: %s was wanted instead", a.property, retired.Value, tenant.Text(value))
	}
	return value, note, err
}

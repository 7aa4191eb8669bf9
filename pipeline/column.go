package pipeline

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"rollcall/tenant"
)

// A column is a column of the roster that a change takes values from. The zero value
// stands for no column.
type column struct {
	header string
	index  int // once bound
}

func (c *column) named() bool { return c.header != "" }

// bind finds the column, unless c stands for none.
func (c *column) bind(find func(header string) (int, error)) (err error) {
	if c.named() {
		c.index, err = find(c.header)
	}
	return err
}

// columns returns the columns that a takes values from. Some may stand for none.
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

// before returns a row's value before, from a column, or "".
func (c *Change) before(col *column, cells []string) (text string) {
	if col.named() {
		text, _ = c.cell(cells, col.index)
	}
	return text
}

// column reads a value of a's property from a column of a row.
func (c *Change) column(a *assign, col *column, cells []string) (v any, note string, blank bool, err error) {
	text, ours := c.cell(cells, col.index)
	trimmed := strings.TrimSpace(text)
	if trimmed == "" {
		return nil, "", true, nil
	}
	if !c.Setting.AnyProperty() {
		text = trimmed
	}
	switch {
	case !ours && className.MatchString(trimmed):
		err = fmt.Errorf("%s is the name of a .NET class, not a value", trimmed)
	case !ours && excelError.MatchString(trimmed):
		err = fmt.Errorf("%s is an error of Excel, not a value", trimmed)
	default:
		v, note, err = c.parse(a, text, ours)
	}
	if err != nil {
		err = fmt.Errorf("column %q: %w", col.header, err)
	}
	return v, note, false, err
}

// className matches what PowerShell's Export-Csv writes in place of a list or an
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

// blank names the columns that are blank in a row with nothing to set.
func (c *Change) blank() string {
	var columns []string
	for _, a := range c.assigns {
		if !slices.Contains(columns, a.wanted.header) {
			columns = append(columns, a.wanted.header)
		}
	}
	return fmt.Sprintf("column %s is blank", strings.Join(columns, ", "))
}

// parse reads a wanted value of a's property. ours says that rollcall wrote the text.
// It puts [Change.RetiredAs] in place of a retired value.
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
	if retired, ok := errors.AsType[*tenant.RetiredError](err); ok && c.RetiredAs != "" {
		if value, err = c.Setting.Parse(a.property, c.RetiredAs); err != nil {
			return nil, "", err
		}
		note = fmt.Sprintf("%s %s is retired: %s was wanted instead", a.property, retired.Value, tenant.Text(value))
	}
	return value, note, err
}

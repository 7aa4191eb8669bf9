package html

import (
	"rollcall/pipeline/results"
	"strings"
)

// Bounds of the columns that are counted.
const (
	maxValues  = 30  // of a column that is worth counting
	maxColumns = 200 // looked at
)

// A column counts the rows for each value of a column of the roster.
type column struct {
	name     string
	inRoster int // index among the cells of a row, or -1 for the domain of the UPN
	inFile   int // the same among the roster's cells in a results file
	values   map[string]*[classes]int
}

// countable returns the columns of a roster to count: all except the UPN, columns of
// passwords and columns without a name.
func countable(f results.Format) []*column {
	all := []*column{{name: "Domain of the user", inRoster: -1, inFile: -1, values: make(map[string]*[classes]int)}}
	carried := results.Carried(f)
	n := 0
	for i := range f.Header {
		if i == f.UPN || i < f.Own {
			continue
		}
		name := carried[n]
		n++
		if strings.TrimSpace(name) == "" || strings.Contains(strings.ToLower(name), "password") || len(all) == maxColumns {
			continue
		}
		all = append(all, &column{name: name, inRoster: i, inFile: n - 1, values: make(map[string]*[classes]int)})
	}
	return all
}

// add counts a row. It stops counting a column that has too many values.
func (c *column) add(value string, of class) {
	value = clip(value, maxValue)
	counts := c.values[value]
	if counts == nil {
		if len(c.values) == maxValues {
			c.values = nil
			return
		}
		counts = new([classes]int)
		c.values[strings.Clone(value)] = counts
	}
	counts[of]++
}

// grouping reports whether the values of c divide the rows into groups: c has few values
// for its number of rows.
func (c *column) grouping(rows int) bool {
	return c.values != nil && 3*len(c.values) <= 2*rows
}

// blank reports whether no row has anything in the column.
func (c *column) blank() bool {
	return len(c.values) == 1 && c.values[""] != nil
}

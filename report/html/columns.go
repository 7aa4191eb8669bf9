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

// A column counts the rows of each value of a column of the roster.
type column struct {
	name     string
	inRoster int // which cell of a row it is, or -1 for the domain of the UPN
	inFile   int // the same, of the cells that a results file carries along
	values   map[string]*[classes]int
}

// countable returns the columns of a roster that may turn out to have few
// values: all but those that are nobody's business.
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

// add counts a row. A column that turns out to have many values is given up.
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

// telling reports whether the values of c divide the rows into groups, instead of
// naming them one by one.
func (c *column) telling(rows int) bool {
	return c.values != nil && 3*len(c.values) <= 2*rows
}

// blank reports whether no row has anything in the column.
func (c *column) blank() bool {
	return len(c.values) == 1 && c.values[""] != nil
}

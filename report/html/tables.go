package html

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"rollcall/pipeline"
)

// A moveTable shows, for one property, how many rows changed from which value to which.
type moveTable struct {
	Property string
	Moves    []moveView
	Others   string // number of rows of other moves, or ""
	Unread   string // sentence on rows of which nothing was read, or ""
}

type moveView struct {
	From, To      string // "" for what was not read
	Count, Share  string
	Width         float64 // of the bar, in percent
	Class, Remark string
}

func (p *Page) moves() (tables []moveTable, note string) {
	unread := false
	for i, m := range p.Tally.moves {
		table := moveTable{}
		if n := len(p.Tally.properties); i < n {
			table.Property = visible(p.Tally.properties[i])
		} else {
			table.Property = visible(p.Tally.moved[i-n]) + ", which changes with it"
		}
		// Rows of which nothing was read show no change.
		total := m.others - m.rows[move{}]
		for _, n := range m.rows {
			total += n
		}
		if n := m.rows[move{}]; n > 0 {
			table.Unread = fmt.Sprintf("%s left out: the value was not read, neither before nor after.", amount(n, "row"))
		}
		for _, of := range byCount(m.rows, func(a, b move) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) }) {
			n := m.rows[of]
			if of == (move{}) {
				continue
			}
			w := moveView{From: visible(of.from), To: visible(of.to), Count: group(n), Share: percent(n, total),
				Width: max(minWidth, 100*float64(n)/float64(total)), Class: classNames[moved]}
			switch {
			case of.from == of.to && of.from != "":
				w.Class, w.Remark = classNames[settled], "stays"
			case of.to == "":
				w.Class = classNames[aside]
			}
			unread = unread || of.from == "" || of.to == ""
			table.Moves = append(table.Moves, w)
		}
		if m.others > 0 {
			table.Others = group(m.others)
		}
		if table.Moves != nil || table.Unread != "" {
			tables = append(tables, table)
		}
	}
	if unread {
		note = "Not read: rollcall did not ask for the value, or the tenant did not return it."
		if !p.isAudit() {
			note += " Only an apply with --read-first asks for the value before."
		}
	}
	return tables, note
}

// byCount returns the keys of counts, the most frequent first.
func byCount[K comparable](counts map[K]int, then func(a, b K) int) []K {
	return slices.SortedFunc(maps.Keys(counts), func(a, b K) int {
		return cmp.Or(counts[b]-counts[a], then(a, b))
	})
}

// maxTables is the greatest number of roster columns that a report shows.
const maxTables = 12

// A columnTable shows the results of the rows for each value of a column.
type columnTable struct {
	Name   string
	Blank  string // the word for a value of ""
	Values []valueView
}

type valueView struct {
	Value  string // "" for a blank cell
	Count  string
	Bars   []bar
	Counts []string // in the order of the legend
}

// A bar is a part of a stacked bar. Position and width are in percent.
type bar struct {
	Class    string
	X, Width float64
}

// A legend is the name of a class in this report.
type legend struct {
	Class, Word string
	class       class
}

// legend returns the classes that have rows.
func (p *Page) legend() []legend {
	var legends []legend
	for _, of := range []class{bad, moved, settled, aside} {
		var words []string
		for s, n := range p.Tally.ByStatus {
			if status := pipeline.Status(s); n > 0 && classOf(status) == of {
				words = append(words, status.String())
			}
		}
		if of == bad && len(words) > 1 {
			words = []string{"need attention"}
		}
		if words != nil {
			legends = append(legends, legend{classNames[of], strings.Join(words, ", "), of})
		}
	}
	return legends
}

func (p *Page) columns() (tables []columnTable, notes []string) {
	var many, same, rest []string
	legends := p.legend()
	for _, c := range p.Tally.columns {
		name := visible(clip(c.name, maxValue))
		switch {
		case !c.grouping(p.Tally.Done()):
			many = append(many, name)
		case c.blank():
		case len(c.values) == 1:
			for value := range c.values {
				same = append(same, name+": "+visible(value))
			}
		case len(tables) == maxTables:
			rest = append(rest, name)
		default:
			tables = append(tables, c.table(name, legends))
		}
	}
	for _, n := range []struct {
		what  string
		names []string
	}{
		{"The same in every row", same},
		{fmt.Sprintf("Not shown: more than %d values, or nearly one for each row", maxValues), many},
		{"Not shown: too many columns", rest},
	} {
		if n.names != nil {
			notes = append(notes, n.what+" – "+enumerate(n.names)+".")
		}
	}
	return tables, notes
}

// enumerate lists names, with the number of those beyond the first twelve.
func enumerate(names []string) string {
	const most = 12
	if len(names) > most {
		return strings.Join(names[:most], "; ") + fmt.Sprintf("; and %d more", len(names)-most)
	}
	return strings.Join(names, "; ")
}

func (c *column) table(name string, legends []legend) columnTable {
	t := columnTable{Name: name, Blank: "blank"}
	if c.inRoster < 0 {
		t.Blank = "no domain"
	}
	totals := make(map[string]int)
	most := 0
	for value, counts := range c.values {
		for _, n := range counts {
			totals[value] += n
		}
		most = max(most, totals[value])
	}
	for _, value := range byCount(totals, cmp.Compare[string]) {
		v := valueView{Value: visible(value), Count: group(totals[value])}
		for _, l := range legends {
			n := c.values[value][l.class]
			v.Counts = append(v.Counts, group(n))
			if n > 0 {
				v.Bars = append(v.Bars, bar{Class: l.Class, Width: max(minWidth, 100*float64(n)/float64(most))})
			}
		}
		stack(v.Bars)
		t.Values = append(t.Values, v)
	}
	return t
}

// minWidth is the width of the smallest part of a bar, in percent, so that even a single
// row is visible.
const minWidth = 0.8

// stack puts bars side by side, within 100 percent.
func stack(bars []bar) {
	sum := 0.0
	for _, b := range bars {
		sum += b.Width
	}
	x := 0.0
	for i := range bars {
		bars[i].Width *= min(1, 100/sum)
		bars[i].X = x
		x += bars[i].Width
	}
}

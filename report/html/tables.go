package html

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"rollcall/pipeline"
)

// A moveTable says how many rows went from what to what.
type moveTable struct {
	Property string
	Moves    []moveView
	Others   string // rows of moves beyond those, or ""
	Unread   string // rows of which nothing was read, in words, or ""
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
		// Of whom nothing was read, nothing is known that could be a change.
		total := m.others - m.rows[move{}]
		for _, n := range m.rows {
			total += n
		}
		if n := m.rows[move{}]; n > 0 {
			table.Unread = fmt.Sprintf("%s left out: the value was read neither before nor after.", amount(n, "row"))
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
		note = "Not read: the tenant did not say, or was not asked."
		if !p.isAudit() {
			note += " Only an apply that reads first asks for the value before."
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

// maxTables is how many columns of the roster a report has room for.
const maxTables = 12

// A columnTable says what became of the rows of each value of a column.
type columnTable struct {
	Name   string
	Blank  string // what a value of "" is called
	Values []valueView
}

type valueView struct {
	Value  string // "" for a blank cell
	Count  string
	Bars   []bar
	Counts []string // by the legend
}

// A bar is a part of a stacked bar. Where and how wide are in percent.
type bar struct {
	Class    string
	X, Width float64
}

// A legend says what a class is called in this report.
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
		case !c.telling(p.Tally.Done()):
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
		{fmt.Sprintf("Not shown, for more than %d values or nearly one for each row", maxValues), many},
		{"Not shown, for want of room", rest},
	} {
		if n.names != nil {
			notes = append(notes, n.what+" – "+enumerate(n.names)+".")
		}
	}
	return tables, notes
}

// enumerate lists names, as many as a person reads.
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

// minWidth is how much of a bar a single row has, in percent: what there is, is to
// be seen.
const minWidth = 0.8

// stack puts bars one behind the other, within 100 percent.
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

package html

import (
	"cmp"
	"slices"
	"strings"

	"rollcall/pipeline"
	"rollcall/pipeline/results"
)

// maxKept is how many rows a report lists: what a person may read, search and
// sort, and a browser opens at once on a slow machine.
const maxKept = 3000

// MostRows is how many a report lists that is to list all: what a browser opens at
// all.
const MostRows = 50_000

// A rowList has the rows that a report lists. Of a status that has too many, it has
// the first.
type rowList struct {
	n        int
	most     int // or maxKept, if 0
	byStatus [len(pipeline.Statuses)][]keptRow
}

type keptRow struct {
	line   int
	upn    string
	status pipeline.Status
	values []pipeline.Value
	remark string
}

func (l *rowList) add(r *pipeline.Result) {
	if !l.admit(r.Status) {
		return
	}
	row := keptRow{line: r.Row.Line, upn: keep(r.Row.UPN, maxCell), status: r.Status, remark: keep(results.Remark(r), maxCell)}
	for _, v := range r.Values {
		row.values = append(row.values, pipeline.Value{Wanted: keep(v.Wanted, maxValue),
			Before: keep(v.Before, maxValue), After: keep(v.After, maxValue), Same: v.Same})
	}
	l.byStatus[r.Status] = append(l.byStatus[r.Status], row)
}

// admit makes room for a row of status s, if it is more worth having than one of
// those that are kept: because it is of a status that a person has to look at
// first, or else of one that has fewer rows here, so that no status is crowded
// out by another.
func (l *rowList) admit(s pipeline.Status) bool {
	if l.n < cmp.Or(l.most, maxKept) {
		l.n++
		return true
	}
	victim := s
	for i := range l.byStatus {
		other := pipeline.Status(i)
		if len(l.byStatus[i]) == 0 {
			continue
		}
		if r, w := rank(other), rank(victim); r > w || r == w && len(l.byStatus[i]) > len(l.byStatus[victim]) {
			victim = other
		}
	}
	if rank(victim) == rank(s) && len(l.byStatus[victim]) <= len(l.byStatus[s])+1 {
		return false
	}
	last := len(l.byStatus[victim]) - 1
	l.byStatus[victim][last] = keptRow{}
	l.byStatus[victim] = l.byStatus[victim][:last]
	return true
}

// rank is 0 for the statuses whose rows are to be looked at first.
func rank(s pipeline.Status) int {
	switch classOf(s) {
	case bad:
		return 0
	case moved:
		return 1
	}
	return 2
}

// urgent returns how many of the rows are of a status that a person has to look at
// first.
func (l *rowList) urgent() int {
	n := 0
	for s, kept := range l.byStatus {
		if rank(pipeline.Status(s)) == 0 {
			n += len(kept)
		}
	}
	return n
}

// rows returns the rows in the order in which they are to be read.
func (l *rowList) rows() []keptRow {
	rows := slices.Concat(l.byStatus[:]...)
	slices.SortFunc(rows, func(a, b keptRow) int {
		if r := rank(a.status) - rank(b.status); r != 0 {
			return r
		}
		return a.line - b.line
	})
	return rows
}

// keep is clip, of a text that shares no memory with the row that it is of.
func keep(text string, most int) string { return strings.Clone(clip(text, most)) }

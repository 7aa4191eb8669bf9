package html

import (
	"cmp"
	"slices"
	"strings"

	"rollcall/pipeline"
	"rollcall/pipeline/results"
)

// maxKept is the default number of rows that a report lists: a browser on a slow machine
// opens, searches and sorts that many without delay.
const maxKept = 3000

// MostRows is the greatest number of rows that a report lists: a browser can open no
// more.
const MostRows = 50_000

// A rowList holds the rows that a report lists. Of a status with too many rows, it holds
// the first.
type rowList struct {
	n        int
	most     int // maxKept if 0
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

// admit reports whether the list takes a row of status s. If the list is full, it drops a
// row for it: one of a less urgent status, or of an equally urgent status with more rows
// in the list, so that every status keeps some rows.
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

// rank returns the order of a status in the list; 0 is the most urgent.
func rank(s pipeline.Status) int {
	switch classOf(s) {
	case bad:
		return 0
	case moved:
		return 1
	}
	return 2
}

// urgent returns the number of rows in the list that need a person's attention.
func (l *rowList) urgent() int {
	n := 0
	for s, kept := range l.byStatus {
		if rank(pipeline.Status(s)) == 0 {
			n += len(kept)
		}
	}
	return n
}

// rows returns the rows, the most urgent first, then by line.
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

// keep is like clip, and returns a text that shares no memory with the row.
func keep(text string, most int) string { return strings.Clone(clip(text, most)) }

package html

import (
	"cmp"
	"fmt"
	"strings"

	"rollcall/pipeline"
)

// A rowsView is the list of rows.
type rowsView struct {
	Intro    []string
	Rows     []rowView
	Statuses []statusView // of the rows that are listed
	Count    string
	Printed  string // sentence on which rows are printed, or "" if all are
	Saved    string // name of the file for saved rows
	kindWord string
}

type statusView struct{ Word, Count string }

type rowView struct {
	Line                 int
	UPN                  string
	Class, Sigil, Status string
	Edits                []edit
	Why                  string
}

// An edit shows the values of one property of a row.
type edit struct {
	Property string // "" if there is only one
	From, To string // "" if not read
	Arrow    bool   // show both From and To
	Wanted   string // the value wanted, if it differs from To
}

// rows returns the list of rows, those that need a person's attention first.
func (p *Page) rows() rowsView {
	t := p.Tally
	v := rowsView{kindWord: "Run"}
	if kind := p.Kind; kind != "" {
		v.kindWord = strings.ToUpper(kind[:1]) + kind[1:]
	} else if p.isAudit() {
		v.kindWord = "Audit"
	}
	for _, row := range t.list.rows() {
		v.Rows = append(v.Rows, p.row(row))
	}
	v.Count = amount(len(v.Rows), "row")
	v.Printed, v.Saved = p.printed(), "rows.csv"
	if len(v.Rows) == 0 {
		v.Intro = []string{"There are no rows to list."}
		return v
	}
	intro := "The " + amount(t.Done(), "row") + ", in the order of the roster."
	if t.Failed() > 0 {
		intro = "Rows that need a person’s attention come first, then the others, both in the order of the roster."
	}
	v.Intro = append(v.Intro, intro)
	if len(v.Rows) < t.Done() {
		where := "."
		if p.Results != "" {
			where = ": all are in " + visible(p.Results) + "."
		}
		v.Intro = append(v.Intro, fmt.Sprintf("The list has %s of %s%s", group(len(v.Rows)), amount(t.Done(), "row"), where))
	}
	for _, of := range []class{bad, moved, settled, aside} {
		for s, kept := range t.list.byStatus {
			if status := pipeline.Status(s); len(kept) > 0 && classOf(status) == of {
				count := group(len(kept))
				if len(kept) < t.ByStatus[s] {
					count = "the first " + count + " of " + group(t.ByStatus[s])
				}
				v.Statuses = append(v.Statuses, statusView{status.String(), count})
			}
		}
	}
	return v
}

// printed returns a sentence on which rows are printed, or "" if all are.
func (p *Page) printed() string {
	t := p.Tally
	rest := t.Done() - t.Failed()
	if p.All || rest == 0 {
		return ""
	}
	where := "."
	if p.Results != "" {
		where = ": all are in " + visible(p.Results) + "."
	}
	if t.Failed() == 0 {
		return "No row needs a person’s attention, and none is printed" + where
	}
	which := "rows that need a person’s attention"
	if listed := t.list.urgent(); listed < t.Failed() {
		which = fmt.Sprintf("first %s of %s %s", group(listed), group(t.Failed()), which)
	}
	return "Printed are the " + which + ", and not the " + amount(rest, "other row") + where
}

func (p *Page) row(row keptRow) rowView {
	v := rowView{Line: row.line, UPN: visible(row.upn), Class: classNames[classOf(row.status)],
		Sigil: sigil(row.status), Status: row.status.String(), Why: visible(row.remark)}
	for i, value := range row.values {
		if value.Wanted == "" || i >= len(p.Tally.properties) {
			continue
		}
		e := edit{From: visible(value.Before), To: visible(value.After)}
		if len(p.Tally.properties) > 1 {
			e.Property = visible(p.Tally.properties[i])
		}
		switch class := classOf(row.status); {
		case class == settled:
			e.From, e.To = "", visible(cmp.Or(value.After, value.Wanted))
		case row.status == pipeline.Differs && sameText(value.Before, value.Wanted):
			e.From, e.To = "", visible(value.Before)
		case row.status == pipeline.Differs:
			e.Arrow, e.To = true, visible(value.Wanted)
		case class == moved && sameText(value.Before, value.After):
			e.From = ""
		case class == moved:
			e.Arrow = true
		default:
			e.Arrow = value.Before != "" && value.After != "" && value.Before != value.After
			if !e.Arrow {
				e.To, e.From = visible(cmp.Or(value.After, value.Before)), ""
			}
			if !sameText(value.After, value.Wanted) {
				e.Wanted = visible(value.Wanted)
			}
		}
		v.Edits = append(v.Edits, e)
	}
	return v
}

// sameText reports whether the texts of two values are equal, capitals aside.
func sameText(a, b string) bool { return strings.EqualFold(a, b) }

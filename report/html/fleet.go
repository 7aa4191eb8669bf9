package html

import (
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"time"

	"rollcall/pipeline"
	"rollcall/pipeline/fleet"
	"rollcall/pipeline/results"
)

// A Fleet is the HTML report of many tenants: one file that needs nothing else, with a
// row for each tenant and links to their own reports.
type Fleet struct {
	Record  *fleet.Record
	Sandbox bool              // no tenant is a real one
	Links   map[string]string // to the report of a tenant, by its name
}

//go:embed fleet.html.tmpl
var fleetText string

var fleetTemplate = template.Must(template.New("fleet").Parse(fleetText))

// A fleetTile is a number and what it is of.
type fleetTile struct{ Class, Count, Word string }

// A fleetRow is what the report has of a tenant.
type fleetRow struct {
	Name, Link, Tenant, Change, State, Class, Rows, Failed, Took, Reason string
}

// Write writes the report.
func (f *Fleet) Write(w io.Writer) error {
	r := f.Record
	view := struct {
		Policy, Title, Headline, Lede string
		Style                         template.CSS
		Alarm                         string
		Began, Version                string
		Ended                         string
		Tenants, Rows                 []fleetTile
		Table                         []fleetRow
	}{
		Policy: "default-src 'none'; style-src " + digest(pageStyle) + "; base-uri 'none'; form-action 'none'",
		Style:  template.CSS(pageStyle), Title: "Fleet " + r.Name, Version: r.Version,
		Headline: fmt.Sprintf("%s: %s on %s", r.Name, r.Run, amount(len(r.Tenants), "tenant")),
		Lede:     fmt.Sprintf("%s recorded of %s.", group(r.Rows.Recorded), amount(r.Rows.Total, "row")),
		Began:    stamp(&r.Started), Ended: stamp(r.Finished),
	}
	if f.Sandbox {
		view.Lede += " All tenants are sandboxes: nothing in Microsoft 365 was changed."
	}
	ends := make(map[string]int)
	for i := range r.Tenants {
		ends[r.Tenants[i].End()]++
		view.Table = append(view.Table, f.row(&r.Tenants[i]))
	}
	if left := len(r.Tenants) - ends[results.Complete]; left > 0 {
		view.Alarm = fmt.Sprintf("%s of %s %s not done", group(left), amount(len(r.Tenants), "tenant"), verb(left, "is", "are"))
		if r.Reason != "" {
			view.Alarm += ": " + r.Reason
		}
	}
	for _, end := range slices.SortedFunc(maps.Keys(ends), compareEnds) {
		view.Tenants = append(view.Tenants, fleetTile{endClass(end), group(ends[end]), endWord(end)})
	}
	for s, word := range pipeline.Statuses {
		if n := r.Rows.ByStatus[word]; n > 0 {
			class := ""
			if pipeline.Status(s).IsFailure() {
				class = "bad"
			}
			view.Rows = append(view.Rows, fleetTile{class, group(n), word})
		}
	}
	return fleetTemplate.Execute(w, view)
}

func (f *Fleet) row(t *fleet.TenantRecord) fleetRow {
	row := fleetRow{Name: t.Name, Link: f.Links[t.Name], Tenant: t.Tenant, Change: t.Change, State: endWord(t.End()), Class: endClass(t.End()),
		Rows: fmt.Sprintf("%s of %s", group(t.Rows.Recorded), group(t.Rows.Total)), Failed: group(t.Rows.Failed), Reason: cmp.Or(t.Refused, t.Reason)}
	if t.Rows.Failed > 0 && row.Class == "" {
		row.Class = "bad"
	}
	if t.Started != nil && t.Finished != nil {
		row.Took = t.Finished.Sub(*t.Started).Round(time.Second).String()
	}
	return row
}

// stamp returns a time as the report has it.
func stamp(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

// endOrder is the order of the tiles of tenants. What is not in it comes last: a tile
// that is missing is a tenant that is not accounted for.
var endOrder = []string{results.Complete, results.Errored, fleet.Refused, results.Guarded, fleet.Stopped, results.Interrupted, fleet.Cancelled, fleet.Waiting, results.Running}

// compareEnds compares in the order of the tiles.
func compareEnds(x, y string) int {
	place := func(end string) uint { return uint(slices.Index(endOrder, end)) } // -1 is behind all
	return cmp.Or(cmp.Compare(place(x), place(y)), cmp.Compare(x, y))
}

// endWord says how the job of a tenant ended.
func endWord(end string) string {
	switch end {
	case results.Errored:
		return "not carried out"
	case results.Guarded:
		return "stopped by a guard"
	case fleet.Stopped:
		return "stopped with the fleet"
	}
	return end
}

func endClass(end string) string {
	if slices.Contains([]string{results.Errored, results.Guarded, fleet.Refused}, end) {
		return "bad"
	}
	return ""
}

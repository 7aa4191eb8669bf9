package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"rollcall/pipeline"
	"rollcall/pipeline/fleet"
)

// A FleetView is how far a fleet is at a moment.
type FleetView struct {
	Rows, Total    int64 // rows that are done, and all
	Failed         int64 // rows that are done and failed
	Ended, Tenants int   // tenants that came to an end, and all
	Running        []string
	InProgress     int64 // rows
	Stopping       bool  // no further row is begun
	Interrupted    bool  // by a person, or the system
}

// FleetProgress draws a progress line, until stop is called, of many runs together.
// View is called for each drawing.
func (c *Console) FleetProgress(view func() FleetView, at Terminal) (stop func()) {
	return c.draw(&progressLine{at: at, fleet: view})
}

// redrawFleet is redraw of many runs.
func (l *progressLine) redrawFleet(now time.Time, width int) string {
	v := l.fleet()
	tenants := fmt.Sprintf("%d/%d tenants", v.Ended, v.Tenants)
	if v.Stopping {
		line := fmt.Sprintf("stopping: %s in progress on %s", pipeline.Plural(v.InProgress, "row"), pipeline.Plural(len(v.Running), "tenant"))
		if again := line + "; interrupt again to stop at once"; v.Interrupted && len(again) <= width {
			line = again
		}
		return "\r" + line[:min(len(line), width)] + "\x1b[K"
	}
	all := []segment{{rankDone, fmt.Sprintf("%d/%d", v.Rows, v.Total)}, {rankSpeed, tenants}}
	if perSecond := l.speed.see(now, v.Rows); perSecond > 0 {
		all = append(all, segment{rankSpeed, rowsASecond(perSecond)})
		if v.Rows < v.Total {
			all = append(all, segment{rankLeft, timeLeft(time.Duration(float64(v.Total-v.Rows)/perSecond*float64(time.Second))) + " left"})
		}
	}
	if v.Failed > 0 {
		all = append(all, segment{rankFailed, fmt.Sprintf("%d failed", v.Failed)})
	}
	for i, name := range v.Running {
		all = append(all, segment{rankStatuses + i, name})
	}
	return fitted(v.Rows, max(v.Total, 1), all, width)
}

// FleetText says in a line how many tenants came to which end: "3 tenants: 2
// complete, 1 error".
func FleetText(r *fleet.Record) string {
	counts := make(map[string]int)
	for i := range r.Tenants {
		counts[r.Tenants[i].End()]++
	}
	return countsText(counts, len(r.Tenants))
}

// countsText says in a line how many of n tenants are in each state.
func countsText(counts map[string]int, n int) string {
	var parts []string
	for _, state := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%d %s", counts[state], state))
	}
	return pipeline.Plural(n, "tenant") + ": " + strings.Join(parts, ", ")
}

// FleetRowsText says in a line what became of the rows of all tenants, in the order
// of the statuses.
func FleetRowsText(r *fleet.Record) string {
	text := pipeline.Plural(r.Rows.Recorded, "row")
	var parts []string
	for _, status := range pipeline.Statuses {
		if n := r.Rows.ByStatus[status]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, status))
		}
	}
	if parts != nil {
		text += ": " + strings.Join(parts, ", ")
	}
	if left := r.Rows.Total - r.Rows.Recorded; left > 0 {
		text += fmt.Sprintf("; %s without a result", pipeline.Plural(left, "row"))
	}
	return text
}

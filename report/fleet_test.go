package report

import (
	"strings"
	"testing"
	"time"

	"rollcall/pipeline/fleet"
)

// Whatever the width, the progress line of a fleet is not wider; it says how many rows
// and tenants are done, and who is at work as far as there is room.
func TestFleetProgress(t *testing.T) {
	v := FleetView{Rows: 120, Total: 500, Failed: 3, Ended: 4, Tenants: 20, Running: []string{"contoso", "fabrikam", "adatum"}, InProgress: 12}
	l := &progressLine{fleet: func() FleetView { return v }}
	for _, v.Stopping = range []bool{false, true} {
		for width := 1; width <= 150; width++ {
			l.at = Terminal{Columns: func() int { return width }}
			line := visible(l.redraw(time.Now()))
			if n := len([]rune(line)) + strings.Count(line, "█"); n > max(width-3, 1) {
				t.Fatalf("%d columns: %d in %q", width, n, line)
			}
			if v.Stopping {
				continue
			}
			for wide, text := range map[int]string{40: "120/500  4/20 tenants", 60: "3 failed", 140: "contoso  fabrikam  adatum"} {
				if width >= wide && !strings.Contains(line, text) {
					t.Errorf("%d columns: %q lacks %q", width, line, text)
				}
			}
		}
	}
	v.Interrupted = true
	if got := visible(l.redraw(time.Now())); got != "stopping: 12 rows in progress on 3 tenants; interrupt again to stop at once" {
		t.Errorf("it is %q", got)
	}
}

// The texts count all tenants, and all rows.
func TestFleetText(t *testing.T) {
	r := &fleet.Record{Rows: fleet.Rows{Total: 10, Recorded: 7, ByStatus: map[string]int{"applied": 6, "not-found": 1}}}
	for _, state := range []string{"complete", "error", "complete"} {
		r.Tenants = append(r.Tenants, fleet.TenantRecord{Outcome: fleet.Outcome{State: state}})
	}
	if got := FleetText(r); got != "3 tenants: 2 complete, 1 error" {
		t.Errorf("it is %q", got)
	}
	r.Tenants[0].Refused = "the roster was changed"
	r.Tenants[1].Outcome = fleet.Outcome{State: "guard", WithFleet: true}
	if got := FleetText(r); got != "3 tenants: 1 complete, 1 refused, 1 stopped" {
		t.Errorf("it is %q", got)
	}
	if got := FleetRowsText(r); got != "7 rows: 6 applied, 1 not-found; 3 rows without a result" {
		t.Errorf("it is %q", got)
	}
}

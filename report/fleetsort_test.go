package report

import (
	"testing"

	"rollcall/pipeline/fleet"
)

// Where not all tenants can be shown, those are first that failed, then those at work.
func TestSortByNeed(t *testing.T) {
	s := &FleetStatus{Tenants: []FleetTenantStatus{
		{Name: "waiting", State: FleetWaiting},
		{Name: "done", State: FleetEnded, Outcome: fleet.Outcome{State: "complete"}},
		{Name: "running", State: FleetRunning},
		{Name: "rows", State: FleetEnded, Outcome: fleet.Outcome{State: "complete", Rows: fleet.Rows{Failed: 1}}},
		{Name: "error", State: FleetEnded, Outcome: fleet.Outcome{State: "error"}},
		{Name: "lost", State: FleetLost},
	}}
	s.SortByNeed()
	for i, want := range []string{"error", "lost", "rows", "running", "waiting", "done"} {
		if got := s.Tenants[i].Name; got != want {
			t.Errorf("tenant %d is %s, want %s", i, got, want)
		}
	}
}

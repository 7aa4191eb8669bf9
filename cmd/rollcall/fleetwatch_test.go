package main

import (
	"strings"
	"testing"

	"rollcall/pipeline/fleet"
	"rollcall/report"
)

// Where no terminal is, status --watch says once that there is no sign of a worker, and
// once that it is lost.
func TestWatchSaysSilenceOnce(t *testing.T) {
	var b strings.Builder
	was := make(changes)
	s := &report.FleetStatus{Takeover: 15, State: report.FleetRunning}
	for _, silent := range []float64{1, 3, 8, 9, 15, 16, 70, 2} {
		s.Tenants = []report.FleetTenantStatus{{Name: "a", State: report.FleetRunning, Worker: "vm", Silent: &silent, Outcome: fleet.Outcome{State: "running"}}}
		if err := was.writeTenants(&b, s); err != nil {
			t.Fatal(err)
		}
	}
	want := `a: running on vm, 0 of 0 rows
a: running on vm, 0 of 0 rows: no sign of the worker for 8s
a: running on vm, 0 of 0 rows: the worker is lost: no sign of it for 15s
a: running on vm, 0 of 0 rows
`
	if b.String() != want {
		t.Errorf("it says\n%swant\n%s", b.String(), want)
	}
}

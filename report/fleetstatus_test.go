package report

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"rollcall/pipeline/fleet"
)

// someFleet returns the status of a fleet of five tenants, one in each state, at work if
// running.
func someFleet(running bool) *FleetStatus {
	rate, exit := 3.25, 1
	s := &FleetStatus{ID: "nightly-1", Name: "nightly", Run: "apply", By: "ada@host", Submitted: time.Date(2026, 2, 14, 2, 30, 0, 0, time.UTC), Parallel: 2, Takeover: 15}
	add := func(name, state string, o fleet.Outcome) *FleetTenantStatus {
		s.Tenants = append(s.Tenants, FleetTenantStatus{Name: name, State: state, Outcome: o})
		return &s.Tenants[len(s.Tenants)-1]
	}
	add("a", FleetEnded, fleet.Outcome{State: "complete", Rows: fleet.Rows{Total: 10, Recorded: 10, Failed: 1}})
	add("b", FleetEnded, fleet.Outcome{State: "error", Exit: &exit, Reason: "no\nsuch \x1b[31mfile", Rows: fleet.Rows{Total: 10}})
	add("c", FleetLost, fleet.Outcome{State: "error", Exit: &exit, Rows: fleet.Rows{Total: 5}})
	if running {
		t := add("d", FleetRunning, fleet.Outcome{State: "running", Rows: fleet.Rows{Total: 20, Recorded: 7}})
		t.Worker, t.Epoch, t.RowsPerSecond = "vm-1", 2, &rate
		add("e", FleetWaiting, fleet.Outcome{State: "waiting", Rows: fleet.Rows{Total: 1}})
	}
	s.Sum()
	return s
}

// A fleet is what its tenants are: running if one is, ended if none goes on.
func TestFleetStatusSum(t *testing.T) {
	s := someFleet(true)
	if s.State != FleetRunning || s.Ended() || s.Rows.Total != 46 || s.Rows.Recorded != 17 || s.Count[FleetEnded] != 2 || s.Count[FleetLost] != 1 {
		t.Errorf("it is %+v", s)
	}
	if s := someFleet(false); !s.Ended() {
		t.Errorf("it is %s", s.State)
	}
	for _, state := range []string{FleetWaiting, FleetPaused} {
		s := someFleet(false)
		s.Tenants[0].State = state
		if s.Sum(); s.State != state {
			t.Errorf("with a tenant that is %s it is %s", state, s.State)
		}
	}
}

// The status is a table whose lines do nothing to a terminal, whatever workers and
// tenants have said.
func TestFleetStatusText(t *testing.T) {
	var b strings.Builder
	if err := FleetStatusText(&b, someFleet(true)); err != nil {
		t.Fatal(err)
	}
	want := `nightly-1: apply, running, submitted 2026-02-14T02:30:00Z by ada@host
TENANT  STATE     WORKER  ROWS   FAILED  ROWS/S  REASON
a       complete          10/10  1
b       error             0/10   0               no such ` + "\ufffd" + `[31mfile
c       lost              0/5    0
d       running   vm-1    7/20   0       3.2
e       waiting           0/1    0
5 tenants: 1 complete, 1 error, 1 lost, 1 running, 1 waiting; 17 of 46 rows recorded, 1 failed
`
	if b.String() != want {
		t.Errorf("it is\n%s\nwant\n%s", b.String(), want)
	}
	if acts(b.String()) {
		t.Error("it does something to the terminal")
	}
	if got, want := FleetTenantText(someFleet(true), &someFleet(true).Tenants[3]), "d: running on vm-1, 7 of 20 rows"; got != want {
		t.Errorf("the tenant is %q, want %q", got, want)
	}
}

// Of a worker that was not heard of for half the takeover time the status says so, and
// since when; after the whole of it, that it is lost.
func TestFleetSilence(t *testing.T) {
	for silent, want := range map[float64]string{
		7:     "d: running on vm-1, 7 of 20 rows",
		7.5:   "d: running on vm-1, 7 of 20 rows: no sign of the worker for 7s",
		14.9:  "d: running on vm-1, 7 of 20 rows: no sign of the worker for 14s",
		15:    "d: running on vm-1, 7 of 20 rows: the worker is lost: no sign of it for 15s",
		100.5: "d: running on vm-1, 7 of 20 rows: the worker is lost: no sign of it for 1m40s",
	} {
		s := someFleet(true)
		s.Tenants[3].Silent = &silent
		if got := FleetTenantText(s, &s.Tenants[3]); got != want {
			t.Errorf("after %vs it says %q, want %q", silent, got, want)
		}
		var b strings.Builder
		if err := FleetStatusText(&b, s); err != nil {
			t.Fatal(err)
		}
		_, sign, _ := strings.Cut(want, "rows: ")
		if !regexp.MustCompile(`(?m)^d .* 3\.2 *` + sign + `$`).MatchString(b.String()) {
			t.Errorf("after %vs it says\n%s", silent, b.String())
		}
		s.Tenants[3].State = FleetEnded
		if s.Silence(&s.Tenants[3]) != "" {
			t.Error("nothing is to be heard of one that has ended")
		}
	}
}

// The documents have the names that help lists, null where something is not known, and
// the list has no tenants.
func TestFleetStatusJSON(t *testing.T) {
	var b bytes.Buffer
	if err := FleetStatusJSON(&b, someFleet(true)); err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(b.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	has := func(of map[string]any, names string) {
		t.Helper()
		fields := strings.Fields(names)
		for _, name := range fields {
			if _, ok := of[name]; !ok {
				t.Errorf("there is no %s in %v", name, of)
			}
		}
		if len(fields) != len(of) {
			t.Errorf("there are %d names, want %d: %v", len(of), len(fields), of)
		}
	}
	has(doc, "schema id name run by note schedule submitted parallel takeover_seconds state reason exit rows tenants_by_state tenants")
	tenant := doc["tenants"].([]any)[4].(map[string]any)
	has(tenant, "name state worker epoch profile tenant noun change roster rows_per_second worker_silent_seconds outcome reason exit started finished rows")
	if doc["exit"] != nil || tenant["rows_per_second"] != nil || tenant["outcome"] != "waiting" {
		t.Errorf("exit is %v, the tenant %v", doc["exit"], tenant)
	}
	b.Reset()
	if err := FleetListJSON(&b, []*FleetStatus{someFleet(false)}); err != nil || strings.Contains(b.String(), `"tenants":`) || !strings.Contains(b.String(), `"tenants_by_state": {`) {
		t.Errorf("the list is %s, %v", b.String(), err)
	}
}

// What is drawn on a terminal fits it, and has the first lines and the last.
func TestFit(t *testing.T) {
	text := "first line\n" + strings.Repeat("a line of text\n", 30) + "last\n"
	for width := 4; width < 20; width += 5 {
		for height := 4; height < 40; height += 7 {
			var b strings.Builder
			n := Fit(&b, text, width, height)
			lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
			if n != len(lines) || n >= height || !strings.HasPrefix(lines[0], "fi") || lines[n-1][:2] != "la" {
				t.Errorf("%d by %d: %d lines: %q", width, height, n, lines)
			}
			for _, line := range lines {
				if len([]rune(line)) >= width {
					t.Errorf("%d by %d: %q is too long", width, height, line)
				}
			}
		}
	}
}

// Metrics have help and a type ahead of the values of each family, and count tenants of
// fleets that are not at their end, and those that are lost.
func TestFleetMetrics(t *testing.T) {
	var b bytes.Buffer
	if err := FleetServerMetrics(&b, &FleetServerStats{Ready: true, Connections: 3, Bytes: 1 << 40, Fleets: []*FleetStatus{someFleet(true), someFleet(false)}}); err != nil {
		t.Fatal(err)
	}
	if err := FleetWorkerMetrics(&b, &FleetWorkerStats{Slots: 4, Recorded: 9, Ended: map[string]int{"complete": 2, "guard": 1}}); err != nil {
		t.Fatal(err)
	}
	value := regexp.MustCompile(`^(rollcall_fleet_[a-z_]+)(\{[a-z]+="[a-z]+"\})? [0-9.]+$`)
	seen := make(map[string]bool)
	family := ""
	for line := range strings.Lines(b.String()) {
		line = strings.TrimSuffix(line, "\n")
		words := strings.Fields(line)
		switch {
		case words[1] == "HELP":
			family = words[2]
			if seen[family] {
				t.Errorf("%s is there twice", family)
			}
			seen[family] = true
		case words[1] == "TYPE":
			if words[2] != family || (words[3] == "counter") != strings.HasSuffix(family, "_total") {
				t.Errorf("%s", line)
			}
		default:
			if m := value.FindStringSubmatch(line); m == nil || m[1] != family {
				t.Errorf("%q is no value of %s", line, family)
			}
		}
	}
	for _, want := range []string{"ready 1", "connections 3", "store_bytes 1099511627776", "fleets 1", `tenants{state="lost"} 2`, `tenants{state="running"} 1`, "rows 46", "recorded_rows 17", `jobs_ended_total{outcome="guard"} 1`} {
		if !strings.Contains(b.String(), "\nrollcall_fleet_"+want+"\n") {
			t.Errorf("there is no %s in\n%s", want, b.String())
		}
	}
}

// The list has the state of a fleet as its own status has it; that it has ended says
// nothing of how, which its exit status does.
func TestFleetListText(t *testing.T) {
	failed, stopped := someFleet(false), someFleet(false)
	exits := []int{1, 5}
	failed.Exit, stopped.Exit = &exits[0], &exits[1]
	stopped.ID, stopped.Tenants[1].State = "nightly-2", FleetStopped
	stopped.Sum()
	running := someFleet(true)
	running.ID = "nightly-3"
	var b strings.Builder
	if err := FleetListText(&b, []*FleetStatus{failed, stopped, running}); err != nil {
		t.Fatal(err)
	}
	want := `FLEET      RUN    STATE    TENANTS  ROWS   FAILED  EXIT  BY
nightly-1  apply  ended    2/3      10/25  1       1     ada@host
nightly-2  apply  ended    1/3      10/25  1       5     ada@host
nightly-3  apply  running  2/5      17/46  1             ada@host
`
	if b.String() != want {
		t.Errorf("it is\n%s\nwant\n%s", b.String(), want)
	}
}

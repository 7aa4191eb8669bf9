package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"rollcall/pipeline"
	"rollcall/pipeline/fleet"
)

// FleetStatusSchema is the version of the documents of [FleetStatusJSON] and
// [FleetListJSON]. It changes when a name goes or changes its meaning, and not when one
// is added.
const FleetStatusSchema = 1

// The states of a fleet on a server, and of its tenants.
const (
	FleetWaiting = "waiting"
	FleetRunning = "running"
	FleetPaused  = "paused"
	FleetStopped = "stopped" // of a tenant: it did not come to its end, for too many others failed
	FleetEnded   = "ended"
	FleetLost    = "lost" // of a tenant: neither its job nor what came of it is there
)

// A FleetStatus is how far a fleet on a server is.
type FleetStatus struct {
	ID        string       `json:"id"`
	Name      string       `json:"name"`
	Run       string       `json:"run"`
	By        string       `json:"by"`
	Note      string       `json:"note"`
	Schedule  string       `json:"schedule"` // that submitted it, or ""
	Submitted time.Time    `json:"submitted"`
	Parallel  int          `json:"parallel"`
	Takeover  float64      `json:"takeover_seconds"`
	State     string       `json:"state"`
	Reason    string       `json:"reason"`
	Exit      *int         `json:"exit"` // the worst of its tenants; null before the end
	Rows      fleet.Rows   `json:"rows"`
	Count     TenantCounts `json:"tenants_by_state"`

	Tenants []FleetTenantStatus `json:"tenants,omitempty"`
}

// TenantCounts are how many tenants of a fleet are in each state.
type TenantCounts map[string]int

// A FleetTenantStatus is how far one tenant of a fleet is.
type FleetTenantStatus struct {
	Name    string `json:"name"`
	State   string `json:"state"`
	Worker  string `json:"worker"`
	Epoch   uint64 `json:"epoch"` // how often a worker took it
	Profile string `json:"profile"`
	Tenant  string `json:"tenant"`
	Noun    string `json:"noun"`
	Change  string `json:"change"`
	Roster  string `json:"roster"`

	RowsPerSecond *float64 `json:"rows_per_second"`       // null if not known
	Silent        *float64 `json:"worker_silent_seconds"` // how long nothing was heard of the worker; null if not known
	fleet.Outcome
}

// Silence says that nothing is heard of the worker of a tenant of s, or that it is lost,
// which another may take over from; otherwise it returns "". A worker that is well is
// heard of four times in the takeover time.
func (s *FleetStatus) Silence(t *FleetTenantStatus) (sign string) {
	switch {
	case t.State != FleetRunning || t.Silent == nil || *t.Silent < s.Takeover/2:
		return ""
	case *t.Silent < s.Takeover:
		return "no sign of the worker"
	}
	return "the worker is lost: no sign of it"
}

// note returns the reason of a tenant of s, or how long nothing was heard of its worker.
func (s *FleetStatus) note(t *FleetTenantStatus) string {
	if sign := s.Silence(t); sign != "" {
		return fmt.Sprintf("%s for %v", sign, time.Duration(*t.Silent)*time.Second)
	}
	return t.why()
}

// Over reports whether nothing more happens to the tenant by itself.
func (t *FleetTenantStatus) Over() bool {
	return t.State == FleetEnded || t.State == FleetLost || t.State == FleetStopped
}

// End returns what became of the tenant or, before its end, its state.
func (t *FleetTenantStatus) End() string {
	if t.State == FleetEnded {
		return t.Outcome.State
	}
	return t.State
}

// why returns the reason of the tenant without the state that it stands beside.
func (t *FleetTenantStatus) why() string {
	if rest, ok := strings.CutPrefix(t.Reason, t.End()); ok {
		return strings.TrimLeft(rest, " :")
	}
	return t.Reason
}

// Sum counts tenants and rows, and finds out the state of the fleet from those of its
// tenants.
func (s *FleetStatus) Sum() {
	s.Rows, s.Count = fleet.Rows{ByStatus: map[string]int{}}, make(TenantCounts)
	for _, t := range s.Tenants {
		s.Rows.Add(t.Rows)
		s.Count[t.State]++
	}
	s.State = FleetEnded
	for _, state := range []string{FleetRunning, FleetWaiting, FleetPaused} {
		if s.Count[state] > 0 {
			s.State = state
			break
		}
	}
}

// Ended reports whether nothing more happens to the fleet by itself.
func (s *FleetStatus) Ended() bool { return s.State == FleetEnded }

// FleetStatusJSON writes s as one document.
func FleetStatusJSON(w io.Writer, s *FleetStatus) error {
	return fleetJSON(w, struct {
		Schema int `json:"schema"`
		*FleetStatus
	}{FleetStatusSchema, s})
}

// FleetListJSON writes fleets as one document, without their tenants.
func FleetListJSON(w io.Writer, list []*FleetStatus) error {
	short := make([]FleetStatus, len(list))
	for i, s := range list {
		short[i] = *s
		short[i].Tenants = nil
	}
	return fleetJSON(w, struct {
		Schema int           `json:"schema"`
		Fleets []FleetStatus `json:"fleets"`
	}{FleetStatusSchema, short})
}

func fleetJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// FleetStatusText writes s for people: a line on the fleet, one for each tenant and the
// sum.
func FleetStatusText(w io.Writer, s *FleetStatus) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s, %s, submitted %s by %s", s.ID, s.Run, s.State, s.Submitted.UTC().Format(time.RFC3339), s.By)
	for _, more := range []string{s.Reason, s.Note} {
		if more != "" {
			b.WriteString("; " + more)
		}
	}
	b.WriteByte('\n')
	tw := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "TENANT\tSTATE\tWORKER\tROWS\tFAILED\tROWS/S\tREASON")
	for i := range s.Tenants {
		t := &s.Tenants[i]
		fmt.Fprintf(tw, "%s\t%s\t%s\t%d/%d\t%d\t%s\t%s\n", t.Name, t.End(), oneLine(t.Worker), t.Rows.Recorded, t.Rows.Total, t.Rows.Failed, rateText(t.RowsPerSecond), oneLine(s.note(t)))
	}
	tw.Flush()
	b.WriteString(FleetSumText(s) + "\n")
	lines := strings.SplitAfter(b.String(), "\n")
	for i, line := range lines {
		if trimmed := strings.TrimRight(line, " \n"); trimmed != "" {
			lines[i] = trimmed + "\n"
		}
	}
	_, err := io.WriteString(w, shownLines(strings.Join(lines, "")))
	return err
}

// FleetSumText says in a line how far all tenants are together.
func FleetSumText(s *FleetStatus) string {
	counts := make(map[string]int)
	for i := range s.Tenants {
		counts[s.Tenants[i].End()]++
	}
	return fmt.Sprintf("%s; %d of %s recorded, %d failed", countsText(counts, len(s.Tenants)), s.Rows.Recorded, pipeline.Plural(s.Rows.Total, "row"), s.Rows.Failed)
}

// FleetTenantText says in a line how far a tenant of s is.
func FleetTenantText(s *FleetStatus, t *FleetTenantStatus) string {
	text := fmt.Sprintf("%s: %s", t.Name, t.End())
	if t.Worker != "" && t.State == FleetRunning {
		text += " on " + t.Worker
	}
	text += fmt.Sprintf(", %d of %s", t.Rows.Recorded, pipeline.Plural(t.Rows.Total, "row"))
	if t.Rows.Failed > 0 {
		text += fmt.Sprintf(", %d failed", t.Rows.Failed)
	}
	if note := s.note(t); note != "" {
		text += ": " + note
	}
	return shown(text)
}

// FleetListText writes fleets for people, a line for each.
func FleetListText(w io.Writer, list []*FleetStatus) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "no fleets")
		return err
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "FLEET\tRUN\tSTATE\tTENANTS\tROWS\tFAILED\tEXIT\tBY")
	for _, s := range list {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%d/%d\t%d/%d\t%d\t%s\t%s\n", s.ID, s.Run, s.State, s.Count[FleetEnded], len(s.Tenants), s.Rows.Recorded, s.Rows.Total, s.Rows.Failed, exitText(s.Exit), oneLine(s.By))
	}
	return tw.Flush()
}

// exitText returns an exit status, or "" before there is one.
func exitText(status *int) string {
	if status == nil {
		return ""
	}
	return strconv.Itoa(*status)
}

// oneLine returns text as a cell of a table.
func oneLine(text string) string { return shown(strings.Join(strings.Fields(text), " ")) }

// rateText returns a number of rows a second, or "" if it is not known.
func rateText(rate *float64) string {
	if rate == nil {
		return ""
	}
	return fmt.Sprintf("%.1f", *rate)
}

package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// A FleetSchedule is a fleet that a server submits again and again.
type FleetSchedule struct {
	Name       string    `json:"name"`
	Run        string    `json:"run"`
	Tenants    int       `json:"tenants"`
	Cron       string    `json:"cron"`
	TimeZone   string    `json:"time_zone"`
	By         string    `json:"by"`
	Paused     bool      `json:"paused"`
	Next       time.Time `json:"next,omitzero"`
	Last       time.Time `json:"last,omitzero"`
	LastResult string    `json:"last_result"`
}

// FleetSchedulesJSON writes schedules as one document.
func FleetSchedulesJSON(w io.Writer, list []FleetSchedule) error {
	return fleetJSON(w, struct {
		Schema    int             `json:"schema"`
		Schedules []FleetSchedule `json:"schedules"`
	}{FleetStatusSchema, list})
}

// FleetSchedulesText writes schedules for people, a line for each.
func FleetSchedulesText(w io.Writer, list []FleetSchedule) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "no schedules")
		return err
	}
	var b strings.Builder
	tw := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "SCHEDULE\tCRON\tTIME ZONE\tRUN\tTENANTS\tNEXT\tLAST\tBY\tRESULT")
	for _, s := range list {
		next := when(s.Next)
		if s.Paused {
			next = "paused"
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\t%s\n", s.Name, s.Cron, s.TimeZone, s.Run, s.Tenants, next, when(s.Last), oneLine(s.By), oneLine(s.LastResult))
	}
	tw.Flush()
	for line := range strings.Lines(b.String()) {
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}

// when returns a time as text, or - for none.
func when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

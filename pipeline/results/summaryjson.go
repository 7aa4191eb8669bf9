package results

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"rollcall/pipeline"
)

// SummarySchema is the version of the document that [Outcome.JSON] writes and
// summary.schema.json describes. It changes when a name is removed or gets another
// meaning, not when one is added.
const SummarySchema = 2

type summaryDocument struct {
	Schema        int         `json:"schema"`
	Version       string      `json:"version"`
	Command       string      `json:"command"`
	Tenant        string      `json:"tenant"`
	Sandbox       bool        `json:"sandbox"`
	Unnamed       bool        `json:"tenant_by_default"`
	Noun          string      `json:"noun"`
	Change        string      `json:"change"`
	Roster        string      `json:"roster"`
	RosterSHA256  string      `json:"roster_sha256"`
	Results       string      `json:"results"`
	ResultsSHA256 string      `json:"results_sha256"`
	User          string      `json:"user"`
	Host          string      `json:"host"`
	Caller        string      `json:"caller"`
	CommandLine   string      `json:"command_line"`
	Note          string      `json:"note"`
	Started       string      `json:"started"`
	Finished      string      `json:"finished"`
	Seconds       seconds     `json:"seconds"`
	Exit          *int        `json:"exit"`
	Outcome       string      `json:"outcome"`
	Reason        string      `json:"reason"`
	Undone        string      `json:"undone,omitempty"`
	Rows          summaryRows `json:"rows"`
	Calls         summaryPace `json:"calls"`
	Manifest      Manifest    `json:"manifest"`
}

type summaryRows struct {
	Total        int            `json:"total"`
	Recorded     int            `json:"recorded"`
	Journalled   int            `json:"journalled"`
	InProgress   int            `json:"in_progress"`
	Untouched    bool           `json:"in_progress_unchanged"`
	NotAttempted int            `json:"not_attempted"`
	Failed       int            `json:"failed"`
	ByStatus     statusCounts   `json:"by_status"`
	PassedOver   map[string]int `json:"passed_over_by_status"`
}

type summaryPace struct {
	Made             int64   `json:"made"`
	Retries          int64   `json:"retries"`
	PerSecond        seconds `json:"per_second"`
	ThrottledSeconds seconds `json:"throttled_seconds"`
	OutageSeconds    seconds `json:"outage_seconds"`
	Pace             seconds `json:"pace_per_second"`
	AtOnce           int     `json:"pace_at_once"`
}

// statusCounts are counts by status. They are written in the order of the statuses,
// including those that are 0.
type statusCounts [len(pipeline.Statuses)]int

func (c statusCounts) MarshalJSON() ([]byte, error) {
	var b strings.Builder
	for status, n := range c {
		fmt.Fprintf(&b, ",%q:%d", pipeline.Status(status), n)
	}
	return []byte("{" + b.String()[1:] + "}"), nil
}

// UnmarshalJSON reads what MarshalJSON writes. It ignores unknown statuses.
func (c *statusCounts) UnmarshalJSON(b []byte) error {
	var counts map[string]int
	if err := json.Unmarshal(b, &counts); err != nil {
		return err
	}
	for name, n := range counts {
		if status, err := pipeline.ParseStatus(name); err == nil {
			c[status] = n
		}
	}
	return nil
}

// seconds are written with three decimals.
type seconds float64

func (s seconds) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, "%.3f", float64(s)), nil }

// JSON writes the outcome as one document.
func (o *Outcome) JSON(w io.Writer) error { return o.document().write(w) }

func (o *Outcome) document() *summaryDocument {
	stamp := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format("2006-01-02T15:04:05.000Z07:00")
	}
	d := &summaryDocument{
		Schema:        SummarySchema,
		Version:       o.Version,
		Command:       o.Command,
		Tenant:        o.Tenant,
		Sandbox:       o.Sandbox,
		Unnamed:       o.Unnamed,
		Noun:          o.Noun,
		Change:        o.Change,
		Roster:        o.Roster,
		RosterSHA256:  o.RosterSHA256,
		Results:       o.Results,
		ResultsSHA256: o.ResultsSHA256,
		User:          o.User,
		Host:          o.Host,
		Caller:        o.Caller,
		CommandLine:   o.CommandLine,
		Note:          o.Note,
		Started:       stamp(o.Started),
		Finished:      stamp(o.Finished),
		Seconds:       seconds(o.Seconds()),
		Outcome:       o.Ending,
		Reason:        o.Reason,
		Rows: summaryRows{
			Total:        o.Rows.Total,
			Recorded:     o.Rows.Done(),
			Journalled:   o.Rows.Journalled,
			InProgress:   o.Rows.InProgress,
			Untouched:    o.Ending != Running && !o.MaybeSet,
			NotAttempted: o.Rows.NotAttempted(),
			Failed:       o.Rows.Failed(),
			ByStatus:     o.Rows.ByStatus,
			PassedOver:   o.PassedOver,
		},
		Calls: summaryPace{
			Made:             o.Calls,
			Retries:          o.Retries,
			PerSecond:        seconds(o.CallsPerSecond()),
			ThrottledSeconds: seconds(o.Throttled.Seconds()),
			OutageSeconds:    seconds(o.Outage.Seconds()),
			Pace:             seconds(o.Pace),
			AtOnce:           o.AtOnce,
		},
		Manifest: o.Manifest,
	}
	if d.Rows.PassedOver == nil {
		d.Rows.PassedOver = map[string]int{}
	}
	if o.Ending != Running {
		d.Exit = &o.Exit
	}
	return d
}

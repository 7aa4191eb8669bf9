package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"rollcall/pipeline"
)

// SummarySchema is the version of the document that [Outcome.JSON] writes, which
// summary.schema.json describes. It changes when a name goes or changes its
// meaning, and not when one is added.
const SummarySchema = 1

type summaryDocument struct {
	Schema   int         `json:"schema"`
	Version  string      `json:"version"`
	Command  string      `json:"command"`
	Tenant   string      `json:"tenant"`
	Noun     string      `json:"noun"`
	Change   string      `json:"change"`
	Roster   string      `json:"roster"`
	Results  string      `json:"results"`
	Started  string      `json:"started"`
	Finished string      `json:"finished"`
	Seconds  seconds     `json:"seconds"`
	Exit     int         `json:"exit"`
	Outcome  string      `json:"outcome"`
	Reason   string      `json:"reason"`
	Rows     summaryRows `json:"rows"`
	Calls    summaryPace `json:"calls"`
}

type summaryRows struct {
	Total        int          `json:"total"`
	Recorded     int          `json:"recorded"`
	InHand       int          `json:"in_hand"`
	NotAttempted int          `json:"not_attempted"`
	Failed       int          `json:"failed"`
	ByStatus     statusCounts `json:"by_status"`
}

type summaryPace struct {
	Made             int64   `json:"made"`
	Retries          int64   `json:"retries"`
	PerSecond        seconds `json:"per_second"`
	ThrottledSeconds seconds `json:"throttled_seconds"`
	Pace             seconds `json:"pace_per_second"`
	AtOnce           int     `json:"pace_at_once"`
}

// statusCounts are counts by status, written in the order of the statuses and
// with those that are 0.
type statusCounts [len(pipeline.Statuses)]int

func (c statusCounts) MarshalJSON() ([]byte, error) {
	var b strings.Builder
	for status, n := range c {
		fmt.Fprintf(&b, ",%q:%d", pipeline.Status(status), n)
	}
	return []byte("{" + b.String()[1:] + "}"), nil
}

// seconds are written to the millisecond.
type seconds float64

func (s seconds) MarshalJSON() ([]byte, error) { return fmt.Appendf(nil, "%.3f", float64(s)), nil }

// JSON writes the outcome as one document.
func (o *Outcome) JSON(w io.Writer) error {
	stamp := func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(summaryDocument{
		Schema:   SummarySchema,
		Version:  o.Version,
		Command:  o.Command,
		Tenant:   o.Tenant,
		Noun:     o.Noun,
		Change:   o.Change,
		Roster:   o.Roster,
		Results:  o.Results,
		Started:  stamp(o.Started),
		Finished: stamp(o.Finished),
		Seconds:  seconds(o.Seconds()),
		Exit:     o.Exit,
		Outcome:  o.Ending,
		Reason:   o.Reason,
		Rows: summaryRows{
			Total:        o.Total,
			Recorded:     o.Rows.Rows,
			InHand:       o.InHand,
			NotAttempted: o.NotAttempted(),
			Failed:       o.Rows.Failed(),
			ByStatus:     o.Rows.ByStatus,
		},
		Calls: summaryPace{
			Made:             o.Calls,
			Retries:          o.Retries,
			PerSecond:        seconds(o.CallsPerSecond()),
			ThrottledSeconds: seconds(o.Throttled.Seconds()),
			Pace:             seconds(o.Pace),
			AtOnce:           o.AtOnce,
		},
	})
}

package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"rollcall/pipeline"
	"rollcall/pipeline/results"
)

// Metrics writes an outcome in Prometheus's text format, for the textfile collector of
// the node exporter. All metrics are gauges, for each run starts them again. They
// contain nothing about users.
func Metrics(w io.Writer, o *results.Outcome) error {
	var b strings.Builder
	labels := fmt.Sprintf(`command="%s",tenant="%s",noun="%s"`, label(o.Command), label(o.Tenant), label(o.Noun))
	family := func(name, help string) {
		fmt.Fprintf(&b, "# HELP rollcall_%s %s\n# TYPE rollcall_%[1]s gauge\n", name, help)
	}
	gauge := func(name, help string, value float64) {
		family(name, help)
		fmt.Fprintf(&b, "rollcall_%s{%s} %s\n", name, labels, number(value))
	}
	gauge("last_start_timestamp_seconds", "When the last run began.", unix(o.Started))
	gauge("last_end_timestamp_seconds", "When the last run ended.", unix(o.Finished))
	gauge("last_duration_seconds", "How long the last run took.", o.Seconds())
	gauge("exit_status", "Exit status of the last run: 0 if all is well.", float64(o.Exit))
	gauge("roster_rows", "Rows of the roster of the last run, 0 if it was not read.", float64(o.Rows.Total))
	family("rows", "Rows of the last run's results, by status.")
	for status, n := range o.Rows.ByStatus {
		fmt.Fprintf(&b, "rollcall_rows{%s,status=\"%s\"} %d\n", labels, pipeline.Status(status), n)
	}
	gauge("journalled_rows", "Rows of the last run whose results are in the journal alone.", float64(o.Rows.Journalled))
	gauge("in_progress_rows", "Rows that the last run made calls for and that have no result.", float64(o.Rows.InProgress))
	gauge("not_attempted_rows", "Rows that the last run did not attempt.", float64(o.Rows.NotAttempted()))
	gauge("passed_over_rows", "Rows of a results file that the last run passed over.", float64(o.AllPassedOver()))
	gauge("failed_rows", "Rows of the last run's results that count as failed.", float64(o.Rows.Failed()))
	gauge("calls", "Calls that the last run made to the tenant.", float64(o.Calls))
	gauge("retries", "Calls of the last run that repeated one that had failed.", float64(o.Retries))
	gauge("throttled_seconds", "For how long the tenant held back all calls of the last run.", o.Throttled.Seconds())
	gauge("outage_seconds", "For how long the last run could not reach the tenant.", o.Outage.Seconds())
	gauge("pace_calls_per_second", "Calls a second that the tenant was found to allow, 0 if that was not found out.", o.Pace)
	_, err := io.WriteString(w, b.String())
	return err
}

// label returns the value of a label as it is written between quotes.
func label(text string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(strings.ToValidUTF8(text, "\ufffd"))
}

func number(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

func unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

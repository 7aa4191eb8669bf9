package report

import (
	"fmt"

	"go.uber.org/zap"

	"rollcall/pipeline"
	"rollcall/pipeline/results"
)

// OutcomeFields returns an outcome as fields of a log entry.
func OutcomeFields(o *results.Outcome) []zap.Field {
	var statuses []zap.Field
	for status, n := range o.Rows.ByStatus {
		if n > 0 {
			statuses = append(statuses, zap.Int(pipeline.Status(status).String(), n))
		}
	}
	return []zap.Field{
		zap.String("command", o.Command),
		zap.String("tenant", o.Tenant),
		zap.String("noun", o.Noun),
		zap.String("outcome", o.Ending),
		zap.String("reason", o.Reason),
		zap.Int("exit", o.Exit),
		zap.Float64("seconds", o.Seconds()),
		zap.Int("of", o.Rows.Total),
		zap.Int("rows", o.Rows.Done()),
		zap.Int("journalled", o.Rows.Journalled),
		zap.Int("in_progress", o.Rows.InProgress),
		zap.Int("not_attempted", o.Rows.NotAttempted()),
		zap.Int("failed", o.Rows.Failed()),
		zap.Int("passed_over", o.AllPassedOver()),
		zap.Int64("calls", o.Calls),
		zap.Int64("retries", o.Retries),
		zap.Float64("throttled_seconds", o.Throttled.Seconds()),
		zap.Float64("outage_seconds", o.Outage.Seconds()),
		zap.Dict("by_status", statuses...),
	}
}

// OutcomeText returns an outcome in a few lines that can be sent to other people: it has
// counts, and names neither users nor files.
func OutcomeText(o *results.Outcome) string {
	text := fmt.Sprintf("rollcall %s: %s, exit status %d\n%s\n", o.Command, o.Ending, o.Exit, CountsText(&o.Rows))
	for _, line := range Unfinished(&o.Rows, Fate(o.Command, o.MaybeSet)) {
		text += line + "\n"
	}
	text += fmt.Sprintf("%s in %v; %s, throttled for %v", pipeline.Plural(o.Calls, "call"), brief(o.Working),
		pipeline.Plural(o.Retries, "retry"), brief(o.Throttled))
	if o.Outage > 0 {
		text += fmt.Sprintf("; outage for %v", brief(o.Outage))
	}
	return text + "\n"
}

package report

import (
	"fmt"
	"time"

	"go.uber.org/zap"

	"rollcall/pipeline"
)

// How an execution can end, in a word.
const (
	Complete    = "complete"    // every row is recorded
	Guarded     = "guard"       // a guard stopped it
	Interrupted = "interrupted" // a signal did
	Errored     = "error"       // it could not be carried out, or not to the end
)

// An Outcome is what there is to say of an execution once it is over, however it
// ended: the one set of facts that the summary in JSON, the metrics, the last
// event of a log and the ping are made of.
type Outcome struct {
	Version  string // of the program
	Command  string // audit, apply or undo
	Tenant   string
	Noun     string
	Change   string // "" if it had not been found out
	Roster   string // name of the file
	Results  string // name of the results file, or ""
	Started  time.Time
	Finished time.Time
	Working  time.Duration // for how long calls were made
	Exit     int           // status of the process
	Ending   string        // one of the words above
	Reason   string        // why, in words, if it is not complete
	Total    int           // rows of the roster, 0 if it was not read
	InHand   int           // rows that calls were made for and that are not recorded
	Rows     Summary
	Calls    int64
	Retries  int64
	// Throttled is for how long all calls were held back.
	Throttled time.Duration
	// Pace is how many calls a second the tenant was found to allow, and AtOnce how
	// many at once; 0 if that was not found out.
	Pace   float64
	AtOnce int
}

// Count takes the numbers of calls from run.
func (o *Outcome) Count(run *pipeline.Run) {
	o.Calls, o.Retries = run.Stats.Calls.Load(), run.Stats.Retries.Load()
	o.Throttled = run.Limiter.Throttled()
	o.Pace, o.AtOnce = run.Limiter.Pace()
}

// Seconds returns how long it all took.
func (o *Outcome) Seconds() float64 { return o.Finished.Sub(o.Started).Seconds() }

// CallsPerSecond returns the pace while calls were made.
func (o *Outcome) CallsPerSecond() float64 {
	if o.Calls == 0 {
		return 0
	}
	return float64(o.Calls) / max(o.Working.Seconds(), 1e-3)
}

// NotAttempted returns how many rows no call was made for and that are not
// recorded.
func (o *Outcome) NotAttempted() int { return max(0, o.Total-o.Rows.Rows-o.InHand) }

// Fields returns the outcome for a log.
func (o *Outcome) Fields() []zap.Field {
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
		zap.Int("of", o.Total),
		zap.Int("rows", o.Rows.Rows),
		zap.Int("failed", o.Rows.Failed()),
		zap.Int("not_attempted", o.NotAttempted()),
		zap.Int64("calls", o.Calls),
		zap.Int64("retries", o.Retries),
		zap.Float64("throttled_seconds", o.Throttled.Seconds()),
		zap.Dict("by_status", statuses...),
	}
}

// Text returns the outcome in a few lines that have counts and nothing else:
// neither users nor the names of files, so that it can be told to others.
func (o *Outcome) Text() string {
	text := fmt.Sprintf("rollcall %s: %s, exit status %d\n%s\n", o.Command, o.Ending, o.Exit, o.Rows.String())
	if n := o.NotAttempted(); n > 0 {
		text += Plural(n, "row") + " not attempted\n"
	}
	return text + fmt.Sprintf("%s in %v; %s, throttled for %v\n", Plural(o.Calls, "call"), brief(o.Working),
		Plural(o.Retries, "retry"), brief(o.Throttled))
}

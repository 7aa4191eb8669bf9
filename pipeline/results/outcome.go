package results

import (
	"time"

	"rollcall/pipeline"
)

// The ways in which a run can end.
const (
	Complete    = "complete"    // every row is recorded
	Guarded     = "guard"       // a guard stopped it
	Interrupted = "interrupted" // a signal stopped it
	Errored     = "error"       // an error prevented or ended it
	Running     = "running"     // it has not ended, or was killed
)

// An Outcome has the facts about a run after it has ended, however it ended. The summary
// in JSON, the metrics, the last event of the log and the ping are made from it.
type Outcome struct {
	Version                     string   // of the program
	Manifest                    Manifest // of the results, once it is known
	Command                     string   // audit, apply or undo
	Tenant                      string
	Sandbox                     bool // the tenant is not a real one
	Unnamed                     bool // no tenant was named, so it is the sandbox
	Noun                        string
	Change                      string // "" if it is not known
	Roster                      string // name of the file
	Results                     string // name of the results file, or ""
	RosterSHA256, ResultsSHA256 string // in hexadecimal; "" if not known
	User, Host                  string // account and machine that ran it
	Caller                      string // the account or the application that the tenant knows them by, or ""
	CommandLine                 string // as it was given, without secrets
	Note                        string // why, in the words of who ran it
	Started                     time.Time
	Finished                    time.Time     // zero while it runs
	Working                     time.Duration // how long calls were made
	Exit                        int           // status of the process
	Ending                      string        // one of the words above
	Reason                      string        // why it is not complete, or ""
	Cause                       string        // the kind of Reason, in words that name no user, or ""; not in the summary
	Rows                        pipeline.Counts
	MaybeSet                    bool           // the users of rows in progress may have been set
	PassedOver                  map[string]int // rows of a results file that were not used as roster, by their status
	Calls                       int64
	Retries                     int64
	// Throttled is how long all calls were held back.
	Throttled time.Duration
	// Outage is how long the tenant could not be reached.
	Outage time.Duration
	// Pace is how many calls a second the tenant was found to allow, and AtOnce how
	// many at once; 0 if that was not found.
	Pace   float64
	AtOnce int
}

// Count takes the numbers of calls from run.
func (o *Outcome) Count(run *pipeline.Run) {
	o.Calls, o.Retries = run.Stats.Calls.Load(), run.Stats.Retries.Load()
	o.Throttled = run.Limiter.Throttled()
	_, o.Outage = run.Outage()
	o.Pace, o.AtOnce = run.Limiter.Pace()
}

// Seconds returns how long the run took.
func (o *Outcome) Seconds() float64 { return max(0, o.Finished.Sub(o.Started).Seconds()) }

// CallsPerSecond returns how many calls a second were made, on average.
func (o *Outcome) CallsPerSecond() float64 {
	if o.Calls == 0 {
		return 0
	}
	return float64(o.Calls) / max(o.Working.Seconds(), 1e-3)
}

// AllPassedOver returns the sum of PassedOver.
func (o *Outcome) AllPassedOver() int {
	total := 0
	for _, n := range o.PassedOver {
		total += n
	}
	return total
}

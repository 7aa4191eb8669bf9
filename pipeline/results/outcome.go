package results

import (
	"time"

	"rollcall/pipeline"
)

// How an execution can end, in a word.
const (
	Complete    = "complete"    // every row is recorded
	Guarded     = "guard"       // a guard stopped it
	Interrupted = "interrupted" // a signal did
	Errored     = "error"       // it could not be carried out, or not to the end
	Running     = "running"     // it has not ended, or was killed
)

// An Outcome is what there is to say of an execution once it is over, however it
// ended: the one set of facts that the summary in JSON, the metrics, the last
// event of a log and the ping are made of.
type Outcome struct {
	Version                     string   // of the program
	Manifest                    Manifest // what the results are made of, once that is known
	Command                     string   // audit, apply or undo
	Tenant                      string
	Sandbox                     bool // the tenant is not a real one
	Unnamed                     bool // nobody named a tenant: it is the sandbox for want of that
	Noun                        string
	Change                      string // "" if it had not been found out
	Roster                      string // name of the file
	Results                     string // name of the results file, or ""
	RosterSHA256, ResultsSHA256 string // in hexadecimal; "" if not known
	User, Host                  string // who ran it, and where
	Caller                      string // the account or the application that the tenant knows them by, or ""
	CommandLine                 string // as it was given, without secrets
	Note                        string // why, in the words of who ran it
	Started                     time.Time
	Finished                    time.Time     // zero as long as it runs
	Working                     time.Duration // for how long calls were made
	Exit                        int           // status of the process
	Ending                      string        // one of the words above
	Reason                      string        // why, in words, if it is not complete
	Rows                        pipeline.Counts
	MaybeSet                    bool           // the users of rows in progress may have been set
	PassedOver                  map[string]int // rows of a results file that are none of the roster's, by their status
	Calls                       int64
	Retries                     int64
	// Throttled is for how long all calls were held back.
	Throttled time.Duration
	// Outage is for how long the tenant could not be reached.
	Outage time.Duration
	// Pace is how many calls a second the tenant was found to allow, and AtOnce how
	// many at once; 0 if that was not found out.
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

// Seconds returns how long it all took.
func (o *Outcome) Seconds() float64 { return max(0, o.Finished.Sub(o.Started).Seconds()) }

// CallsPerSecond returns the pace while calls were made.
func (o *Outcome) CallsPerSecond() float64 {
	if o.Calls == 0 {
		return 0
	}
	return float64(o.Calls) / max(o.Working.Seconds(), 1e-3)
}

// AllPassedOver returns how many rows were passed over, of any status.
func (o *Outcome) AllPassedOver() int {
	total := 0
	for _, n := range o.PassedOver {
		total += n
	}
	return total
}

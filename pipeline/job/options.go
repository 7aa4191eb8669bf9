package job

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"go.uber.org/zap"

	"rollcall/pipeline"
	"rollcall/pipeline/results"
	"rollcall/pipeline/roster"
	"rollcall/tenant/connect"
)

// Options say what a job is to do, and how. The zero value of a field asks for
// nothing, but where it says so.
type Options struct {
	Audit       bool // only read, and compare; of an undo, what it would put back
	Undo        bool // put back what the run changed whose results file the roster is
	ReadFirst   bool // read ahead of the set, and set only what differs
	IfUnchanged bool // of the diff of an audit, change only users who still are as it saw them

	Roster string         // name of the file, or - for Stdin
	Stdin  io.Reader      // what - stands for
	Layout roster.Options // what is known of the file; Skip is the job's
	Wanted Wanted         // what to change; a results file may say so itself

	Settings connect.Settings // of the tenant; if Settings.Tenant is "", that of the run to undo, or else the sandbox
	Open     Opener           // opens it; nil is [connect.Open]

	Workers       int           // calls made at once, at least 1
	Rate          float64       // calls a second, at most; 0 for no limit
	Retries       int           // how often a call is made again
	RowTimeout    time.Duration // see [pipeline.Run]
	VerifyTimeout time.Duration
	Guards        pipeline.Guards
	MaxChanges    pipeline.Share // of the users, that may change at all

	Results string // name of the results file; "" for none
	// NameResults, if not nil, names the results file if Results is "" and the job
	// writes to a tenant that is no sandbox.
	NameResults func() string

	Overwrite bool // replace one that is there
	Resume    bool // go on with one that is there, or make it
	Excel     bool // write it as Excel likes it
	Outputs   []Output

	// StateDir is where the pace that was found of a tenant is kept for the next job on
	// it; "" is nowhere.
	StateDir string

	// CommandLine and Note, which is why the job is done, are for the record. The one
	// has no secrets in it; if there is no other, a run that goes on has the note of
	// its earlier part.
	CommandLine, Note string

	Command  string        // as others call the job who have to wait for it
	LockDir  string        // where the tenant is locked; "" for the machine's own place
	LockWait time.Duration // how long to wait for another run

	// Approve, if not nil, is asked ahead of the first write to a tenant that is no
	// sandbox. Its error ends the job, and is returned as it is.
	Approve func(Plan) error

	// Sign, if not nil, completes an Outcome with what only the caller knows, such as
	// who runs the job and what status a process would exit with after err. It is
	// called ahead of each time that the Outcome is kept or returned.
	Sign func(o *results.Outcome, err error)

	Observers []Observer
	Prompt    func(text string) // shows a person what there is to do to sign in; nil for nobody
	Log       *zap.Logger       // nil for none
}

// An Opener opens the tenant of a job, as [connect.Open] does.
type Opener func(connect.Settings, connect.Options) (*connect.Tenant, error)

// alike is how many rows that all fail the same way, ahead of any other, are taken
// for a sign that the run itself is wrong.
const alike = 20

// check refuses what can't be meant, and fills in what was left open.
func (j *job) check() error {
	if j.Log == nil {
		j.Log = zap.NewNop()
	}
	if j.Open == nil {
		j.Open = connect.Open
	}
	if j.Guards.MaxErrors.Percent != 100 {
		j.Guards.Alike = alike
	}
	return j.Check()
}

// Refused returns the Outcome of a job that is not run, because of err.
func (o Options) Refused(err error) *results.Outcome {
	now := time.Now()
	j := &job{Options: o, ctx: context.Background(), started: now, ended: now}
	return j.outcome(err)
}

// Check returns an error if o can't be meant, whatever the roster: Run would do so.
func (o *Options) Check() error {
	refuse := func(setting string, value any, want string) error {
		return &connect.SettingError{Setting: setting, Value: fmt.Sprint(value), Err: errors.New(want)}
	}
	switch {
	case o.Roster == "-" && o.Stdin == nil:
		return errors.New("there is no standard input to read a roster from")
	case o.Workers < 1 || o.Workers > 1000:
		return refuse("workers", o.Workers, "want 1 to 1000")
	case !(o.Rate >= 0 && o.Rate <= 1e6):
		return refuse("rate", o.Rate, "want 0 to 1000000 calls a second")
	case o.Retries < 0:
		return refuse("retries", o.Retries, "want 0 or more")
	case o.RowTimeout < 0:
		return refuse("row-timeout", o.RowTimeout, "want 0 (never) or more")
	case o.VerifyTimeout < 0:
		return refuse("verify-timeout", o.VerifyTimeout, "want 0 (read back once) or more")
	case o.Guards.Canary < 0:
		return refuse("canary", o.Guards.Canary, "want 0 (none) or more")
	case o.Guards.Limit < 0:
		return refuse("limit", o.Guards.Limit, "want 0 (none) or more")
	case o.Guards.MaxDuration < 0:
		return refuse("max-duration", o.Guards.MaxDuration, "want 0 (none) or more")
	}
	for _, status := range o.Layout.Only {
		if _, err := pipeline.ParseStatus(status); err != nil {
			return &connect.SettingError{Setting: "only", Err: err}
		}
	}
	return nil
}

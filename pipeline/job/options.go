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

// Options say what a job has to do, and how. The zero value of a field turns it off,
// unless its comment says otherwise.
type Options struct {
	Audit       bool // only read and compare; with Undo: show what would be put back
	Undo        bool // the roster is a results file: put back what its run changed
	ReadFirst   bool // read before the set, and set only what differs
	IfUnchanged bool // the roster is the diff of an audit: change only users who are still as the audit found them

	Roster string         // name of the file, or - for Stdin
	Stdin  io.Reader      // the roster if its name is -
	Layout roster.Options // how to read the roster; the job sets Skip
	Wanted Wanted         // what to change; if empty, a results file says it

	Settings connect.Settings // of the tenant; if Settings.Tenant is "", it is the tenant of the run to undo, or the sandbox
	Open     Opener           // opens the tenant; nil is [connect.Open]

	Workers       int           // calls made at once, at least 1
	Rate          float64       // calls a second, at most; 0 for no limit
	Retries       int           // how often a call is repeated
	RowTimeout    time.Duration // see [pipeline.Run]
	VerifyTimeout time.Duration
	Guards        pipeline.Guards
	MaxChanges    pipeline.Share // how many of the users may be changed

	Results string // name of the results file; "" for none
	// NameResults, if not nil, returns the name of the results file if Results is "" and
	// the job writes to a tenant that is not a sandbox: the first for which use returns
	// true. The job then has it locked, so that two jobs never have one name.
	NameResults func(use func(name string) bool) string

	Overwrite bool    // replace one that is there
	Resume    bool    // go on with one that is there, or make a new one
	Excel     bool    // write it with a byte order mark and CRLF, for Excel
	Remote    *Remote // a log of the job on another machine, or nil
	Outputs   []Output

	// StateDir is the directory for the limits that were found of a tenant, for the next
	// job on it; "" to keep none.
	StateDir string

	// CommandLine, without secrets, and Note, the reason for the job, are for the record.
	// If Note is "", a run that resumes keeps the note of the earlier execution.
	CommandLine, Note string

	Command  string        // name of the job in messages of other runs that wait for it
	LockDir  string        // directory of the tenant's locks; "" for the machine's default
	LockWait time.Duration // how long to wait for another run

	// Approve, if not nil, is called before the first write to a tenant that is not a
	// sandbox. Its error ends the job, and Run returns it unchanged.
	Approve func(Plan) error

	// Sign, if not nil, adds to an Outcome what only the caller knows, such as who runs
	// the job, and the exit status of a process after err. It is called each time before
	// the Outcome is written or returned.
	Sign func(o *results.Outcome, err error)

	Observers []Observer
	Prompt    func(text string) // shows a person what to do to sign in; nil if there is no person
	Log       *zap.Logger       // nil for none
}

// An Opener opens the tenant of a job, as [connect.Open] does.
type Opener func(connect.Settings, connect.Options) (*connect.Tenant, error)

// alike is how many first rows have to fail in the same way for the run to be stopped.
const alike = 20

// check checks the options, and sets defaults.
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

// Refused returns the Outcome of a job that is not run because of err.
func (o Options) Refused(err error) *results.Outcome {
	now := time.Now()
	j := &job{Options: o, ctx: context.Background(), started: now, ended: now}
	return j.outcome(err)
}

// Check returns the error that Run would return for o, whatever the roster.
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
	case o.LockWait < 0:
		return refuse("lock-wait", o.LockWait, "want 0 (no wait) or more")
	case o.Remote != nil && (o.Remote.Log == nil || !o.Resume || o.Results == ""):
		return errors.New("a remote log needs results with a name, and Resume")
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

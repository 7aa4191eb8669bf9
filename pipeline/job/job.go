// Package job carries out one apply, audit or undo of one roster, from the first check
// to the last byte. The command line and any other program that runs such work use it.
//
//	Options ─ Run ─▶ roster ─▶ tenant ─▶ locks ─▶ results ─▶ sign in ─▶ approval ─▶ run ─▶ save ─▶ Outcome
//	                    └────────────── Plan ──────────────▶ Observer, Outputs
//
// [Options.Run] reports its progress to an [Observer], and passes each row to the results
// file and to [Output]s. It uses no command line, no terminal, no signal and no
// environment variable: its caller turns these into Options, a context that ends the job
// at once, and a channel that ends it softly.
//
// Everything that can be checked before the first call to the tenant is checked first.
package job

import (
	"context"
	"os"
	"time"

	"rollcall/pipeline"
	"rollcall/pipeline/lock"
	"rollcall/pipeline/results"
)

// Run does the job. When stop is closed, no further row is begun and the rows in progress
// are finished; stop may be nil. When ctx ends, the rows in progress are not finished.
// Either way the results file holds whole records only, and a later Run with Resume can
// go on with it.
//
// The Outcome is never nil, however the job ended. The error is nil if every row has a
// result, even if rows failed: the Outcome has their number. Otherwise the error is one
// of this package, of packages lock, results, roster and connect, or of the tenant.
func (o Options) Run(ctx context.Context, stop <-chan struct{}) (*results.Outcome, error) {
	j := &job{Options: o, ctx: ctx, stop: stop, started: time.Now()}
	err := j.do()
	return j.end(err)
}

// A job is the state of one job.
type job struct {
	Options
	Plan

	ctx     context.Context
	stop    <-chan struct{}
	started time.Time

	unnamed   bool   // no tenant was named
	named     bool   // the results have a name of their own, because none was given
	ownLock   string // file of the lock of such results, once it is held
	input     *input
	locks     []*lock.Lock
	file      *results.File       // or nil
	from      *results.Resumption // what the run resumes; empty for a new run
	rows      pipeline.Rows       // the rows that are not recorded yet
	rosterSum string              // SHA-256 of the roster, once rosterSHA256 was called
	closers   []func()            // to call at the end, in reverse order

	run       *pipeline.Run // set by prepare
	counted   bool          // calls were made to count changes
	lost      bool          // results were lost: rows in progress may be rows that were done
	recording bool          // begin has begun the results file
	began     time.Time     // when the run began, or zero
	worked    time.Duration // how long the run made calls
	ended     time.Time     // when the last record was made
}

// do does the whole job, except for closing what is open.
func (j *job) do() error {
	for _, step := range []func() error{
		j.check,        // the options
		j.openInput,    // the roster, to find out whether it is a results file
		j.decideChange, // what is wanted, on which tenant
		j.lockTenant,   // against other runs that write to it
		j.connect,      // to the tenant, without a call
		j.checkTenant,  // it is the right one, and can be saved
		j.nameResults,  // if they have no name, and lock them
		j.openRoster,   // and read all of it
		j.lockResults,  // against other runs that write to the file
		j.openResults,  // a new file, or the one to resume
		j.openOutputs,  // that get each row as well
		j.signIn,       // to the tenant
		j.lockID,       // the tenant, by its ID if it was named by a domain
		j.approve,      // ask whether to make the change
		j.prepare,      // the run
		j.countChanges, // that would be made, if there is a limit
		j.begin,        // the results file
		j.doRun,
	} {
		if err := step(); err != nil {
			return err
		}
		if j.stopped() && j.began.IsZero() {
			return ErrInterrupted
		}
	}
	return nil
}

// onEnd adds a function to call at the end of the job. The last one added is called first.
func (j *job) onEnd(close func()) { j.closers = append(j.closers, close) }

// stopped reports whether the job has to end, softly or at once.
func (j *job) stopped() bool {
	select {
	case <-j.stop:
		return true
	case <-j.ctx.Done():
		return true
	default:
		return false
	}
}

// softContext returns a context that also ends when the job has to end softly, for steps that
// need not be finished.
func (j *job) softContext() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(j.ctx)
	over := make(chan struct{})
	go func() {
		select {
		case <-j.stop:
			cancel(ErrInterrupted)
		case <-over:
		}
	}()
	return ctx, func() {
		close(over)
		cancel(nil)
	}
}

// interruptible calls wait, which can't be ended otherwise, and returns its error. If the
// job has to end first, it returns [ErrInterrupted], and wait goes on alone.
func (j *job) interruptible(wait func() error) error {
	done := make(chan error, 1)
	go func() { done <- wait() }()
	select {
	case err := <-done:
		return err
	case <-j.stop:
	case <-j.ctx.Done():
	}
	return ErrInterrupted
}

// inherited returns the lock files, for the processes that the job starts to inherit: the
// tenant stays locked as long as one of them runs.
func (j *job) inherited() []*os.File {
	var files []*os.File
	for _, l := range j.locks {
		if f := l.File(); f != nil {
			files = append(files, f)
		}
	}
	return files
}

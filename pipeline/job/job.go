// Package job is one apply, audit or undo of one roster, from the first check to
// the last byte: what the command line and any other that runs such work have in
// common.
//
//	Options ─ Run ─▶ roster ─▶ tenant ─▶ locks ─▶ results ─▶ sign in ─▶ approval ─▶ run ─▶ save ─▶ Outcome
//	                    └────────────── Plan ──────────────▶ Observer, Outputs
//
// [Options.Run] tells an [Observer] what it does and hands each row to the results
// file and to [Output]s. It knows no command line, no terminal, no signal and no
// environment: what these say is in the Options, in a context that ends the job at
// once, and in a channel that ends it softly.
//
// Whatever can be found out before the tenant is first called is found out first.
package job

import (
	"context"
	"os"
	"time"

	"rollcall/pipeline"
	"rollcall/pipeline/lock"
	"rollcall/pipeline/results"
)

// Run does the job. When stop, which may be nil, is closed, no further row is begun
// and those in progress are finished; when ctx ends, they are left as they are.
// Either way the results file holds whole records only, and a later Run with
// Resume goes on with it.
//
// The Outcome is never nil, and says what came of the job however it ended. The
// error is nil if every row has a result, failed or not: see the Outcome for that.
// Otherwise it is one of those of this package, of packages lock, results, roster
// and connect, or of the tenant.
func (o Options) Run(ctx context.Context, stop <-chan struct{}) (*results.Outcome, error) {
	j := &job{Options: o, ctx: ctx, stop: stop, started: time.Now()}
	err := j.do()
	return j.end(err)
}

// A job is what is known of one so far.
type job struct {
	Options
	Plan

	ctx     context.Context
	stop    <-chan struct{}
	started time.Time

	unnamed   bool   // nobody named a tenant
	named     bool   // nor the results, which have a name of their own
	ownLock   string // the file of the lock of such results, once it is held
	input     *input
	locks     []*lock.Lock
	file      *results.File       // or nil
	from      *results.Resumption // what the run goes on from; of a new run it is empty
	rows      pipeline.Rows       // those that are not recorded yet
	rosterSum string              // SHA-256 of the roster, once it was asked for
	closers   []func()            // of what is open, in the order in which it was opened

	run       *pipeline.Run // once it is prepared
	counted   bool          // calls were made to count changes
	recording bool          // the results are what the run starts from
	began     time.Time     // when the run did, or zero
	worked    time.Duration // for how long it made calls
	ended     time.Time     // when all was recorded
}

// do does the job up to where nothing is left to do but to close what is open.
func (j *job) do() error {
	for _, step := range []func() error{
		j.check,        // options that can't be meant
		j.openInput,    // the roster, as far as what it is
		j.decide,       // what is wanted, on which tenant
		j.lockTenant,   // from others that write to it
		j.connect,      // to the tenant, without a call
		j.checkTenant,  // it is the one, and can be saved
		j.nameResults,  // if nobody has
		j.openRoster,   // and read all of it
		j.lockResults,  // from others that write to the file
		j.openResults,  // new ones, or those to go on with
		j.openOutputs,  // what else is told of each row
		j.signIn,       // to the tenant
		j.lockID,       // by the other name that the tenant may have
		j.approve,      // ask whether it is meant
		j.prepare,      // the run
		j.countChanges, // how many there would be, if that matters
		j.begin,        // make the results what the run starts from
		j.carryOut,
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

// opened has close called at the end of the job, ahead of what was opened earlier.
func (j *job) opened(close func()) { j.closers = append(j.closers, close) }

// stopped reports whether the job is to end, softly or at once.
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

// soft returns a context that ends when the job is to end softly, for what is not
// worth finishing.
func (j *job) soft() (context.Context, context.CancelFunc) {
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

// await calls wait, which nothing else can end, and returns its error, or
// [ErrInterrupted] if the job is to end first. Then wait is left to itself.
func (j *job) await(wait func() error) error {
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

// inherited returns what the processes that the job starts are to have open, so that
// the tenant is locked as long as one of them lives.
func (j *job) inherited() []*os.File {
	var files []*os.File
	for _, l := range j.locks {
		if f := l.File(); f != nil {
			files = append(files, f)
		}
	}
	return files
}

package job

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"rollcall/pipeline/results"
)

// ErrInterrupted is the error of a job that was told to end, softly or at once.
var ErrInterrupted = errors.New("interrupted")

// A GuardError says that a guard stopped the job.
type GuardError struct {
	Guard  string // as [pipeline.Run.StoppedBy] names it, or max-changes
	Reason string
}

func (e *GuardError) Error() string { return e.Reason }

// A LeftChangedError says that an undo was carried out, but some users may still be
// changed.
type LeftChangedError struct {
	Roster string
	Doubts []string // why
}

func (e *LeftChangedError) Error() string {
	return fmt.Sprintf("undo %s: users may be left changed: %s", e.Roster, strings.Join(e.Doubts, "; "))
}

// An ending has the errors of a job, one for each place where they can occur.
type ending struct {
	work    error // a step, or the run
	sync    error // records may not be on the disk
	close   error // the last records may not be on the disk
	save    error // the tenant's file was not written
	guard   error // a guard stopped the run
	left    error // users may still be changed
	output  error // an Output is not complete
	summary error // the summary was not written, or the results could not be removed

	interrupted bool
}

// mainError returns the error that the job ends with, and the other errors, which deserve a
// warning.
//
// The order is that of cause and effect: first errors of the work, then the reason why
// the work is not complete, then errors of the output. An interrupt is not an error of
// the work.
func (e *ending) mainError() (others []error, err error) {
	work := e.work
	if errors.Is(work, ErrInterrupted) {
		work = nil
	}
	for _, wrong := range []error{work, e.sync, e.close, e.save, e.guard, e.left, e.output, e.summary} {
		switch {
		case wrong == nil:
		case err == nil:
			err = wrong
		case wrong.Error() != err.Error() && !slices.ContainsFunc(others, func(other error) bool { return other.Error() == wrong.Error() }):
			others = append(others, wrong) // a cause that was found twice is reported once
		}
	}
	if err == nil && e.interrupted {
		err = ErrInterrupted
	}
	return others, err
}

// An OutputError says that an [Output] or the summary could not be written. The results
// file is not affected.
type OutputError struct{ Err error }

func (e *OutputError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *OutputError) Unwrap() error { return e.Err }

// end closes everything that is open, in reverse order, writes the summary beside the
// results, and returns the Outcome. The locks are released last.
func (j *job) end(err error) (*results.Outcome, error) {
	if err != nil && j.ctx.Err() != nil && errors.Is(err, context.Cause(j.ctx)) {
		err = ErrInterrupted
	}
	e := &ending{work: err, interrupted: j.stopped()}
	if !j.began.IsZero() {
		j.endRun(e)
	}
	if j.file != nil {
		e.close = j.file.Close()
	}
	if !j.began.IsZero() {
		j.endOutputs(e)
	}
	if j.recording && !j.device() {
		j.endResults(e)
	}
	for _, close := range slices.Backward(j.closers) {
		close()
	}
	j.unlockResults()
	for _, l := range slices.Backward(j.locks) { // after the last write
		l.Release()
	}
	if j.ended.IsZero() {
		j.ended = time.Now()
	}
	others, err := e.mainError()
	for _, other := range others {
		j.observe(Warning{Err: other})
	}
	if err == ErrInterrupted && j.began.IsZero() {
		err = j.interruptedEarly()
	}
	return j.outcome(err), err
}

// interruptedEarly returns the error of a job that was interrupted before its run began.
func (j *job) interruptedEarly() error {
	if j.counted {
		return fmt.Errorf("%w before the first change: nothing was changed, and the same command begins again", ErrInterrupted)
	}
	return fmt.Errorf("%w before the first call: nothing was changed", ErrInterrupted)
}

// endRun brings the records to the disk, counts them, and saves the tenant's file.
func (j *job) endRun(e *ending) {
	if j.recording && !j.device() {
		e.sync = j.file.Sync()
	}
	j.count(errors.Join(e.work, e.sync))
	if !j.Audit { // an audit leaves alone what another run keeps beside a tenant's file
		e.save = j.Tenant.Save()
	}
	if e.interrupted {
		return
	}
	if why := j.run.Stopped(); why != "" && j.Counts.Left() > 0 {
		e.guard = &GuardError{Guard: j.run.StoppedBy(), Reason: "stopped: " + why}
	}
	if j.Undo {
		if doubts := j.Source.Doubts(j.Users.Description().Rows); len(doubts) > 0 {
			e.left = &LeftChangedError{j.Roster, doubts}
		}
	}
}

// endOutputs ends the Outputs.
func (j *job) endOutputs(e *ending) {
	_, err := e.mainError()
	o := j.outcome(err)
	for _, out := range j.Outputs {
		oerr := out.End(o, err)
		switch {
		case oerr == nil:
		case e.output == nil:
			e.output = &OutputError{oerr}
		default:
			j.observe(Warning{Err: oerr})
		}
	}
}

// endResults writes the summary, and removes the journal if nothing is left to do. If
// the job did nothing, it removes all its files.
func (j *job) endResults(e *ending) {
	if j.Counts.Done() == 0 && !j.run.Stats.Set.Load() && len(j.from.Earlier) == 0 && e.close == nil {
		e.summary = j.file.Discard()
		return
	}
	j.ended = time.Now()
	_, err := e.mainError()
	if serr := results.WriteSummary(j.Results, j.outcome(err)); serr != nil {
		e.summary = &OutputError{serr}
	}
	if j.Counts.Left() == 0 && e.close == nil && e.summary == nil {
		if err := j.file.Finish(); err != nil { // the summary also says that the run is complete
			j.warn("%v", err)
		}
	}
}

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

// ErrInterrupted is that the job was told to end, softly or at once, and did so.
var ErrInterrupted = errors.New("interrupted")

// A GuardError is that a guard stopped the job.
type GuardError struct {
	Guard  string // as [pipeline.Run.StoppedBy] names it, or max-changes
	Reason string
}

func (e *GuardError) Error() string { return e.Reason }

// A LeftChangedError is that an undo was carried out, and users may be left changed
// all the same.
type LeftChangedError struct {
	Roster string
	Doubts []string // why
}

func (e *LeftChangedError) Error() string {
	return fmt.Sprintf("undo %s: users may be left changed: %s", e.Roster, strings.Join(e.Doubts, "; "))
}

// An ending is what went wrong, by where it did.
type ending struct {
	work    error // a step, or the run
	sync    error // what was recorded may not be on the disk
	close   error // the same, of what was recorded last
	save    error // the tenant's file is not written
	guard   error // that stopped the run
	left    error // users may be left changed
	output  error // an Output has not got all
	summary error // the summary is not written, or the results could not be removed

	interrupted bool
}

// verdict returns the error that the job ends with, and the others, which that does
// not speak of and which are worth a warning.
//
// What went wrong with the work comes first, in the order in which it can have caused
// what comes after it; then why the work is not done, or not known to be; then what
// could not be said of it. An interrupt is nothing that went wrong.
func (e *ending) verdict() (others []error, err error) {
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
			others = append(others, wrong) // unless it is one cause, found twice
		}
	}
	if err == nil && e.interrupted {
		err = ErrInterrupted
	}
	return others, err
}

// An OutputError is that something beside the results could not be written: an
// [Output], or the summary. What the results say is so.
type OutputError struct{ Err error }

func (e *OutputError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *OutputError) Unwrap() error { return e.Err }

// end closes what is open, in reverse order, says in the summary beside the results
// what came of the job, and returns that. Others are kept from the results until
// that is done.
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
	for _, l := range slices.Backward(j.locks) { // when nothing can write any more
		l.Release()
	}
	if j.ended.IsZero() {
		j.ended = time.Now()
	}
	others, err := e.verdict()
	for _, other := range others {
		j.observe(Warning{Err: other})
	}
	if err == ErrInterrupted && j.began.IsZero() && !j.counted {
		err = fmt.Errorf("%w ahead of the first call: nothing was changed", ErrInterrupted)
	}
	return j.outcome(err), err
}

// endRun brings what the run did to where it stays.
func (j *job) endRun(e *ending) {
	if j.recording && !j.device() {
		e.sync = j.file.Sync()
	}
	j.count(errors.Join(e.work, e.sync))
	if !j.Audit { // which leaves what another run keeps beside a tenant's file alone
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

// endOutputs tells the outputs what came of the job.
func (j *job) endOutputs(e *ending) {
	_, err := e.verdict()
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

// endResults writes the summary, and removes the journal if nothing is left to do.
// Of a job that did nothing nothing is left behind.
func (j *job) endResults(e *ending) {
	if j.Counts.Done() == 0 && j.run.Stats.Sets.Load() == 0 && len(j.from.Earlier) == 0 && e.close == nil {
		e.summary = j.file.Discard()
		return
	}
	j.ended = time.Now()
	_, err := e.verdict()
	if serr := results.WriteSummary(j.Results, j.outcome(err)); serr != nil {
		e.summary = &OutputError{serr}
	}
	if j.Counts.Left() == 0 && e.close == nil && e.summary == nil {
		if err := j.file.Finish(); err != nil { // which says that it is complete, too
			j.warn("%v", err)
		}
	}
}

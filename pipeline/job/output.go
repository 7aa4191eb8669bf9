package job

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"rollcall/pipeline"
	"rollcall/pipeline/lock"
	"rollcall/pipeline/results"
)

// An Output gets the result of each row, as the results file does. If it is a
// [pipeline.JournalRecorder], it also gets the results that only the journal has.
type Output interface {
	pipeline.Recorder

	// Open is called once, after the results are open and before the first call to the
	// tenant. The Output does not get the rows that are already in Plan.Counts.
	Open(Plan) error

	// Begin is called when the run begins. If it returns an error, the run ends before
	// its first call.
	Begin(*pipeline.Run) error

	// End is called once, if Begin was called, with the Outcome so far and the error that
	// the job ends with. If End returns an error, the job returns an [OutputError],
	// unless it has a more important error.
	End(o *results.Outcome, err error) error
}

// lockResults locks the results file.
func (j *job) lockResults() error {
	if j.Results == "" || j.named {
		return nil
	}
	if _, err := os.Stat(filepath.Dir(j.Results)); err != nil {
		return nil // openResults reports the error
	}
	file := lock.Results(j.Results)
	if _, err := os.Lstat(j.Results); err == nil {
		if _, err := os.Stat(j.Results); errors.Is(err, os.ErrNotExist) {
			return &LinkError{j.Results, strings.TrimSuffix(file.Path, ".lock")}
		}
	}
	return j.lock(file)
}

// A LinkError says that the results file is a link to a file that does not exist. It is not
// made through the link: what is there may be a file system that is not mounted.
type LinkError struct{ Name, Target string }

func (e *LinkError) Error() string {
	return fmt.Sprintf("create %s: it is a link to %s, which does not exist", e.Name, e.Target)
}

// nameResults names and locks the results file of a job that writes to a real tenant.
func (j *job) nameResults() (err error) {
	if j.Results != "" || j.NameResults == nil || j.Audit || !j.Tenant.Real {
		return nil
	}
	j.named = true
	j.Results = j.NameResults(func(name string) (use bool) {
		use, err = j.reserve(name)
		return use || err != nil
	})
	return err
}

// reserve locks the results file called name, and reports whether it is free: there is no
// such file, and no other run has locked it.
func (j *job) reserve(name string) (free bool, err error) {
	if !results.IsFree(name) {
		return false, nil
	}
	file := lock.Results(name)
	l, err := file.Acquire(j.ctx, j.Command, 0)
	if _, held := errors.AsType[*lock.HeldError](err); held {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if !results.IsFree(name) { // a run that had the lock has ended meanwhile
		l.Release()
		return false, nil
	}
	j.locks, j.ownLock = append(j.locks, l), file.Path
	return true, nil
}

// unlockResults removes the lock file of results that this job named and did not write: no
// other run will use that file.
func (j *job) unlockResults() {
	if j.ownLock == "" {
		return
	}
	if _, err := os.Lstat(j.Results); errors.Is(err, os.ErrNotExist) {
		os.Remove(j.ownLock) // while the lock is held, so that it is this job's file
	}
}

// openResults opens the results file. It does not change a file that exists.
func (j *job) openResults() (err error) {
	j.rows, j.from = j.Users.Rows(), &results.Resumption{}
	switch {
	case j.Results == "":
		return nil
	case j.Remote != nil:
		var messages int
		if messages, err = j.restore(); err != nil {
			break
		}
		if j.file, j.from, err = results.Resume(j.Results, j.Format, j.Manifest, j.rows); err == nil {
			j.file.UseLog(j.Remote.Log, messages)
		}
	case j.Resume:
		j.file, j.from, err = results.Resume(j.Results, j.Format, j.Manifest, j.rows)
	default:
		j.file, err = results.Create(j.Results, j.Overwrite, j.Format, j.Manifest)
	}
	if err != nil {
		j.file, j.from = nil, &results.Resumption{}
		return err
	}
	j.Device = j.file.Device()
	for _, w := range j.from.Warnings {
		j.warn("%s", w)
	}
	if was := j.from.Roster; was != "" && j.from.Counts.Recorded > 0 && was != j.rosterSHA256() {
		j.warn("%s was changed since the results were begun, though not its users and what they want: the records that are there keep the cells of before", j.input.title)
	}
	j.Counts = j.recordedBefore()
	for _, e := range j.from.Earlier {
		if e.Result == nil {
			j.Counts.InProgress++
		} else {
			j.Counts.Journalled++
			j.Counts.ByStatus[e.Result.Status]++
		}
	}
	return nil
}

// recordedBefore returns the counts of the rows that were recorded before this run.
func (j *job) recordedBefore() pipeline.Counts {
	c := j.from.Counts
	c.Total = j.Counts.Total
	return c
}

func (j *job) openOutputs() error {
	for _, o := range j.Outputs {
		if err := o.Open(j.Plan); err != nil {
			return err
		}
	}
	return nil
}

// device reports whether the results file is a pipe or a device, which can't be read.
func (j *job) device() bool { return j.file != nil && j.file.Device() }

// begin begins the results file. If that fails, the files of an earlier run stay as they
// were, but that a run which is to be undone is marked so.
func (j *job) begin() error {
	if past := j.past(); j.Undo && !j.Audit && past != nil && past.IsOn(where(&j.Settings)) {
		if err := past.MarkUndone(); err != nil {
			j.warn("%s can't be marked as undone: don't resume its run: %v", past.Name, err)
		}
	}
	if j.file == nil || j.from.Complete {
		return nil
	}
	if err := j.file.Begin(); err != nil {
		return err
	}
	j.recording = true
	stop := context.AfterFunc(j.ctx, j.file.Abort)
	j.onEnd(func() { stop() })
	if j.file.Device() {
		return nil
	}
	now := j.outcome(nil)
	now.Ending, now.ResultsSHA256 = results.Running, ""
	return results.WriteSummary(j.Results, now)
}

// recorder returns the Recorder of the run: the results file, the Outputs, and the locks,
// which show the progress to waiting runs.
func (j *job) recorder() pipeline.Recorder {
	var all []pipeline.Recorder
	if j.file != nil {
		all = append(all, j.file)
	}
	for _, o := range j.Outputs {
		all = append(all, o)
	}
	return pipeline.Tee(append(all, lockProgress{j})...)
}

// lockProgress writes the number of rows done into the lock files.
type lockProgress struct{ *job }

func (lockProgress) Record(*pipeline.Result) error { return nil }

func (h lockProgress) Flush() error {
	for _, l := range h.locks {
		l.Progress(h.from.Counts.Recorded + int(h.run.Stats.Rows.Load()))
	}
	return nil
}

// count counts the rows after a run that ended with err. If err is one of writing, it
// counts the records that are in the file.
func (j *job) count(err error) {
	j.Counts = j.recordedBefore()
	j.Counts.Add(&j.run.Counts)
	if err == nil || j.file == nil || j.file.Device() || j.stopped() && !errors.Is(err, results.ErrLost) {
		return
	}
	var told []Output
	for _, o := range j.Outputs {
		if r, ok := o.(Restarter); ok && r.Restart() {
			told = append(told, o)
		}
	}
	counts, rerr := results.Recount(j.Results, j.Counts.Total, j.run.Open, func(r *pipeline.Result) {
		for _, o := range told {
			o.Record(r)
		}
	})
	if rerr != nil {
		j.warn("the records in %s could not be counted: %v", j.Results, rerr)
		counts = pipeline.Counts{Total: j.Counts.Total, InProgress: j.Counts.Done() + j.Counts.InProgress}
	}
	j.lost = rerr != nil || counts.Done() < j.Counts.Done()
	j.Counts = counts
}

// A Restarter is an Output that can begin anew: when results were lost, it gets again
// those that are left. Restart drops all rows, and reports whether it could.
type Restarter interface{ Restart() bool }

// rosterSHA256 returns the SHA-256 of the roster, or "" if it can no longer be read.
func (j *job) rosterSHA256() string {
	if j.rosterSum == "" {
		j.rosterSum, _ = j.Users.SHA256()
	}
	return j.rosterSum
}

package job

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"rollcall/pipeline"
	"rollcall/pipeline/lock"
	"rollcall/pipeline/results"
)

// An Output is told of each row beside the results file. If it is a
// [pipeline.JournalRecorder], it is told of those too that only the journal has.
type Output interface {
	pipeline.Recorder

	// Open is called once the results are open, ahead of the first call to the
	// tenant. The rows that Plan.Counts has already are not told.
	Open(Plan) error

	// Begin is called when the run begins.
	Begin(*pipeline.Run)

	// End is called once, if Begin was, with what came of the job so far and the error
	// that it ends with. Its own error is an [OutputError] of the job, unless there is
	// a worse one.
	End(o *results.Outcome, err error) error
}

// lockResults keeps others from the results file.
func (j *job) lockResults() error {
	if j.Results == "" {
		return nil
	}
	if _, err := os.Stat(filepath.Dir(j.Results)); err != nil {
		return nil // whoever creates the file says why not
	}
	file := lock.Results(j.Results)
	if err := j.lock(file); err != nil {
		return err
	}
	if j.named {
		j.ownLock = file.Path
	}
	return nil
}

// nameResults gives the results of what is no rehearsal a file.
func (j *job) nameResults() error {
	if j.Results == "" && j.NameResults != nil && !j.Audit && j.Tenant.Real {
		j.Results, j.named = j.NameResults(), true
	}
	return nil
}

// unlockResults removes the lock of results that have a name of their own and did
// not come to be: nobody will ever look for it.
func (j *job) unlockResults() {
	if j.ownLock == "" {
		return
	}
	if _, err := os.Lstat(j.Results); errors.Is(err, os.ErrNotExist) {
		os.Remove(j.ownLock) // while it is held: then it is ours
	}
}

// openResults opens the results file. What is there already stays as it is.
func (j *job) openResults() (err error) {
	j.rows, j.from = j.Users.Rows(), &results.Resumption{}
	switch {
	case j.Results == "":
		return nil
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
	j.Counts = j.base()
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

// base returns what the results had before the run.
func (j *job) base() pipeline.Counts {
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

// device reports whether the results go to a pipe or a device, which can't be read
// back.
func (j *job) device() bool { return j.file != nil && j.file.Device() }

// begin makes the results what the run starts from. What an earlier life of the run
// has left stays its record if that fails.
func (j *job) begin() error {
	if j.file == nil || j.from.Complete {
		return nil
	}
	if err := j.file.Begin(); err != nil {
		return err
	}
	j.recording = true
	stop := context.AfterFunc(j.ctx, j.file.Abort)
	j.opened(func() { stop() })
	if j.file.Device() {
		return nil
	}
	now := j.outcome(nil)
	now.Ending, now.ResultsSHA256 = results.Running, ""
	return results.WriteSummary(j.Results, now)
}

// recorder returns what is told of each row: the results, the outputs and, for those
// who wait for them, the locks.
func (j *job) recorder() pipeline.Recorder {
	var all []pipeline.Recorder
	if j.file != nil {
		all = append(all, j.file)
	}
	for _, o := range j.Outputs {
		all = append(all, o)
	}
	return pipeline.Tee(append(all, holding{j})...)
}

// holding tells those who wait for the locks how far the run has come.
type holding struct{ *job }

func (holding) Record(*pipeline.Result) error { return nil }

func (h holding) Flush() error {
	for _, l := range h.locks {
		l.Progress(h.from.Counts.Recorded + int(h.run.Stats.Rows.Load()))
	}
	return nil
}

// count finds out where the rows stand after a run that ended with err: it may be
// that the file could not be written, and has less than it was given.
func (j *job) count(err error) {
	j.Counts = j.base()
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
		j.warn("what is in %s could not be counted: %v", j.Results, rerr)
		counts = pipeline.Counts{Total: j.Counts.Total, InProgress: j.Counts.Done() + j.Counts.InProgress}
	}
	j.Counts = counts
}

// A Restarter is an Output that can forget what it was told, because results were
// lost, to be told again what there is. Restart reports whether it has.
type Restarter interface{ Restart() bool }

// rosterSHA256 returns the SHA-256 of the roster, or "" if it can't be read any more.
func (j *job) rosterSHA256() string {
	if j.rosterSum == "" {
		j.rosterSum, _ = j.Users.SHA256()
	}
	return j.rosterSum
}

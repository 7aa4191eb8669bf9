package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"

	"rollcall/pipeline"
	"rollcall/report"
	"rollcall/tenant/disk"
	"rollcall/tenant/sandbox"
)

// outputFlags say where the results go.
type outputFlags struct {
	name             string
	overwrite, excel bool
	resume           bool
	html             htmlFlags

	formatFlags
}

func (f *outputFlags) add(fs *pflag.FlagSet) {
	fs.StringVarP(&f.name, "output", "o", "", "write the results CSV to this `FILE`; - for standard output")
	fs.BoolVar(&f.overwrite, "overwrite", false, "replace a results file that is there already")
	fs.BoolVar(&f.resume, "resume", false, "go on with a results file that was cut short")
	fs.BoolVar(&f.excel, "excel", false, "write the results CSV as Excel likes it: with a byte order mark and CRLF")
	f.html.add(fs)
	f.formatFlags.add(fs)
}

// check refuses a results file that is the roster, or the file of the tenant, and
// flags that contradict each other.
func (f *outputFlags) check(a *app, roster, tenant string) error {
	switch {
	case f.resume && f.overwrite:
		return usage(errors.New("--resume goes on with the results file, --overwrite replaces it: want one of them"))
	case f.resume && (f.name == "" || f.name == "-"):
		return usage(errors.New("--resume needs -o FILE: the results file to go on with"))
	}
	var out os.FileInfo
	var err error
	if stdout, ok := a.out.(*os.File); ok && (f.name == "" || f.name == "-") {
		out, err = stdout.Stat()
	} else {
		out, err = os.Stat(f.name)
	}
	if err != nil || !out.Mode().IsRegular() {
		return nil
	}
	if tenant != "" {
		if in, err := os.Stat(tenant); err == nil && os.SameFile(in, out) {
			return usage(fmt.Errorf("-o %s: the results would replace the tenant", f.name))
		}
		if real, err := filepath.EvalSymlinks(tenant); err == nil {
			tenant = real
		}
		if log, err := os.Stat(sandbox.LogName(tenant)); err == nil && os.SameFile(log, out) {
			return usage(fmt.Errorf("-o %s: the results would replace the changes of the tenant", f.name))
		}
	}
	var in os.FileInfo
	if stdin, ok := a.in.(*os.File); ok && roster == "-" {
		in, err = stdin.Stat()
	} else {
		in, err = os.Stat(roster)
	}
	if err == nil && os.SameFile(in, out) {
		return usage(fmt.Errorf("-o %s: the results would replace the roster %s", f.name, roster))
	}
	return nil
}

// An output is where results go: to a file, and in some form to standard output.
type output struct {
	name     string // of the results file, "" if there is none
	recorder pipeline.Recorder
	counts   pipeline.Counts     // where the rows of the roster stand
	view     report.View         // what standard output has, or nil
	begun    bool                // the run has begun
	ended    bool                // so has view
	file     *report.ResultsFile // or nil
	page     *page               // or nil

	from *report.Resumption // what the run goes on from; of a new run it is empty
	rows pipeline.Rows      // those that are not recorded yet
}

// open opens the output of a run. What is there already stays as it is.
func (f *outputFlags) open(x *execution) (*output, error) {
	if err := f.canHTML(); err != nil {
		return nil, err
	}
	m, c, users := x.manifest(), x.change, x.users
	o := &output{rows: users.Rows(), from: &report.Resumption{}}
	var recorders []pipeline.Recorder
	format := report.Format{Properties: c.Properties(), Moved: c.Moved(), Header: users.Header(), UPN: users.UPN(), Excel: f.excel}
	if x.source != nil {
		format.Own = x.source.Own
	}
	var err error
	if o.view, err = x.view(format); err != nil {
		return nil, err
	}
	if f.name != "" && f.name != "-" {
		if f.resume {
			o.file, o.from, err = report.ResumeResults(f.name, format, m, o.rows)
		} else {
			o.file, err = report.CreateResults(f.name, f.overwrite, format, m)
		}
		switch {
		case errors.Is(err, disk.ErrExists), errors.Is(err, report.ErrJournal):
			return nil, &exit{status: exitError, err: err, hint: "--resume goes on with it, --overwrite replaces it"}
		case err != nil:
			return nil, err
		}
		for _, w := range o.from.Warnings {
			x.app.console.Warn("warning: %s", w)
		}
		o.name = f.name
		recorders = append(recorders, o.file)
	}
	if o.view != nil {
		recorders = append(recorders, o.view)
	}
	o.counts = o.base(m.Rows)
	if err := f.openHTML(x, o, format); err != nil {
		return nil, errors.Join(err, o.close())
	}
	if o.page != nil {
		recorders = append(recorders, o.page.Tally)
	}
	o.recorder = pipeline.Tee(recorders...)
	for _, e := range o.from.Earlier {
		if e.Result == nil {
			o.counts.InProgress++
		} else {
			o.counts.Journalled++
			o.counts.ByStatus[e.Result.Status]++
		}
	}
	return o, nil
}

// base returns what the results had of so many rows before the run.
func (o *output) base(rows int) pipeline.Counts {
	c := o.from.Counts
	c.Total = rows
	return c
}

// begin makes the results what the run starts from.
func (x *execution) beginOutput() error {
	o := x.out
	if o.file == nil || o.from.Complete {
		o.begun = true
		return nil
	}
	if err := o.file.Begin(); err != nil {
		return err // what an earlier life of the run has left stays its record
	}
	o.begun = true
	context.AfterFunc(x.interrupts.ctx, o.file.Abort)
	if o.file.Device() {
		return nil
	}
	now := x.told(nil)
	now.Ending, now.ResultsSHA256 = report.Running, ""
	return report.WriteSummary(o.name, now)
}

// sync brings the results to the disk, so that what is said of them is so.
func (o *output) sync() error {
	if o.file == nil || o.from.Complete || o.file.Device() {
		return nil
	}
	return o.file.Sync()
}

// count finds out where the rows stand after a run that ended with err: it may
// be that the file could not be written, and has less than it was given.
func (x *execution) count(run *pipeline.Run, err error) {
	o := x.out
	o.counts = o.base(o.counts.Total)
	o.counts.Add(&run.Counts)
	if err == nil || o.file == nil || o.file.Device() || x.interrupts.status() != 0 && !errors.Is(err, report.ErrLost) {
		return
	}
	each := func(*pipeline.Result) {}
	if o.page != nil {
		o.page.Tally = report.NewTally(o.page.format)
		each = func(r *pipeline.Result) { o.page.Tally.Record(r) }
	}
	counts, rerr := report.Recount(o.name, o.counts.Total, run.Open, each)
	if rerr != nil {
		x.app.console.Warn("warning: what is in %s could not be counted: %v", o.name, rerr)
		counts = pipeline.Counts{Total: o.counts.Total, InProgress: o.counts.Done() + o.counts.InProgress}
	}
	o.counts = counts
}

// left returns how many rows are not recorded.
func (o *output) left() int { return o.counts.Left() }

// conclude ends what standard output has, once.
func (o *output) conclude() error {
	if o.view == nil || o.ended || !o.begun {
		return nil
	}
	o.ended = true
	return o.view.End(&o.counts)
}

// close concludes, and closes the results file.
func (o *output) close() error {
	err := o.conclude()
	if o.file == nil {
		return err
	}
	if cerr := o.file.Close(); cerr != nil {
		return cerr
	}
	return err
}

// finish closes the output of a run that ended with err, says in the summary
// beside the results what came of it, and returns how the command ends. Others
// are still kept from the results.
func (x *execution) finish(err error) error {
	o := x.out
	lost := func(cause error) {
		if cause == nil {
			return
		}
		if message(err) == cause.Error() {
			return
		}
		if message(err) == "" {
			err = &exit{status: max(exitError, x.interrupts.status()), err: cause}
		} else {
			x.app.console.Warn("warning: %v", cause)
		}
	}
	// Results that may not be on the disk are worse news than what they say.
	cerr := o.close()
	lost(cerr)
	err = o.page.conclude(x, err)
	if o.file == nil || !o.begun || o.from.Complete || o.file.Device() {
		return err
	}
	run := x.teller.run.Load()
	if o.counts.Done() == 0 && run != nil && run.Stats.Sets.Load() == 0 && len(o.from.Earlier) == 0 && cerr == nil {
		lost(o.file.Discard())
		return err
	}
	x.teller.ended = time.Now()
	serr := report.WriteSummary(o.name, x.told(err))
	lost(serr)
	if o.left() == 0 && cerr == nil && serr == nil {
		if ferr := o.file.Finish(); ferr != nil { // which says that it is complete, too
			x.app.console.Warn("warning: %v", ferr)
		}
	}
	return err
}

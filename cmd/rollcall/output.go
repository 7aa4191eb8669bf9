package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/pflag"

	"rollcall/pipeline"
	"rollcall/pipeline/roster"
	"rollcall/report"
)

// outputFlags say where the results go.
type outputFlags struct {
	name             string
	overwrite, excel bool
}

func (f *outputFlags) add(fs *pflag.FlagSet) {
	fs.StringVarP(&f.name, "output", "o", "", "write the results CSV to this `FILE`; - for standard output")
	fs.BoolVar(&f.overwrite, "overwrite", false, "replace a results file that is there already")
	fs.BoolVar(&f.excel, "excel", false, "write the results CSV as Excel likes it: with a byte order mark and CRLF")
}

// check refuses a results file that is the roster.
func (f *outputFlags) check(roster string) error {
	in, err := os.Stat(roster)
	if f.name == "" || f.name == "-" || roster == "-" || err != nil {
		return nil
	}
	if out, err := os.Stat(f.name); err == nil && os.SameFile(in, out) {
		return usage(fmt.Errorf("-o %s: the results would replace the roster %s", f.name, roster))
	}
	return nil
}

// An output is where results go: to a CSV, and what an audit finds as text to
// standard output.
type output struct {
	name     string // of the results file, "" if there is none
	recorder pipeline.Recorder
	summary  report.Summary
	text     io.Writer // of the diff, or nil
	file     io.Closer // the results file, or nil
}

// open opens the output of a run. Standard output gets the results CSV if it is
// asked for, or if there is nothing else to say there.
func (f *outputFlags) open(a *app, audit bool, c *pipeline.Change, users *roster.Roster) (*output, error) {
	o := new(output)
	recorders := []pipeline.Recorder{&o.summary}
	var csv io.Writer
	switch {
	case f.name == "-", f.name == "" && !audit:
		csv = a.out
	case f.name != "":
		file, err := report.CreateFile(f.name, f.overwrite)
		if errors.Is(err, report.ErrExists) {
			return nil, &exit{status: exitError, err: err, hint: "--overwrite replaces it"}
		}
		if err != nil {
			return nil, err
		}
		o.name, o.file, csv = f.name, file, file
	}
	if csv != nil {
		recorders = append(recorders, report.NewResults(csv, report.Format{
			Properties: c.Properties(), Header: users.Header(), UPN: users.UPN(), Excel: f.excel}))
	}
	if audit && csv != a.out {
		o.text = a.out
		recorders = append(recorders, report.NewDiff(a.out, c.Properties()))
	}
	o.recorder = report.Tee(recorders...)
	return o, nil
}

// conclude ends the text of an audit with its counts. Quiet, it says nothing if
// all rows are as wanted.
func (o *output) conclude(quiet bool) {
	asWanted := o.summary.Failed() == 0 && o.summary.ByStatus[pipeline.Differs] == 0
	if o.text != nil && !(quiet && asWanted) {
		fmt.Fprintln(o.text, o.summary.String())
	}
}

// close closes the results file.
func (o *output) close() error {
	if o.file == nil {
		return nil
	}
	if err := o.file.Close(); err != nil {
		return fmt.Errorf("write %s: %w", o.name, err)
	}
	return nil
}

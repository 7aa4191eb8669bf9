package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"rollcall/pipeline"
	"rollcall/report"
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
	summary  report.Summary
	view     report.View         // what standard output has, or nil
	begun    bool                // the run has begun
	ended    bool                // so has view
	file     *report.ResultsFile // or nil
	page     *page               // or nil
	total    int                 // rows of the roster
	before   int                 // rows that earlier runs have recorded

	rows    pipeline.Rows            // those that are not recorded yet
	earlier map[int]pipeline.Earlier // what is known of them
}

// open opens the output of a run.
func (f *outputFlags) open(a *app, x *execution) (*output, error) {
	if err := f.canHTML(); err != nil {
		return nil, err
	}
	m, c, users := x.manifest(), x.change, x.users
	o := &output{total: m.Rows, rows: users.Rows()}
	var recorders []pipeline.Recorder
	m.Excel = f.excel
	format := report.Format{Properties: c.Properties(), Header: users.Header(), UPN: users.UPN(), Excel: f.excel}
	if x.source != nil {
		format.Own = x.source.own
	}
	var err error
	if o.view, err = x.view(format); err != nil {
		return nil, err
	}
	if f.name != "" && f.name != "-" {
		if f.resume {
			o.file, o.earlier, err = report.ResumeResults(f.name, format, m, o.rows, &o.summary)
		} else {
			o.file, err = report.CreateResults(f.name, f.overwrite, format, m)
		}
		if errors.Is(err, report.ErrExists) {
			return nil, &exit{status: exitError, err: err, hint: "--resume goes on with it, --overwrite replaces it"}
		}
		if err != nil {
			return nil, err
		}
		o.name = f.name
		recorders = append(recorders, o.file)
	}
	if o.view != nil {
		recorders = append(recorders, o.view)
	}
	if err := f.openHTML(x, o, format); err != nil {
		return nil, errors.Join(err, o.close())
	}
	if o.page != nil {
		recorders = append(recorders, o.page.Tally)
	}
	o.before = o.summary.Rows
	o.recorder = report.Counted(report.Tee(recorders...), &o.summary)
	return o, nil
}

// recount counts anew what is in the results file, which could not be written to
// the end, and returns how many of this run's records are of rows that calls were
// made for.
func (o *output) recount() (called int, err error) {
	o.summary = report.Summary{}
	if o.page != nil {
		o.page.Tally = report.NewTally(o.page.format)
	}
	f, err := os.Open(o.name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	r, err := report.NewResultsReader(f)
	if err != nil {
		return 0, err
	}
	for {
		var res pipeline.Result
		if err := r.Read(&res); err == io.EOF {
			return called, nil
		} else if err != nil {
			return called, err
		}
		o.summary.Record(&res)
		if res.Attempts > 0 && o.summary.Rows > o.before {
			called++
		}
		if o.page != nil {
			o.page.Tally.Record(&res)
		}
	}
}

// left returns how many rows are not recorded.
func (o *output) left() int { return o.total - o.summary.Rows }

// conclude ends what standard output has, once.
func (o *output) conclude() error {
	if o.view == nil || o.ended || !o.begun {
		return nil
	}
	o.ended = true
	return o.view.End(&o.summary, o.left() == 0)
}

// close concludes, and closes the results file.
func (o *output) close() error {
	err := o.conclude()
	if o.file == nil {
		return err
	}
	if cerr := o.file.Close(o.left() == 0); cerr != nil {
		return cerr
	}
	return err
}

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"rollcall/pipeline"
	"rollcall/pipeline/job"
	"rollcall/pipeline/results"
	"rollcall/report/html"
	"rollcall/tenant/connect"
	"rollcall/tenant/disk"
)

// htmlFlags choose the file of the HTML report, and the rows that it lists.
type htmlFlags struct {
	name string
	all  bool
}

func (f *htmlFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.name, "html", "", "write an HTML report to this `FILE`, which needs no other file and no network")
	fs.BoolVar(&f.all, "html-all", false, fmt.Sprintf("list and print all rows in the HTML report, at most %d, not only the first of each status", html.MostRows))
}

// check returns an error if the flags can't be used. Named means that the report gets a
// name even without --html.
func (f *htmlFlags) check(named bool) error {
	if f.name == "-" {
		return usage(errors.New("--html -: want the name of a file, not standard output"))
	}
	if f.all && f.name == "" && !named {
		return usage(errors.New("--html-all needs --html FILE"))
	}
	return nil
}

// warnLeftOut warns if --html-all was given and the report still does not list all
// rows.
func (f *htmlFlags) warnLeftOut(a *app, p *html.Page) {
	if left := p.Tally.LeftOut(); f.all && left > 0 {
		a.console.Warn("warning: the report lists %d rows, the most that a browser can show, and leaves out %d: the results file has all rows", html.MostRows, left)
	}
}

// A page is an output of a run that collects what the HTML report needs, and writes it
// at the end.
type page struct {
	html.Page
	x         *execution
	flags     *htmlFlags
	overwrite bool
	plan      job.Plan
	written   bool
}

// canWriteReport returns an error if the report called name can't be written.
func canWriteReport(name string, overwrite bool) error {
	err := disk.CheckReplace(name, overwrite)
	if errors.Is(err, disk.ErrExists) {
		return &exit{status: exitError, err: err, hint: "--overwrite replaces it"}
	}
	return err
}

// Open checks the file and adds the rows that are recorded already.
func (p *page) Open(plan job.Plan) error {
	if err := canWriteReport(p.flags.name, p.overwrite); err != nil {
		return err
	}
	m := plan.Manifest
	p.plan = plan
	change, _, err := describeRequest(&plan, 0, "")
	if err != nil {
		return err
	}
	p.Page = html.Page{Kind: m.Run, Change: change, Noun: m.Noun,
		Tenant: m.Tenant, Sandbox: !plan.Tenant.Real, Roster: baseName(plan.Users.Name()), Counts: plan.Counts,
		Results: baseName(plan.File), Earlier: plan.Counts.Recorded, Version: version(), All: p.flags.all}
	p.tally()
	if found := plan.Users.Description(); found.PassedOver > 0 {
		p.PassedOver = found.Passed()
	}
	if p.Earlier == 0 {
		return nil
	}
	f, err := os.Open(plan.File)
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := results.NewReader(f)
	if err == nil {
		err = p.Tally.Restore(r)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", plan.File, err)
	}
	return nil
}

// Begin starts the timeline of run.
func (p *page) Begin(run *pipeline.Run) error {
	p.Began, p.Timeline = time.Now(), html.Watch(run)
	return nil
}

// Record adds a row.
func (p *page) Record(r *pipeline.Result) error { return p.Tally.Record(r) }

// Flush does nothing: the report is written at the end.
func (p *page) Flush() error { return nil }

// Journalled adds a row that only the journal has.
func (p *page) Journalled(r *pipeline.Result) { p.Tally.Journalled(r) }

// Restart forgets all rows.
func (p *page) Restart() bool {
	p.tally()
	return true
}

// tally begins a new count of the rows.
func (p *page) tally() {
	p.Tally = html.NewTally(p.plan.Format)
	if p.flags.all {
		p.Tally.ListAll()
	}
}

// End writes the report.
func (p *page) End(o *results.Outcome, err error) error {
	p.Timeline.Stop()
	p.Ended, p.Counts, p.OnlyRead = time.Now(), o.Rows, !o.MaybeSet
	switch {
	case err == nil:
	case errors.Is(err, job.ErrInterrupted):
		if o.Rows.Left() > 0 {
			p.Stopped = "it was interrupted"
		}
	default:
		p.Stopped = strings.TrimPrefix(message(p.x.explain(err)), "stopped: ")
	}
	p.sign(o)
	err = disk.Replace(p.flags.name, p.overwrite, p.Write)
	p.written = err == nil
	p.flags.warnLeftOut(p.x.app, &p.Page)
	return err
}

// sign adds to the report what identifies the run, and the command lines to suggest.
func (p *page) sign(o *results.Outcome) {
	p.Note, p.CommandLine, p.Caller, p.Program = o.Note, o.CommandLine, o.Caller, o.Version
	p.By = html.By(o.User, o.Host)
	p.RosterSHA256, p.ResultsSHA256 = o.RosterSHA256, o.ResultsSHA256
	flags := p.x.sameTenant()
	f := followUp{kind: o.Command, file: p.x.output.file(), counts: &p.Counts, befores: p.plan.Befores,
		forgets: p.plan.Manifest.Where.Tenant == connect.Sandbox, tenant: flags, undoing: flags,
		roster: p.x.rosterName, readFirst: p.x.readFirst}
	if p.plan.Device || p.ResultsSHA256 == "" {
		f.file = ""
	}
	p.Commands = f.commands()
	if f.file != "" && p.Counts.Left() > 0 {
		p.Commands = append([]html.Command{{Does: "Go on with this run", Line: p.x.again()}}, p.Commands...)
	}
}

// baseName returns the name of a file without its directory, or "". A report may be sent
// by mail, so that it shows directories only in the command line, as typed.
func baseName(name string) string {
	if name == "" {
		return ""
	}
	return filepath.Base(name)
}

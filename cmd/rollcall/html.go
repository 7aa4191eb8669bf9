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
	"rollcall/tenant/disk"
)

// htmlFlags say where the HTML report goes.
type htmlFlags struct{ name string }

func (f *htmlFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.name, "html", "", "write a report to look at to this `FILE`: one that needs nothing else")
}

// check refuses a report that could not be one.
func (f *htmlFlags) check() error {
	if f.name == "-" {
		return usage(errors.New("--html -: the report is a file, not standard output"))
	}
	return nil
}

// A page is the HTML report of a run as it comes to be.
type page struct {
	html.Page
	x         *execution
	name      string
	overwrite bool
	plan      job.Plan
	written   bool
}

// canWriteReport finds out whether the report called name could be written.
func canWriteReport(name string, overwrite bool) error {
	err := disk.CheckReplace(name, overwrite)
	if errors.Is(err, disk.ErrExists) {
		return &exit{status: exitError, err: err, hint: "--overwrite replaces it"}
	}
	return err
}

// Open makes ready for the report, which has the rows too that are recorded already.
func (p *page) Open(plan job.Plan) error {
	if err := canWriteReport(p.name, p.overwrite); err != nil {
		return err
	}
	m := plan.Manifest
	p.plan = plan
	p.Page = html.Page{Kind: m.Run, Change: m.Change, Noun: m.Noun,
		Tenant: m.Tenant, Sandbox: !plan.Tenant.Real, Roster: baseName(plan.Users.Name()), Counts: plan.Counts,
		Results: baseName(plan.File), Earlier: plan.Counts.Recorded, Version: version(), Tally: html.NewTally(plan.Format)}
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

// Begin has the report show how run goes.
func (p *page) Begin(run *pipeline.Run) {
	p.Began, p.Timeline = time.Now(), html.Watch(run)
}

// Record adds a row.
func (p *page) Record(r *pipeline.Result) error { return p.Tally.Record(r) }

// Flush does nothing: the report is written at the end.
func (p *page) Flush() error { return nil }

// Journalled adds a row that only the journal has.
func (p *page) Journalled(r *pipeline.Result) { p.Tally.Journalled(r) }

// Restart forgets all rows.
func (p *page) Restart() bool {
	p.Tally = html.NewTally(p.plan.Format)
	return true
}

// End writes the report.
func (p *page) End(o *results.Outcome, err error) error {
	p.Timeline.Stop()
	p.Ended, p.Counts = time.Now(), o.Rows
	switch {
	case err == nil:
	case errors.Is(err, job.ErrInterrupted):
		if o.Rows.Left() > 0 {
			p.Stopped = "it was interrupted"
		}
	default:
		p.Stopped = strings.TrimPrefix(message(p.x.explain(err)), "stopped: ")
	}
	err = disk.Replace(p.name, p.overwrite, p.Write)
	p.written = err == nil
	return err
}

// baseName is the name of a file without its directory, which is nobody's business
// who gets the report by mail.
func baseName(name string) string {
	if name == "" {
		return ""
	}
	return filepath.Base(name)
}

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
	"rollcall/pipeline/results"
	"rollcall/report"
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

// canHTML finds out ahead of the run whether the report could be written.
func (f *outputFlags) canHTML() error {
	if f.html.name == "" {
		return nil
	}
	err := disk.CheckReplace(f.html.name, f.overwrite || f.resume)
	if errors.Is(err, disk.ErrExists) {
		return &exit{status: exitError, err: err, hint: "--overwrite replaces it"}
	}
	return err
}

// A page is the HTML report of a run as it comes to be. A nil one is none.
type page struct {
	report.Page
	name      string
	overwrite bool
	format    results.Format
}

// openHTML makes ready for the report of a run that writes its results to o, if
// there is to be one.
func (f *outputFlags) openHTML(x *execution, o *output, format results.Format) error {
	if f.html.name == "" {
		return nil
	}
	m := x.manifest()
	p := &page{name: f.html.name, overwrite: f.overwrite || f.resume, format: format}
	p.Page = report.Page{Kind: m.Kind(), Change: m.Change, Noun: m.Noun,
		Tenant: m.Tenant, Sandbox: !x.conn.Real, Roster: baseName(x.users.Name()), Counts: o.counts,
		Results: baseName(o.name), Earlier: o.counts.Recorded, Version: version(), Tally: report.NewTally(format)}
	if found := x.users.Description(); found.PassedOver > 0 {
		p.PassedOver = found.Passed()
	}
	o.page = p
	if p.Earlier > 0 {
		return p.restore(o.name)
	}
	return nil
}

// baseName is the name of a file without its directory, which is nobody's
// business who gets the report by mail.
func baseName(name string) string {
	if name == "" {
		return ""
	}
	return filepath.Base(name)
}

// restore counts the rows of the results file that is gone on with.
func (p *page) restore(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := results.NewReader(f)
	if err == nil {
		err = p.Tally.Restore(r)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}

// watch has the report show how run goes, until stop is called.
func (p *page) watch(run *pipeline.Run) (stop func()) {
	if p == nil {
		return func() {}
	}
	p.Began, p.Timeline = time.Now(), report.Watch(run)
	return p.Timeline.Stop
}

// conclude writes the report of a run that ended with err, and returns how the
// command ends: with err, unless that is about rows and the report could not be
// written.
func (p *page) conclude(x *execution, err error) error {
	if p == nil || p.Timeline == nil { // not confirmed, or a guard was against it
		return err
	}
	p.Ended = time.Now()
	p.Counts = x.out.counts
	switch {
	case message(err) != "":
		p.Stopped = strings.TrimPrefix(message(err), "stopped: ")
	case x.interrupts.status() != 0 && x.out.left() > 0:
		p.Stopped = "it was interrupted"
	}
	werr := disk.Replace(p.name, p.overwrite, p.Write)
	switch {
	case werr == nil:
		x.app.console.Say("the report is in %s", p.name)
	case message(err) == "":
		return &exit{status: max(exitError, x.interrupts.status()), err: werr}
	default:
		x.app.console.Warn("%v", werr)
	}
	return err
}

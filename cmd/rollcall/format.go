package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/pflag"

	"rollcall/pipeline"
	"rollcall/pipeline/job"
	"rollcall/pipeline/results"
	"rollcall/report"
)

// formatFlags say what standard output has, and how.
type formatFlags struct {
	formFlags
	color, baseline string
	first           bool // there is no baseline yet
	makes           bool // it is where the results go
}

func (f *formatFlags) add(fs *pflag.FlagSet) {
	f.formFlags.add(fs, "results", "text for an audit; else csv, or nothing with -o")
	fs.StringVar(&f.color, "color", "auto", "`WHEN` to paint text: always, never or auto, which is on a terminal and unless NO_COLOR is set")
}

// addBaseline adds the flag of an audit.
func (f *formatFlags) addBaseline(fs *pflag.FlagSet) {
	fs.StringVar(&f.baseline, "baseline", "", "print only what has changed since the audit whose results are in this `FILE`, and exit with 4 only then; without the file all is new, and without -o it is made")
}

// findBaseline finds out whether this is the first audit with its baseline. If that
// has no results file of its own, they become the baseline.
func (f *outputFlags) findBaseline() {
	name := f.baseline
	if name == "" || exists(name) || exists(name+".journal") { // or there was one
		return
	}
	f.first = true
	if f.name == "" && !f.resume {
		f.name, f.makes = name, true
	}
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return !errors.Is(err, os.ErrNotExist)
}

// firstNotice says that there is nothing to compare with.
func (f *outputFlags) firstNotice() string {
	text := fmt.Sprintf("there is no %s to compare with yet: all that is not as wanted is new, and ", f.baseline)
	if f.makes {
		return text + "this audit makes it"
	}
	return text + f.name + " can be it"
}

// checkFormat refuses what standard output can't have.
func (f *jobFlags) checkFormat() error {
	o := &f.output
	if err := o.formFlags.check(); err != nil {
		return err
	}
	records := o.format == "json" || o.format == "jsonl" || o.format == "csv"
	switch {
	case o.color != "auto" && o.color != "always" && o.color != "never":
		return usage(fmt.Errorf("--color %q: want auto, always or never", o.color))
	case o.name == "-" && o.format != "" && o.format != "csv":
		return usage(fmt.Errorf("-o - is the CSV on standard output, where --format %s is to go too: want one of them", o.format))
	case f.console.quiet && records && o.name != "-":
		return &exit{status: exitUsage, err: fmt.Errorf("--quiet says nothing if all is well, --format %s has every row: want one of them", o.format),
			hint: "-o FILE keeps the results; 2>/dev/null silences standard error alone"}
	case o.baseline == "":
		return nil
	case !f.audit:
		return usage(errors.New("--baseline is for an audit"))
	case o.format != "" && o.format != "text", o.name == "-":
		return usage(errors.New("--baseline prints text: want no other --format, and no -o -"))
	case o.resume:
		return usage(errors.New("--baseline compares every row, --resume passes over those that are recorded: want one of them"))
	}
	return nil
}

// form returns what standard output has of the results: one of the formats, or ""
// for nothing.
func (x *execution) form() string {
	name := x.output.name
	switch {
	case x.output.format != "":
		return x.output.format
	case name == "-":
		return "csv"
	case x.monitoring.summary == "-":
		return ""
	case x.audit:
		return "text"
	case name == "" && x.console.quiet:
		return "text" // which is nothing if all is well
	case name == "":
		return "csv"
	}
	return ""
}

// A screen is standard output, which has in one form or another what a run does.
type screen struct {
	report.View // nil until it is open
	x           *execution
	began       bool
}

// Open chooses the form.
func (s *screen) Open(p job.Plan) (err error) {
	if s.x.form() == "" && s.x.output.baseline == "" { // the record has got a file since
		s.View = silence{}
		return nil
	}
	s.View, err = s.x.view(p)
	return err
}

// silence is what standard output has if the results are in a file.
type silence struct{}

func (silence) Record(*pipeline.Result) error { return nil }
func (silence) Flush() error                  { return nil }
func (silence) End(*pipeline.Counts) error    { return nil }

// Begin notes that there is something to end.
func (s *screen) Begin(*pipeline.Run) { s.began = true }

// End writes what can't be said before the end.
func (s *screen) End(o *results.Outcome, _ error) error { return s.View.End(&o.Rows) }

// outputs returns what is told of each row beside the results file.
func (x *execution) outputs() []job.Output {
	var all []job.Output
	if x.form() != "" || x.output.baseline != "" {
		all = append(all, &screen{x: x})
	}
	if x.output.html.name != "" {
		x.page = &page{x: x, flags: &x.output.html, overwrite: x.output.overwrite || x.output.resume}
		all = append(all, x.page)
	}
	if x.console.draws(x.app) && x.output.baseline == "" { // which wants what is news alone
		all = append(all, &x.failures)
	}
	return all
}

// view returns what standard output has of the run.
func (x *execution) view(p job.Plan) (report.View, error) {
	w, color, quiet := x.app.stdout(), x.paints(), x.console.quiet
	switch form := x.form(); {
	case x.output.baseline != "":
		return x.sinceBaseline(w, p)
	case form == "csv":
		return report.Lined(w, p.Format, isTerminal(x.app.out)), nil
	case form == "json":
		return report.NewJSONRows(w, p.Format), nil
	case form == "jsonl":
		return report.NewJSONLines(w, p.Format), nil
	case form == "markdown":
		command := p.Kind
		if p.Manifest.ReadFirst {
			command += " --read-first"
		}
		m := report.NewMarkdown(w, fmt.Sprintf("rollcall %s: %s", command, p.Change), p.Format.Properties, p.Format.Moved)
		m.Quiet = quiet
		return m, nil
	}
	d := report.NewDiff(w, p.Format.Properties)
	d.Color, d.Quiet, d.Moved, d.SetsAll = color, quiet, p.Format.Moved, "apply without --read-first"
	return d, nil
}

// sinceBaseline returns what has changed since the audit that is the baseline.
func (x *execution) sinceBaseline(w io.Writer, p job.Plan) (report.View, error) {
	name := x.output.baseline
	b, err := results.ReadBaseline(name, p.Format.Properties, p.Manifest)
	if x.output.first {
		b, err = results.NoBaseline(name), nil
		x.app.console.Remind("%s", x.output.firstNotice())
	}
	switch {
	case errors.Is(err, results.ErrUnfinished):
		return nil, &exit{status: exitError, err: err, hint: "the command of that audit with --resume finishes it"}
	case err != nil:
		return nil, err
	}
	for _, text := range b.Warnings {
		x.app.console.Warn("warning: baseline %s: %s", name, text)
	}
	x.news = report.NewNews(w, p.Format.Properties, b, x.paints(), x.console.quiet)
	return x.news, nil
}

// paints reports whether text is to be in color.
func (x *execution) paints() bool {
	return paints(x.output.color, takesSequences(x.app.out))
}

func paints(when string, terminal bool) bool {
	if when != "auto" {
		return when == "always"
	}
	return terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

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

// formatFlags choose what a run writes to standard output.
type formatFlags struct {
	formFlags
	color, baseline string
	first           bool // the file of baseline does not exist yet
	makes           bool // the results of this audit go to that file
}

func (f *formatFlags) add(fs *pflag.FlagSet) {
	f.formFlags.add(fs, "results", "text for an audit; otherwise csv, or nothing with -o")
	fs.StringVar(&f.color, "color", "auto", "`WHEN` to color text: always, never or auto, which colors on a terminal unless NO_COLOR is set")
}

// addBaseline adds the flag --baseline, which only an audit has.
func (f *formatFlags) addBaseline(fs *pflag.FlagSet) {
	fs.StringVar(&f.baseline, "baseline", "", "print only what has changed since the audit in this `FILE`, and exit with 4 only if something has; the first time, without -o, write the FILE")
}

// findBaseline finds out whether the baseline exists. If not, and the audit has no -o,
// its results go to the file of the baseline. A link that leads nowhere is an error.
func (f *outputFlags) findBaseline() error {
	name := f.baseline
	if name == "" || exists(name) || exists(name+".journal") { // a journal means that there was a baseline
		return nil
	}
	if _, err := os.Lstat(name); err == nil {
		return &exit{status: exitError, err: fmt.Errorf("baseline %s: it is a link that leads nowhere", name)}
	}
	f.first = true
	if f.name == "" && !f.resume {
		f.name, f.makes = name, true
	}
	return nil
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return !errors.Is(err, os.ErrNotExist)
}

// firstNotice returns the message that there is no baseline to compare with.
func (f *outputFlags) firstNotice() string {
	text := fmt.Sprintf("there is no %s to compare with yet: every difference counts as new, and ", f.baseline)
	if f.makes {
		return text + "this audit writes the file"
	}
	return text + "the next audit can use " + f.name
}

// checkFormat returns an error if the flags contradict each other on what standard
// output has.
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
		return usage(fmt.Errorf("-o - writes CSV to standard output, and --format %s writes there too: want one of them", o.format))
	case f.console.quiet && records && o.name != "-":
		return &exit{status: exitUsage, err: fmt.Errorf("--quiet prints nothing if all is well, --format %s prints every row: want one of them", o.format),
			hint: "-o FILE keeps the results; 2>/dev/null hides standard error only"}
	case o.baseline == "":
		return nil
	case !f.audit:
		return usage(errors.New("--baseline is for an audit"))
	case o.format != "" && o.format != "text", o.name == "-":
		return usage(errors.New("--baseline prints text: want neither another --format nor -o -"))
	case o.resume:
		return usage(errors.New("--baseline compares every row, --resume passes over recorded rows: want one of them"))
	}
	return nil
}

// form returns the form in which standard output has the results, or "" if it has none.
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
		return "text" // with --quiet it is empty if all is well
	case name == "":
		return "csv"
	}
	return ""
}

// A screen writes the rows of a run to standard output, in the form that was asked for.
type screen struct {
	report.View // nil until Open
	x           *execution
	began       bool
}

// Open makes the View of the form.
func (s *screen) Open(p job.Plan) (err error) {
	if s.x.form() == "" && s.x.output.baseline == "" { // the results have got a default file name since
		s.View = silence{}
		return nil
	}
	s.View, err = s.x.view(p)
	return err
}

// silence is the View that writes nothing.
type silence struct{}

func (silence) Record(*pipeline.Result) error { return nil }
func (silence) Flush() error                  { return nil }
func (silence) End(*pipeline.Counts) error    { return nil }

// Begin writes the header of CSV: that standard output can't be written is found out before
// the first call.
func (s *screen) Begin(*pipeline.Run) error {
	s.began = true
	if csv, ok := s.View.(interface{ Header() error }); ok {
		return csv.Header()
	}
	return nil
}

// End writes what is known only at the end of the run.
func (s *screen) End(o *results.Outcome, _ error) error { return s.View.End(&o.Rows) }

// outputs returns the outputs that get each row in addition to the results file.
func (x *execution) outputs() []job.Output {
	var all []job.Output
	if x.form() != "" || x.output.baseline != "" {
		all = append(all, &screen{x: x})
	}
	if x.output.html.name != "" {
		x.page = &page{x: x, flags: &x.output.html, overwrite: x.output.overwrite || x.output.resume}
		all = append(all, x.page)
	}
	if x.console.draws(x.app) && x.output.baseline == "" { // --baseline prints news only
		all = append(all, &x.failures)
	}
	return all
}

// view returns the View that writes the rows to standard output.
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

// sinceBaseline returns the View of what has changed since the baseline.
func (x *execution) sinceBaseline(w io.Writer, p job.Plan) (report.View, error) {
	name := x.output.baseline
	b, err := results.ReadBaseline(name, p.Format.Properties, p.Manifest)
	if x.output.first {
		b, err = results.NoBaseline(name), nil
		x.app.console.Remind("%s", x.output.firstNotice())
	}
	switch {
	case errors.Is(err, results.ErrUnfinished):
		return nil, &exit{status: exitError, err: err, hint: "rollcall audit " + quoteArg(x.rosterName) + " with the same flags, but -o " + quoteArg(name) + " --resume in place of --baseline, finishes it; without " + quoteArg(name) + " and what is beside it, the next audit makes it anew"}
	case errors.Is(err, results.ErrDamaged):
		return nil, &exit{status: exitError, err: err, hint: "put " + quoteArg(name) + " back as its audit left it, or move it and what is beside it away: the next audit is then a first one, for which every difference is new"}
	case err != nil:
		return nil, err
	}
	for _, text := range b.Warnings {
		x.app.console.Warn("warning: baseline %s: %s", name, text)
	}
	x.news = report.NewNews(w, p.Format.Properties, b, x.paints(), x.console.quiet)
	return x.news, nil
}

// paints reports whether text is colored.
func (x *execution) paints() bool {
	return paints(x.output.color, takesSequences(x.app.out))
}

func paints(when string, terminal bool) bool {
	if when != "auto" {
		return when == "always"
	}
	return terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/pflag"

	"rollcall/pipeline/results"
	"rollcall/report"
)

// formatFlags say what standard output has, and how.
type formatFlags struct {
	format, color, baseline string
}

func (f *formatFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.format, "format", "", "print results in this `FORM`: text, csv, json or markdown (default text for an audit; else csv, or nothing with -o)")
	fs.StringVar(&f.color, "color", "auto", "`WHEN` to paint text: always, never or auto, which is on a terminal and unless NO_COLOR is set")
}

// addBaseline adds the flag of an audit.
func (f *formatFlags) addBaseline(fs *pflag.FlagSet) {
	fs.StringVar(&f.baseline, "baseline", "", "print only what has changed since the audit whose results are in this `FILE`, and exit with 4 only then")
}

// checkFormat refuses what standard output can't have.
func (j *job) checkFormat() error {
	f := &j.output.formatFlags
	records := f.format == "json" || f.format == "csv"
	switch {
	case f.format != "" && f.format != "text" && f.format != "markdown" && !records:
		return usage(fmt.Errorf("--format %q: want text, csv, json or markdown", f.format))
	case f.color != "auto" && f.color != "always" && f.color != "never":
		return usage(fmt.Errorf("--color %q: want auto, always or never", f.color))
	case j.output.name == "-" && f.format != "" && f.format != "csv":
		return usage(fmt.Errorf("-o - is the CSV on standard output, where --format %s is to go too: want one of them", f.format))
	case j.talk.quiet && records && j.output.name != "-":
		return &exit{status: exitUsage, err: fmt.Errorf("--quiet says nothing if all is well, --format %s has every row: want one of them", f.format),
			hint: "-o FILE keeps the results; 2>/dev/null silences standard error alone"}
	case f.baseline == "":
		return nil
	case !j.audit:
		return usage(errors.New("--baseline is for an audit"))
	case f.format != "" && f.format != "text", j.output.name == "-":
		return usage(errors.New("--baseline prints text: want no other --format, and no -o -"))
	case j.output.resume:
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
	case x.tell.summary == "-":
		return ""
	case x.audit:
		return "text"
	case name == "" && x.talk.quiet:
		return "text" // which is nothing if all is well
	case name == "":
		return "csv"
	}
	return ""
}

// view returns what standard output has of the run, or nil for nothing.
func (x *execution) view(format results.Format) (report.View, error) {
	w, color, quiet := x.app.stdout(), x.paints(), x.talk.quiet
	switch form := x.form(); {
	case x.output.baseline != "":
		b, err := results.ReadBaseline(x.output.baseline, format.Properties, x.manifest())
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &exit{status: exitError, err: err, hint: "the first audit makes it: without --baseline, and with -o " + x.output.baseline}
		}
		if errors.Is(err, results.ErrUnfinished) {
			return nil, &exit{status: exitError, err: err, hint: "the command of that audit with --resume finishes it"}
		}
		if err != nil {
			return nil, err
		}
		for _, w := range b.Warnings {
			x.app.console.Warn("warning: baseline %s: %s", x.output.baseline, w)
		}
		x.news = report.NewNews(w, format.Properties, b, color, quiet)
		return x.news, nil
	case form == "csv":
		return report.Lined(w, format, isTerminal(x.app.out)), nil
	case form == "json":
		return report.NewJSONRows(w, format), nil
	case form == "markdown":
		m := report.NewMarkdown(w, fmt.Sprintf("rollcall %s: %s", x.kind(), x.change), format.Properties, format.Moved)
		m.Quiet = quiet
		return m, nil
	case form == "text":
		d := report.NewDiff(w, format.Properties)
		d.Color, d.Quiet, d.Moved = color, quiet, format.Moved
		return d, nil
	}
	return nil, nil
}

// newsOutcome is outcome for an audit with a baseline: only a change counts.
func (x *execution) newsOutcome() error {
	if x.news.Changed() {
		return &exit{status: exitDiffers}
	}
	return nil
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

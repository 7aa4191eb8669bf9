package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"rollcall/pipeline"
	"rollcall/pipeline/results"
	"rollcall/report"
)

// oneResults is the rule for commands that read one results file.
func oneResults(_ *cobra.Command, args []string) error {
	switch len(args) {
	case 0:
		return errors.New("no results file: name one, or - for standard input")
	case 1:
		return nil
	}
	return fmt.Errorf("want one file, not %d: %s", len(args), strings.Join(args, " "))
}

// reprint prints the rows of the results file called name, as the run itself prints them
// in that form. The values that an audit says would change too are left out: they are
// not recorded.
func (a *app) reprint(name, form string) error {
	past := &results.Past{}
	in := io.NopCloser(a.in)
	if name != "-" {
		var err error
		if past, err = results.ReadPast(name); err != nil {
			return err
		}
		for _, doubt := range past.Doubts {
			a.console.Warn("warning: %s", doubt)
		}
		if in, err = past.Open(false); err != nil {
			return err
		}
	}
	defer in.Close()
	r, err := results.NewReader(in)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	counts := past.Counts
	counts.Recorded, counts.Journalled, counts.ByStatus = 0, 0, [len(pipeline.Statuses)]int{}
	view := reprinted(a, r, past, form)
	if view == nil {
		return usage(fmt.Errorf("--format %s: want another format for a results file", form))
	}
	for {
		var res pipeline.Result
		if err := r.Read(&res); err == io.EOF {
			break
		} else if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		for i := range res.Values {
			res.Values[i].Same = res.Values[i].Before == res.Values[i].Wanted
		}
		counts.Record(&res)
		if err := view.Record(&res); err != nil {
			return err
		}
	}
	if r.Torn() {
		a.console.Warn("warning: %s: the last record is incomplete and is left out", name)
	}
	counts.Total = max(counts.Total, counts.Recorded)
	return view.End(&counts)
}

// reprinted returns the View that prints the records of r in a form, or nil if there is
// none for it.
func reprinted(a *app, r *results.Reader, past *results.Past, form string) report.View {
	switch f := r.Format(); form {
	case "csv":
		return report.Lined(a.out, f, isTerminal(a.out))
	case "json":
		return report.NewJSONRows(a.out, f)
	case "jsonl":
		return report.NewJSONLines(a.out, f)
	case "markdown":
		title := "rollcall"
		if m := past.Manifest; m != nil {
			title = fmt.Sprintf("rollcall %s: %s", m.Run, m.Change)
		}
		return report.NewMarkdown(a.out, title, f.Properties, f.Moved)
	}
	return nil
}

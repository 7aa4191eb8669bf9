package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rollcall/pipeline/results"
	"rollcall/report/html"
	"rollcall/tenant/disk"
)

func (a *app) report() *cobra.Command {
	var html htmlFlags
	var overwrite bool
	c := &cobra.Command{
		Use:   "report RESULTS",
		Short: "Say what is in a results file or a diff, as text or as an HTML report",
		Long: `report says what is in a results file or a diff: as text or, with --html, as a
report to look at, to mail and to print. It contacts no tenant.`,
		Example: `  rollcall report results.csv
  rollcall report results.csv --html report.html
  rollcall report - --html audit.html < diff.csv`,
		Annotations: more(`It says how many rows there are of each status, how many went from which value to
which, and how that differs by the columns of the roster that have few values. The
HTML report has the rows to search and sort too, in one file that needs nothing
else. --html of audit, apply and undo also tells the tenant, and the run over time.`,
			exitOK, exitError, exitUsage),
		Args: oneFile,
		RunE: func(_ *cobra.Command, args []string) error {
			name := args[0]
			if err := html.check(); err != nil {
				return err
			}
			if err := a.distinct(namedFile{"the results", name, false}, namedFile{"--html", html.name, true}); err != nil {
				return err
			}
			if html.name != "" {
				if err := canWriteReport(html.name, overwrite); err != nil {
					return err
				}
			}
			p, err := readPage(a, name)
			if err != nil {
				return err
			}
			if html.name == "" {
				return p.Text(a.out)
			}
			if err := disk.Replace(html.name, overwrite, p.Write); err != nil {
				return err
			}
			a.console.Say("the report is in %s", html.name)
			return nil
		},
	}
	grouped(c.Flags(), "Output", func(fs *pflag.FlagSet) {
		html.add(fs)
		fs.BoolVar(&overwrite, "overwrite", false, "replace a report that is there already")
	})
	return c
}

// readPage returns the report of the results file called name, as far as the file
// and what stands beside it tell.
func readPage(a *app, name string) (*html.Page, error) {
	p := &html.Page{Source: "standard input", Version: version()}
	if name == "-" {
		if err := fill(p, a.in); err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		return p, nil
	}
	past, err := results.ReadPast(name)
	if err != nil {
		return nil, err
	}
	p.Source, p.Results = baseName(name), baseName(name)
	if m := past.Manifest; m != nil {
		p.Kind, p.Tenant, p.Noun, p.Change, p.By = m.Run, m.Tenant, m.Noun, m.Change, past.By
		p.Sandbox = m.Where.IsSandbox()
		p.Counts = past.Counts
	}
	p.Doubts = past.Doubts
	in, err := past.Open(false)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	if err := fill(p, in); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return p, nil
}

func fill(p *html.Page, in io.Reader) error {
	r, err := results.NewReader(in)
	if err != nil {
		return err
	}
	p.Tally = html.NewTally(r.Format())
	err = p.Tally.Restore(r)
	if err == nil && r.Torn() {
		p.Doubts = append(p.Doubts, "The file ends in a record that was cut short: it is left out")
	}
	return err
}

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rollcall/pipeline"
	"rollcall/pipeline/job"
	"rollcall/pipeline/lock"
	"rollcall/pipeline/results"
	"rollcall/report"
	"rollcall/report/html"
	"rollcall/tenant/connect"
	"rollcall/tenant/disk"
)

func (a *app) report() *cobra.Command {
	var html htmlFlags
	var form formFlags
	var overwrite, open bool
	c := &cobra.Command{
		Use:   "report RESULTS",
		Short: "Say what is in a results file or a diff, as text or as an HTML report",
		Long: `report says what is in a results file or a diff: as text or, with --html, as a
report to look at, to mail and to print. It contacts no tenant.`,
		Example: `  rollcall report results.csv
  rollcall report results.csv --html report.html
  rollcall report results.csv --open
  rollcall report results.csv --format markdown
  rollcall report - --html audit.html < diff.csv`,
		Annotations: more(`It says how many rows there are of each status, how many went from which value to
which, and how that differs by the columns of the roster that have few values. The
HTML report has the rows to search and sort too, in one file that needs nothing
else; of those it prints the ones that need a person, or all with --html-all.
--html of audit, apply and undo also tells the run over time.

--format csv, json, jsonl and markdown print the rows instead, those included that only the
journal of a stopped run has.`,
			meaning{exitOK, "the report was made, whatever the rows came to"}, meaning{exitError, "the file can't be read, or the report not written"}, meansWrong),
		Args: oneResults,
		RunE: func(_ *cobra.Command, args []string) error {
			name := args[0]
			if err := html.check(open); err != nil {
				return err
			}
			if err := form.check(); err != nil {
				return err
			}
			if form.format != "" && (html.name != "" || open) {
				return usage(fmt.Errorf("--html and --open are about a form of their own, and --format %s is another: want one of them", form.format))
			}
			if err := a.distinct(namedFile{"the results", name, false}, namedFile{"--html", html.name, true}); err != nil {
				return err
			}
			if html.name != "" {
				if err := canWriteReport(html.name, overwrite); err != nil {
					return err
				}
			}
			if form.format != "" && form.format != "text" {
				return a.reprint(name, form.format)
			}
			p, err := readPage(a, name, html.all)
			if err != nil {
				return err
			}
			if html.name == "" && !open {
				return p.Text(a.out)
			}
			file := html.name
			if file == "" {
				file, err = writeTemporary(p.Write)
			} else {
				err = disk.Replace(file, overwrite, p.Write)
			}
			if err != nil {
				return err
			}
			html.warnLeftOut(a, p)
			a.console.Say("the report is in %s", file)
			if open {
				if err := openFile(file); err != nil {
					a.console.Warn("warning: %s could not be opened: %v", file, err)
				}
			}
			return nil
		},
	}
	grouped(c.Flags(), "Output", func(fs *pflag.FlagSet) {
		html.add(fs)
		form.add(fs, "it", "text")
		fs.BoolVar(&overwrite, "overwrite", false, "replace a report that is there already")
		fs.BoolVar(&open, "open", false, "open the report in the browser; without --html, of a temporary file")
	})
	return c
}

// readPage returns the report of the results file called name, as far as the file
// and what stands beside it tell.
func readPage(a *app, name string, all bool) (*html.Page, error) {
	p := &html.Page{Source: "standard input", Version: version(), All: all}
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
		p.Kind, p.Tenant, p.Noun, p.By = m.Run, m.Tenant, m.Noun, past.By
		if p.Change, err = asked(past); err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		p.Sandbox = m.Where.IsSandbox()
		p.Counts = past.Counts
		signPast(p, past)
	}
	p.Doubts, p.Unaccounted = past.Doubts, past.Unaccounted
	if lock.Results(name).Held() != nil {
		// What seems not to fit together is of another moment.
		p.Running, p.Doubts = true, nil
	}
	in, err := past.Open(false)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	if err := fill(p, in); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if past.HasJournalRows() { // then it is not the file alone that was read
		if p.ResultsSHA256, err = past.SHA256(); err != nil {
			return nil, err
		}
	}
	if m := past.Manifest; m != nil && !past.Unknown {
		p.Commands = followUp{kind: m.Run, file: name, counts: &p.Counts, befores: m.Befores,
			forgets: m.Where.Tenant == connect.Sandbox, tenant: flagsFor(m.Where),
			roster: past.Signed.Roster, readFirst: m.ReadFirst}.commands()
	}
	return p, nil
}

// signPast ties the report to what is on record of how its run came about.
func signPast(p *html.Page, past *results.Past) {
	s := past.Signed
	p.Note, p.Caller, p.CommandLine, p.Program = s.Note, s.Caller, s.CommandLine, s.Version
	p.Roster, p.RosterSHA256 = baseName(s.Roster), s.RosterSHA256
	if s.Roster == "-" {
		p.Roster = "standard input"
	}
}

// asked says in a sentence what was asked of the users who are in the results of a
// run, of which there is a record.
func asked(past *results.Past) (string, error) {
	in, err := past.Open(false)
	if err != nil {
		return "", err
	}
	defer in.Close()
	r, err := results.NewReader(in)
	if err != nil {
		return "", err
	}
	asked := report.NewAsked(r.Format().Properties)
	if noun := past.Manifest.Noun; noun != job.DefaultNoun {
		asked.Noun = noun
	}
	for {
		var res pipeline.Result
		err := r.Read(&res)
		if err == io.EOF {
			break
		}
		if err != nil {
			return "", err
		}
		if slices.ContainsFunc(res.Values, func(v pipeline.Value) bool { return v.Wanted != "" }) {
			asked.Add(res.Values)
		}
	}
	whose := ""
	if past.Counts.Left() > 0 {
		whose = "the first"
	}
	if past.Manifest.Run == "undo" {
		return asked.PutBack(len(r.Format().Properties), whose), nil
	}
	return asked.Set(whose), nil
}

// fill reads the rows of a report, and takes the digest of what they are in.
func fill(p *html.Page, in io.Reader) error {
	sum := sha256.New()
	r, err := results.NewReader(io.TeeReader(in, sum))
	if err != nil {
		return err
	}
	p.Tally = html.NewTally(r.Format())
	if p.All {
		p.Tally.ListAll()
	}
	err = p.Tally.Restore(r)
	p.ResultsSHA256 = hex.EncodeToString(sum.Sum(nil))
	if err == nil && r.Torn() {
		p.Doubts = append(p.Doubts, "The file ends in a record that was cut short: it is left out")
	}
	return err
}

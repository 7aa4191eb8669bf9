package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"

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
		Short: "Show what is in a results file or a diff, as text or as an HTML report",
		Long: `report shows what is in a results file or the diff of an audit: as text or, with
--html, as an HTML report to read, mail and print. It contacts no tenant.`,
		Example: `  rollcall report results.csv
  rollcall report results.csv --html report.html
  rollcall report results.csv --open
  rollcall report results.csv --format markdown
  rollcall report - --html audit.html < diff.csv`,
		Annotations: more(`report shows how many rows have each status, how many changed from which value to
which, and the same for each column of the roster that has few values. The HTML report
also lists the rows, to search and sort. It is one file, which needs no other file and no
network. On paper it has the rows that need a person's attention, or all with --html-all.
With --html, audit, apply and undo also show the speed of the run over time.

--format csv, json, jsonl or markdown prints the rows instead. They include the rows of
a stopped run that only its journal has.`,
			meaning{exitOK, "the report was made, even if rows failed"}, meaning{exitError, "the file can't be read, or the report can't be written"}, meansWrong),
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
				return usage(fmt.Errorf("--html and --open make an HTML report, --format %s prints another form: want one of them", form.format))
			}
			files := []namedFile{{"the results", name, false}}
			if name != "-" {
				files = append(files, namedFile{"the lock of the results", lock.Results(name).Path, false})
				for _, beside := range results.Beside(name) {
					files = append(files, namedFile{"what belongs to the results", beside, false})
				}
			}
			if err := a.distinct(append(files, namedFile{"--html", html.name, true})...); err != nil {
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
		form.add(fs, "the results", "text")
		fs.BoolVar(&overwrite, "overwrite", false, "replace a report that exists")
		fs.BoolVar(&open, "open", false, "open the report in the browser; without --html, write it to a temporary file")
	})
	return c
}

// readPage returns the report of the results file called name, with what the file, its
// journal and its summary hold.
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
		p.Counts, p.OnlyRead = past.Counts, past.Untouched
		signPast(p, past)
		p.Stopped = strings.TrimPrefix(past.Stopped, "stopped: ")
		if past.Stopped == job.ErrInterrupted.Error() {
			p.Stopped = "it was interrupted"
		}
	}
	p.Doubts, p.Unaccounted, p.Undone = past.Doubts, past.Unaccounted, past.Undone()
	if lock.Results(name).Held() != nil {
		// The files change while they are read, and so seem not to match.
		p.Running, p.Doubts, p.Stopped = true, nil, ""
	}
	in, err := past.Open(false)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	if err := fill(p, in); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if past.HasJournalRows() { // the digest that fill took is not that of the file
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

// signPast adds to the report what is recorded about its run: note, caller, command line,
// version and roster.
func signPast(p *html.Page, past *results.Past) {
	s := past.Signed
	p.Note, p.Caller, p.CommandLine, p.Program = s.Note, s.Caller, s.CommandLine, s.Version
	p.Roster, p.RosterSHA256 = baseName(s.Roster), s.RosterSHA256
	if s.Roster == "-" {
		p.Roster = "standard input"
	}
}

// asked returns a sentence on what a recorded run asked for, of the users in its results.
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

// fill adds the rows of in to the report, and the digest of in.
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
		p.Doubts = append(p.Doubts, "The last record of the file is incomplete and is left out")
	}
	return err
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rollcall/pipeline/fleet"
	"rollcall/pipeline/fleet/queue"
	"rollcall/pipeline/fleet/work"
	"rollcall/pipeline/lock"
	"rollcall/report"
)

// fleetResultsFlags are those of fleet results.
type fleetResultsFlags struct {
	server fleetServerFlags
	dir    string
	html   htmlFlags

	begun bool // the directory is that of the fleet already
}

func (a *app) fleetResults() *cobra.Command {
	var f fleetResultsFlags
	c := &cobra.Command{
		Use:   "results FLEET",
		Short: "Get the results of a fleet from a fleet server",
		Long: `results writes into a directory what fleet run leaves there: the results of each tenant
with their summary, all of them in one file, and what came of the fleet.`,
		Example: `  rollcall fleet results nightly -o results --server nats://127.0.0.1:4233
  rollcall fleet results nightly -o results --html results/fleet.html --server nats://127.0.0.1:4233
  rollcall fleet results nightly-20260214-023000 -o results --server tls://fleet.contoso.com:4233 --token-file token`,
		Annotations: more(`FLEET is the ID that submit printed, or a name, which means its latest fleet. The
directory, which is made if need be, has then, for each tenant, NAME.csv and NAME.csv.json,
and of one that is not done its journal NAME.csv.journal: undo takes all three; all.csv
with the records of all tenants; and fleet.json with what came of the fleet.

Of a fleet that is at work it has what workers have left so far: the results of tenants
that have ended, or were paused or handed back. The same command again brings them up to
date. A directory of anything else, or of another fleet, is refused.`,
			meaning{exitOK, "the results are in the directory, whatever came of the fleet"},
			meaning{exitError, "there is no such fleet, the server can't be reached, or the directory can't be used"}, meansWrong,
			meaning{exitHeld, "another process is at the directory"}),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("want one fleet: its ID, or its name (rollcall fleet status lists them)")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return f.run(a, args[0]) },
	}
	f.server.add(c.Flags())
	grouped(c.Flags(), "Output", func(fs *pflag.FlagSet) {
		fs.StringVarP(&f.dir, "output", "o", "", "write the results into this `DIR`, which is made if need be")
		f.html.add(fs)
	})
	return c
}

func (f *fleetResultsFlags) run(a *app, name string) error {
	if f.dir == "" || f.dir == "-" {
		return usage(errors.New("no directory for the results: want -o DIR"))
	}
	if err := f.html.check(false); err != nil {
		return err
	}
	if err := checkFleetDir(f.dir, "-o"); err != nil {
		return err
	}
	return f.server.do(func(ctx context.Context, q *queue.Queue) error {
		found, err := q.Find(ctx, name)
		if err != nil {
			return err
		}
		st, err := q.State(ctx, found.ID)
		if err != nil {
			return err
		}
		release, err := f.claim(found.ID)
		if err != nil {
			return err
		}
		defer release()
		return f.get(ctx, a, q, st)
	})
}

// claim takes the directory for the results of a fleet.
func (f *fleetResultsFlags) claim(id string) (release func(), err error) {
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return nil, err
	}
	file := lock.File{Path: filepath.Join(f.dir, lockName), What: "the results directory " + f.dir}
	held, err := file.Acquire(context.Background(), "fleet results "+id, 0)
	if e, ok := errors.AsType[*lock.HeldError](err); ok {
		return nil, &exit{status: exitHeld, err: e}
	}
	if err != nil {
		return nil, err
	}
	was, err := fleet.ReadRecord(filepath.Join(f.dir, fleetRecordName))
	if err == nil && was != nil && was.ID != id {
		of := was.ID
		if of == "" {
			of = "a fleet run of " + was.Name
		}
		err = &exit{status: exitError, err: fmt.Errorf("results directory %s: it is that of %s, not of %s", f.dir, of, id),
			hint: "-o DIR names another one, which need not be there"}
	}
	if err != nil {
		held.Release()
		return nil, err
	}
	f.begun = was != nil
	return func() { os.Remove(file.Path); held.Release() }, nil // whoever waits for it finds that it is gone
}

// get writes the results of a fleet.
func (f *fleetResultsFlags) get(ctx context.Context, a *app, q *queue.Queue, st *queue.FleetState) error {
	s := fleetStatus(st)
	path := filepath.Join(f.dir, fleetRecordName)
	r, err := work.RecordOf(st)
	if err != nil {
		return err
	}
	fleetRecord(r, s)
	if err := f.checkPage(a, r); err != nil {
		return err
	}
	if err := r.Write(path); err != nil { // first: it says whose directory this is
		return err
	}
	if r, err = work.Results(ctx, q, st, f.dir); err != nil {
		return err
	}
	fleetRecord(r, s)
	nothing, lacking, err := countDownloaded(r, s, f.dir)
	if err != nil {
		return err
	}
	if err := r.Write(path); err != nil {
		return err
	}
	pages := fleetPages{app: a, html: &f.html, dir: f.dir, record: r, sandbox: !anyReal(st), anew: true}
	if err := pages.write(); err != nil {
		return err
	}
	a.console.Say("%s", report.FleetText(r))
	a.console.Say("%s", report.FleetRowsText(r))
	a.console.Say("results are in %s", f.dir)
	if f.html.name != "" {
		a.console.Say("the report is in %s", f.html.name)
	}
	sayEnding(a, st, nil)
	if !s.Ended() {
		a.console.Warn("the fleet is not at its end: %s", report.FleetSumText(s))
	}
	if nothing != nil {
		a.console.Warn("there is nothing yet of %s", some(nothing))
	}
	if lacking != nil {
		a.console.Warn("the results of %s lack what was done last: no worker could store it; rollcall fleet continue %s %s has one do so that can, and go on",
			some(lacking), st.ID, strings.Join(lacking, " "))
	}
	return nil
}

// checkPage returns an error if the report would replace something else.
func (f *fleetResultsFlags) checkPage(a *app, r *fleet.Record) error {
	if f.html.name == "" {
		return nil
	}
	files := []namedFile{{allName, filepath.Join(f.dir, allName), true}, {fleetRecordName, filepath.Join(f.dir, fleetRecordName), true}}
	for _, t := range r.Tenants {
		name := filepath.Join(f.dir, t.Results)
		files = append(files, namedFile{"the results of " + t.Name, name, true}, namedFile{"the report of " + t.Name, filepath.Join(f.dir, t.Name+".html"), true})
	}
	for _, file := range files {
		if err := a.distinct(file, namedFile{"--html", f.html.name, true}); err != nil {
			return err
		}
	}
	return checkFleetPage(f.html.name, f.begun)
}

// countDownloaded has a record say of tenants that have not ended which rows are in
// their files in dir, and returns those that have none: workers leave results at an end.
// Of tenants that have ended it returns those whose files lack rows that were done.
func countDownloaded(r *fleet.Record, s *report.FleetStatus, dir string) (nothing, lacking []string, err error) {
	for i := range r.Tenants {
		t := &r.Tenants[i]
		if t.Complete() {
			continue
		}
		rows, err := fleet.CountRows(filepath.Join(dir, t.Results))
		if err != nil {
			return nil, nil, err
		}
		if s.Tenants[i].Over() {
			if rows.Recorded < t.Rows.Recorded {
				lacking = append(lacking, t.Name)
			}
			continue
		}
		if rows.Recorded == 0 {
			nothing = append(nothing, t.Name)
		}
		rows.Total = t.Rows.Total
		t.Rows = rows
	}
	r.Sum()
	return nothing, lacking, nil
}

// anyReal reports whether a tenant of a fleet is no sandbox.
func anyReal(st *queue.FleetState) bool {
	for i := range st.Jobs {
		if st.Jobs[i].Real {
			return true
		}
	}
	return false
}

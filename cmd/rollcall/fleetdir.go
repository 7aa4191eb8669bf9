package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"rollcall/pipeline/fleet"
	"rollcall/pipeline/fleet/queue"
	"rollcall/pipeline/lock"
	"rollcall/pipeline/results"
	"rollcall/report/html"
	"rollcall/tenant/disk"
)

// What a results directory has of the fleet itself.
const (
	fleetRecordName = fleet.RecordName
	allName         = fleet.AllName
	lockName        = "fleet.lock"
	storeName       = ".fleet" // of the queue
)

// claim takes the results directory for this fleet, and makes it if need be. A
// directory of something else is refused, and left as it is.
func (r *fleetRun) claim(name string) (release func(), err error) {
	if err := checkFleetDir(r.dir, "--results"); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return nil, err
	}
	ctx, cancel := r.waits()
	defer cancel()
	file := lock.File{Path: filepath.Join(r.dir, lockName), What: "the results directory " + r.dir}
	held, err := file.Acquire(ctx, "fleet run "+name, 0)
	if e, ok := errors.AsType[*lock.HeldError](err); ok {
		return nil, &exit{status: exitHeld, err: e}
	}
	if err != nil {
		return nil, err
	}
	was, err := fleet.ReadRecord(filepath.Join(r.dir, fleetRecordName))
	if err == nil {
		err = r.takeUp(was)
	}
	if err != nil {
		held.Release()
		return nil, err
	}
	return held.Release, nil
}

// checkFleetDir returns an error if a results directory has something, and is no fleet's.
// What a fleet that was killed as it began has left is not something. Flag is the one
// that names another.
func checkFleetDir(dir, flag string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	ours := func(e fs.DirEntry) bool {
		return disk.IsTemporary(e.Name()) || slices.Contains([]string{fleetRecordName, lockName, storeName}, e.Name())
	}
	if slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == fleetRecordName }) || !slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return !ours(e) }) {
		return nil
	}
	return &exit{status: exitError, err: fmt.Errorf("results directory %s: it is not empty, and there is no %s in it: it is no fleet's", dir, fleetRecordName),
		hint: flag + " DIR names another one, which need not be there"}
}

// takeUp makes the record of what an earlier run of the fleet has left, or a new one
// if was is nil. Of a tenant whose results can't be gone on with, as it is another job
// now, the record stays as it was.
func (r *fleetRun) takeUp(was *fleet.Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.plan
	r.record = fleet.Record{Schema: fleet.RecordSchema, Version: version(), Name: p.Name, Run: p.Run, User: userName(), Host: hostName(),
		Started: time.Now().UTC(), State: results.Running}
	if was != nil {
		if was.Name != p.Name || was.Run != p.Run {
			return &exit{status: exitError, err: fmt.Errorf("results directory %s: it is that of the fleet %s (%s), not of %s (%s)", r.dir, was.Name, was.Run, p.Name, p.Run),
				hint: "--results DIR names another one, which need not be there"}
		}
		r.record.Started, r.begun = was.Started, true
	} else {
		was = new(fleet.Record)
	}
	for _, j := range p.jobs {
		t := fleet.TenantRecord{Name: j.Name, Profile: j.Profile, Tenant: j.found.Tenant, Noun: j.found.Noun, Change: j.found.Change,
			Roster: j.Roster, RosterSHA256: j.found.RosterSHA256, Results: j.Name + ".csv", Outcome: fleet.Outcome{State: fleet.Waiting, Rows: fleet.Rows{Total: j.found.Roster.Rows, ByStatus: map[string]int{}}}}
		if w := was.Tenant(j.Name); w != nil {
			err := t.Differs(w)
			j.changed = err != nil
			if err != nil && (t.RosterSHA256 != w.RosterSHA256 || r.hasResults(j.Name)) {
				t = *w
				t.Refused = err.Error()
				r.recount(&t)
			}
		}
		r.record.Tenants = append(r.record.Tenants, t)
	}
	for _, w := range was.Tenants {
		if r.record.Tenant(w.Name) == nil {
			return fmt.Errorf("results directory %s: the fleet began with tenant %q, which its file no longer has", r.dir, w.Name)
		}
	}
	return nil
}

// recall finds out of the queue which tenants are done. One that was stopped short is
// not, and is to be tried again.
func (r *fleetRun) recall(ctx context.Context) error {
	was, err := r.queue.State(ctx, r.plan.Name)
	if _, none := errors.AsType[*queue.NotFoundError](err); none {
		return nil
	}
	if err != nil {
		return err
	}
	outcomes := make(map[string]json.RawMessage)
	for _, t := range was.Jobs {
		outcomes[t.Tenant] = t.Outcome
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, j := range r.plan.jobs {
		if outcomes[j.Name] == nil || r.record.Tenants[i].Refused != "" {
			continue
		}
		var o fleet.Outcome
		if err := json.Unmarshal(outcomes[j.Name], &o); err != nil {
			return fmt.Errorf("read the outcome of %s: %w", j.Name, err)
		}
		if _, err := os.Stat(r.resultsName(j.Name)); o.Complete() && err == nil && !j.changed {
			r.record.Tenants[i].Outcome = o
		}
	}
	return nil
}

// canWrite finds out whether what is written in the end can be, and replaces nothing
// that is somebody's.
func (r *fleetRun) canWrite(fleetFile string) error {
	all := filepath.Join(r.dir, allName)
	name := r.flags.html.name
	if name != "" {
		files := []namedFile{{"the fleet file", fleetFile, false}, {allName, all, true}, {fleetRecordName, filepath.Join(r.dir, fleetRecordName), true}}
		for _, j := range r.plan.jobs {
			files = append(files, namedFile{"the roster of " + j.Name, j.Roster, false}, namedFile{"the results of " + j.Name, r.resultsName(j.Name), true},
				namedFile{"the report of " + j.Name, r.pageName(j.Name), true})
		}
		for _, f := range files {
			if err := r.app.distinct(f, namedFile{"--html", name, true}); err != nil {
				return err
			}
		}
		if err := checkFleetPage(name, r.begun); err != nil {
			return err
		}
	}
	return disk.CanWriteFile(all)
}

// writeRecord puts to the disk what there is to say of the fleet so far.
func (r *fleetRun) writeRecord() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.record.Sum()
	return r.record.Write(filepath.Join(r.dir, fleetRecordName))
}

// writeAll writes the results of all tenants into one file.
func (r *fleetRun) writeAll() error {
	excel := slices.ContainsFunc(r.plan.jobs, func(j *fleetJob) bool { return j.x.output.excel })
	return r.record.WriteAll(r.dir, excel)
}

// resultsName returns the name of a tenant's results file.
func (r *fleetRun) resultsName(tenant string) string { return filepath.Join(r.dir, tenant+".csv") }

// pageName returns the name of a tenant's HTML report.
func (r *fleetRun) pageName(tenant string) string { return filepath.Join(r.dir, tenant+".html") }

// writePages writes the HTML reports of the fleet.
func (r *fleetRun) writePages() error {
	p := fleetPages{app: r.app, html: &r.flags.html, dir: r.dir, record: &r.record, sandbox: len(r.plan.real()) == 0}
	return p.write()
}

// fleetPages are the HTML reports of a fleet and of its tenants.
type fleetPages struct {
	app     *app
	html    *htmlFlags
	dir     string // the results directory
	record  *fleet.Record
	sandbox bool // no tenant is a real one
	anew    bool // replace the reports of tenants that are there
}

// write writes the report of the fleet, if one is wanted, and those of tenants that
// have results and no report yet.
func (p *fleetPages) write() error {
	name := p.html.name
	if name == "" {
		return nil
	}
	all := &html.Fleet{Record: p.record, Sandbox: p.sandbox, Links: make(map[string]string)}
	for _, t := range p.record.Tenants {
		results, file := filepath.Join(p.dir, t.Results), filepath.Join(p.dir, t.Name+".html")
		if _, err := os.Stat(results); err != nil {
			continue
		}
		if _, err := os.Stat(file); err != nil || p.anew {
			one, err := readPage(p.app, results, p.html.all)
			if err == nil {
				err = disk.Replace(file, p.anew, one.Write)
			}
			if err != nil {
				return err
			}
		}
		if link, err := filepath.Rel(filepath.Dir(absolute(name)), absolute(file)); err == nil {
			all.Links[t.Name] = filepath.ToSlash(link)
		}
	}
	return disk.Replace(name, true, all.Write)
}

func absolute(name string) string {
	if path, err := filepath.Abs(name); err == nil {
		return path
	}
	return name
}

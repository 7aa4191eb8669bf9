//go:build unix

package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"rollcall/report"
)

// A machinesFleet is a fleet that the machines work on.
type machinesFleet struct {
	id                      string
	tenants, users, workers int // workers: calls of a tenant at once
}

// submit submits a fleet whose tenants have that many users each.
func (m *machines) submit(name string, tenants, users, parallel, workers int) *machinesFleet {
	m.Helper()
	f := &machinesFleet{tenants: tenants, users: users, workers: workers}
	file := m.write(name, f, parallel)
	f.id = strings.TrimSpace(m.run(exitOK, "fleet", "submit", file, "--yes"))
	return f
}

// write writes the file of a fleet, and its rosters.
func (m *machines) write(name string, f *machinesFleet, parallel int) (file string) {
	m.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "name: %s\nrun: apply\nparallel: %d\ntakeover: %v\nflags: {privacy-mode: opt-out, read-first: true, workers: %d}\ntenants:\n",
		name, parallel, fleetTakeover, f.workers)
	for i := range f.tenants {
		fmt.Fprintf(&b, "  - {name: t%d, profile: served, roster: %s-t%d.csv, flags: {organization: %s-t%d.com}}\n", i, name, i, name, i)
		r := "UserPrincipalName\n"
		for k := range f.users {
			r += fmt.Sprintf("user%d@%s-t%d.com\n", k, name, i)
		}
		if err := os.WriteFile(filepath.Join(m.dir, fmt.Sprintf("%s-t%d.csv", name, i)), []byte(r), 0o600); err != nil {
			m.Fatal(err)
		}
	}
	file = filepath.Join(m.dir, name+".yaml")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		m.Fatal(err)
	}
	return file
}

// status returns how far a fleet is.
func (m *machines) status(f *machinesFleet) report.FleetStatus {
	m.Helper()
	var s report.FleetStatus
	m.decode(m.run(exitOK, "fleet", "status", f.id, "--json"), &s)
	return s
}

// finish waits for the end of a fleet.
func (m *machines) finish(f *machinesFleet, most time.Duration) {
	m.Helper()
	last := "nothing"
	m.await(most, "the fleet ends", func() string { return last }, func() bool {
		var s report.FleetStatus
		var status int
		if status, last = m.try("fleet", "status", f.id, "--json"); status != exitOK {
			return false // nodes that have to find a leader first do not answer
		}
		m.decode(last, &s)
		return s.Ended()
	})
}

// resultsOf returns the directory for the results of a fleet.
func (m *machines) resultsOf(f *machinesFleet) string { return filepath.Join(m.dir, "results-"+f.id) }

// check checks the results of a fleet that has ended: each row has one record, with the
// value from before the first set.
func (m *machines) check(f *machinesFleet) {
	m.Helper()
	name, _, _ := strings.Cut(f.id, "-")
	dir := m.resultsOf(f)
	m.run(exitOK, "fleet", "results", f.id, "-o", dir)
	for i := range f.tenants {
		b, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("t%d.csv", i)))
		if err != nil {
			m.Fatal(err)
		}
		records, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
		if err != nil || len(records) != f.users+1 {
			m.Fatalf("t%d: %d records, %v; want %d and a header", i, len(records), err, f.users)
		}
		for k, r := range records[1:] {
			got, want := strings.Join(r[:6], ","), fmt.Sprintf("%d,user%d@%s-t%d.com,applied,opt-out,opt-out,opt-in", k+2, k, name, i)
			if got != want {
				m.Errorf("t%d: record %d is %s, want %s", i, k, got, want)
			}
		}
	}
	if b, err := os.ReadFile(filepath.Join(dir, "all.csv")); err != nil || bytes.Count(b, []byte("\n")) != f.tenants*f.users+1 {
		m.Errorf("all.csv has %d lines, %v", bytes.Count(b, []byte("\n")), err)
	}
}

// checkSets checks that all users of f, the only fleet, have their set, and that no more
// rows were set again than were in progress when tenants were taken over.
func (m *machines) checkSets(f *machinesFleet, takeovers int) {
	m.Helper()
	sets, users := m.tenants.sets()
	if want := f.tenants * f.users; users != want || sets > want+takeovers*f.workers {
		m.Errorf("%d sets of %d users after %d takeovers; want %d users and at most %d sets", sets, users, takeovers, want, want+takeovers*f.workers)
	}
	m.Logf("%d sets of %d users", sets, users)
}

// takeovers returns how often tenants were taken by a worker that did not finish them.
func (m *machines) takeovers(f *machinesFleet) (n int) {
	m.Helper()
	for _, t := range m.status(f).Tenants {
		n += int(t.Epoch) - 1
	}
	return n
}

// running waits until a worker is in the midst of a number of tenants.
func (m *machines) running(w *fleetMember, calls int) {
	m.Helper()
	m.await(time.Minute, "a worker works", w.said.String, func() bool {
		n, _ := m.tenants.calls(w.token)
		return n >= calls
	})
}

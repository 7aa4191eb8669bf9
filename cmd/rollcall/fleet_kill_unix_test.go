//go:build unix

package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Killed at random instants and started again until it is done, a fleet has one record
// for each row of each tenant, with the value from before the first set; every user is
// set, and not more often than the rows in progress at the kills allow. For TORTURE see
// [TestKilledEditedAndUndone].
func TestFleetKilled(t *testing.T) {
	t.Parallel()
	most := tortureKills(t)
	program := filepath.Join(t.TempDir(), "rollcall")
	buildProgram(t, program)
	rnd := rand.New(rand.NewPCG(18, 1))
	for kills := 0; kills < most && !t.Failed(); {
		kills += killFleet(t, program, rnd)
	}
}

// killFleet runs a fleet on a server of its own, kills it again and again, checks what
// it has left in the end, and returns how many kills that took.
func killFleet(t *testing.T, program string, rnd *rand.Rand) (kills int) {
	const tenants, users, parallel, workers = 6, 60, 3, 4
	dir := t.TempDir()
	endpoint, stop := startServer(t, program, "--latency", "5ms", "--jitter", "20ms")
	var file strings.Builder
	fmt.Fprintf(&file, "name: nightly\nrun: apply\nparallel: %d\nflags: {privacy-mode: opt-out, read-first: true, tenant: exchange, endpoint: %q, workers: %d}\ntenants:\n", parallel, endpoint, workers)
	for i := range tenants {
		fmt.Fprintf(&file, "  - {name: t%d, roster: t%d.csv, flags: {organization: t%d.com}}\n", i, i, i)
		r := "UserPrincipalName\n"
		for k := range users {
			r += fmt.Sprintf("user%d@t%d.com\n", k, i)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("t%d.csv", i)), []byte(r), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	name := filepath.Join(dir, "fleet.yaml")
	if err := os.WriteFile(name, []byte(file.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	results := filepath.Join(dir, "results")
	for {
		cmd := exec.Command(program, "fleet", "run", name, "--results", results, "--yes", "--quiet")
		cmd.Env = tortureEnvironment()
		var said bytes.Buffer
		cmd.Stderr = &said
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// Later and later: a machine may need long just to begin.
		after := time.Duration(rnd.IntN(700+20*kills)) * time.Millisecond
		timer := time.NewTimer(after)
		ended := make(chan struct{})
		go func() { cmd.Wait(); close(ended) }()
		select {
		case <-timer.C:
			cmd.Process.Kill()
			<-ended
		case <-ended:
		}
		timer.Stop()
		if cmd.ProcessState.Sys().(syscall.WaitStatus).Signaled() {
			kills++
			continue
		}
		if code := cmd.ProcessState.ExitCode(); code != exitOK {
			t.Fatalf("after %d kills: exit status %d\n%s", kills, code, said.String())
		}
		break
	}
	counts := stop()
	for i := range tenants {
		b, err := os.ReadFile(filepath.Join(results, fmt.Sprintf("t%d.csv", i)))
		if err != nil {
			t.Fatal(err)
		}
		records, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
		if err != nil || len(records) != users+1 {
			t.Fatalf("t%d: %d records, %v; want %d and a header", i, len(records), err, users)
		}
		for k, r := range records[1:] {
			got, want := strings.Join(r[:6], ","), fmt.Sprintf("%d,user%d@t%d.com,applied,opt-out,opt-out,opt-in", k+2, k, i)
			if got != want {
				t.Errorf("t%d: record %d is %s, want %s", i, k, got, want)
			}
		}
		if _, err := os.Stat(filepath.Join(results, fmt.Sprintf("t%d.csv.journal", i))); err == nil {
			t.Errorf("t%d: the journal is still there", i)
		}
	}
	if b, err := os.ReadFile(filepath.Join(results, "all.csv")); err != nil || bytes.Count(b, []byte("\n")) != tenants*users+1 {
		t.Errorf("all.csv has %d lines, %v", bytes.Count(b, []byte("\n")), err)
	}
	if got := countOf(t, counts, "users set"); got != tenants*users {
		t.Errorf("the server has %d users set, want %d", got, tenants*users)
	}
	if sets, limit := countOf(t, counts, "Set-MyAnalyticsFeatureConfig"), tenants*users+kills*parallel*workers; sets > limit {
		t.Errorf("%d sets after %d kills, more than %d: rows that were done were done again", sets, kills, limit)
	}
	t.Logf("%d kills, %d sets of %d users", kills, countOf(t, counts, "Set-MyAnalyticsFeatureConfig"), tenants*users)
	return kills
}

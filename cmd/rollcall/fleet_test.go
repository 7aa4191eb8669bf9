package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rollcall/pipeline/fleet"
)

// writeFleet writes a fleet file of tenants of their own organizations on the server
// at endpoint, and a roster of n users for each, of which one can't be used and one is
// there twice. It returns the file's name.
func writeFleet(tb testing.TB, dir, endpoint string, tenants, n int, more string) (name string) {
	tb.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "name: nightly\nrun: apply\nparallel: 8\nflags: {privacy-mode: opt-out, read-first: true, tenant: exchange, endpoint: %q%s}\ntenants:\n", endpoint, more)
	for i := range tenants {
		fmt.Fprintf(&b, "  - {name: t%d, roster: t%d.csv, flags: {organization: t%d.com}}\n", i, i, i)
		var r strings.Builder
		r.WriteString("UserPrincipalName,City\n")
		for k := range n {
			switch k {
			case 7:
				r.WriteString("no upn,\"Nice, \"\"Alpes\"\"\"\n")
			case 9:
				fmt.Fprintf(&r, "user8@t%d.com,=again\n", i)
			default:
				fmt.Fprintf(&r, "user%d@t%d.com,City %d\n", k, i, k)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("t%d.csv", i)), []byte(r.String()), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	name = filepath.Join(dir, "fleet.yaml")
	if err := os.WriteFile(name, []byte(b.String()), 0o600); err != nil {
		tb.Fatal(err)
	}
	return name
}

// stable reads a results file and clears what differs between two runs: times and
// attempts.
func stable(tb testing.TB, name string) string {
	tb.Helper()
	f, err := os.Open(name)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		tb.Fatal(err)
	}
	attempts, finished := slices.Index(rows[0], "Attempts"), slices.Index(rows[0], "FinishedAt")
	for _, row := range rows[1:] {
		row[attempts], row[finished] = "", ""
	}
	var b bytes.Buffer
	csv.NewWriter(&b).WriteAll(rows)
	return b.String()
}

// A fleet of twenty tenants leaves what twenty runs by themselves leave, times and
// attempts apart; all.csv has all of it; and no secret is anywhere.
func TestFleetIsSingleRuns(t *testing.T) {
	const tenants, users = 20, 50
	const token = "token-8d2f-fleet"
	t.Setenv(tokenVariable, token)
	dir := t.TempDir()
	many, single := newWay(t), newWay(t)
	file := writeFleet(t, dir, "http://"+many.address, tenants, users, "")
	out := filepath.Join(dir, "results")
	_, said := rollcall(t, exitRows, "fleet", "run", file, "--results", out, "--yes", "--html", filepath.Join(dir, "fleet.html"))
	if !strings.Contains(said, "20 tenants: 20 complete") || !strings.Contains(said, "1000 rows: 960 applied, 20 invalid, 20 duplicate") {
		t.Errorf("it said %s", said)
	}
	var all int
	for i := range tenants {
		name := fmt.Sprintf("t%d.csv", i)
		alone := filepath.Join(dir, "alone-"+name)
		rollcall(t, exitRows, "apply", filepath.Join(dir, name), "--privacy-mode", "opt-out", "--read-first", "--tenant", "exchange", "--endpoint", "http://"+single.address,
			"--organization", fmt.Sprintf("t%d.com", i), "--yes", "--quiet", "--resume", "-o", alone)
		got, want := stable(t, filepath.Join(out, name)), stable(t, alone)
		if got != want {
			t.Errorf("%s is\n%s\nand alone it is\n%s", name, got, want)
		}
		all += strings.Count(want, "\n") - 1
		if left, _ := filepath.Glob(filepath.Join(out, name+".journal")); left != nil {
			t.Errorf("there is %s", left)
		}
		if _, err := os.Stat(filepath.Join(out, fmt.Sprintf("t%d.html", i))); err != nil {
			t.Error(err)
		}
	}
	if got := strings.Count(stable(t, filepath.Join(out, "all.csv")), "\n") - 1; got != all {
		t.Errorf("all.csv has %d records, want %d", got, all)
	}
	var record fleet.Record
	b, err := os.ReadFile(filepath.Join(out, "fleet.json"))
	if err == nil {
		err = json.Unmarshal(b, &record)
	}
	if err != nil || record.State != "complete" || record.Exit == nil || *record.Exit != exitRows || record.Rows.Recorded != tenants*users || record.Rows.Failed != tenants {
		t.Errorf("fleet.json has %+v, %v", record, err)
	}
	page, err := os.ReadFile(filepath.Join(dir, "fleet.html"))
	if err != nil || bytes.Count(page, []byte(`<a href="results/t`)) != tenants || !bytes.Contains(page, []byte(`<span class="count">960</span>`)) {
		t.Errorf("the report is %.3000s, %v", page, err)
	}
	filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		if b, err := os.ReadFile(name); err != nil || bytes.Contains(b, []byte(token)) {
			t.Errorf("%s has the token, %v", name, err)
		}
		return nil
	})
	if info, err := os.Stat(filepath.Join(out, storeName)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the store is %v, %v", info, err)
	}

	// It is done: started again it makes no call.
	many.close()
	rollcall(t, exitRows, "fleet", "run", file, "--results", out, "--yes", "--quiet")
}

// The exit status of a fleet is the worst of its tenants', in the order that single
// runs have.
func TestWorse(t *testing.T) {
	order := []int{exitOK, exitDiffers, exitRows, exitGuard, exitHeld, exitError, exitUsage}
	for i, x := range order {
		for k, y := range order {
			if worse(x, y) != (i > k) {
				t.Errorf("worse(%d, %d) is %v", x, y, worse(x, y))
			}
		}
	}
}

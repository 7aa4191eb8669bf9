//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"rollcall/pipeline/fleet"
)

// A fleet that workers on a server do leaves what fleet run leaves, times and attempts
// apart, and exits as it does; nothing on the disk of server or worker holds a secret,
// and of the rosters nothing is left with a worker.
func TestFleetOnServerIsFleetRun(t *testing.T) {
	const tenants, users = 8, 40
	const token = "token-8d2f-fleet"
	t.Setenv(tokenVariable, token)
	dir := t.TempDir()
	program := filepath.Join(dir, "rollcall")
	buildProgram(t, program)
	here, there := newWay(t), newWay(t)
	server := newService(t, program, dir, "serve", "--store", "store", "--listen", "127.0.0.1:0")
	for i := range 2 {
		newService(t, program, dir, "work", "--server", server.url, "--dir", fmt.Sprint("work", i), "--slots", "3")
	}
	local := filepath.Join(dir, "local")
	rollcall(t, exitRows, "fleet", "run", writeFleet(t, dir, "http://"+here.address, tenants, users, ""), "--results", local, "--yes", "--quiet")
	id, said := rollcall(t, exitRows, "fleet", "submit", writeFleet(t, dir, "http://"+there.address, tenants, users, ""), "--server", server.url, "--yes", "--wait")
	if !strings.Contains(said, "8 tenants: 8 complete") || !strings.Contains(said, "320 rows: 304 applied, 8 invalid, 8 duplicate") {
		t.Errorf("it said %s", said)
	}
	remote := filepath.Join(dir, "remote")
	rollcall(t, exitOK, "fleet", "results", strings.TrimSpace(id), "-o", remote, "--server", server.url)
	for i := range tenants {
		name := fmt.Sprintf("t%d.csv", i)
		if got, want := stable(t, filepath.Join(remote, name)), stable(t, filepath.Join(local, name)); got != want {
			t.Errorf("%s is\n%s\nand of fleet run it is\n%s", name, got, want)
		}
		var summary struct {
			Roster       string `json:"roster"`
			RosterSHA256 string `json:"roster_sha256"`
			Exit         int    `json:"exit"`
			Outcome      string `json:"outcome"`
		}
		if readJSON(t, filepath.Join(remote, name+".json"), &summary); summary.Roster != filepath.Join(dir, name) && summary.Roster != name || summary.RosterSHA256 == "" || summary.Exit != exitRows || summary.Outcome != "complete" {
			t.Errorf("the summary of %s has %+v", name, summary)
		}
	}
	if got, want := stable(t, filepath.Join(remote, "all.csv")), stable(t, filepath.Join(local, "all.csv")); got != want {
		t.Errorf("all.csv is\n%s\nand of fleet run it is\n%s", got, want)
	}
	var a, b fleet.Record
	readJSON(t, filepath.Join(remote, "fleet.json"), &a)
	readJSON(t, filepath.Join(local, "fleet.json"), &b)
	if a.ID != strings.TrimSpace(id) || a.State != b.State || *a.Exit != *b.Exit || fmt.Sprint(a.Rows) != fmt.Sprint(b.Rows) {
		t.Errorf("fleet.json has %+v, of fleet run %+v", a, b)
	}
	for i := range a.Tenants {
		if x, y := a.Tenants[i], b.Tenants[i]; x.Name != y.Name || x.Reason != y.Reason || *x.Exit != *y.Exit || x.RosterSHA256 != y.RosterSHA256 {
			t.Errorf("fleet.json has %+v, of fleet run %+v", x, y)
		}
	}
	if got := server.end(syscall.SIGTERM); got != exitOK {
		t.Errorf("the server exits with %d", got)
	}
	filepath.WalkDir(dir, func(name string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() || name == program {
			return err
		}
		if strings.HasPrefix(name, filepath.Join(dir, "work")) && strings.HasSuffix(name, ".csv") {
			t.Errorf("a worker has left %s", name)
		}
		if b, err := os.ReadFile(name); err == nil && strings.Contains(string(b), token) {
			t.Errorf("the token is in %s", name)
		}
		if info, err := e.Info(); err == nil && strings.HasPrefix(name, filepath.Join(dir, "store")) && info.Mode().Perm()&0o077 != 0 && othersReach(dir, name) {
			t.Errorf("%s can be read by others: %v", name, info.Mode())
		}
		return nil
	})
}

// othersReach reports whether no directory between dir and a file is closed to others.
func othersReach(dir, name string) bool {
	for name = filepath.Dir(name); name != dir; name = filepath.Dir(name) {
		if info, err := os.Stat(name); err == nil && info.Mode().Perm()&0o077 == 0 {
			return false
		}
	}
	return true
}

func readJSON(tb testing.TB, name string, v any) {
	tb.Helper()
	b, err := os.ReadFile(name)
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		tb.Fatal(err)
	}
}

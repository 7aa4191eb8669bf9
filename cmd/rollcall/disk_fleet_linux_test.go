package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"rollcall/report"
)

// A fullDisk is a small disk for a fleet, which is full as soon as some users are set.
type fullDisk struct {
	*testing.T
	program, dir, fleet string
	disk, ballast       string // where the disk is, and a file that fills it
	way                 *way
}

// The fleets of these tests.
const (
	fullTenants = 2
	fullUsers   = 400 // of each, of whom two can't be set
	fullWorkers = 4
)

// newFullDisk returns a disk that is there as a directory.
func newFullDisk(t *testing.T, disk string) *fullDisk {
	if testing.Short() {
		t.Skip("it takes a while")
	}
	d := &fullDisk{T: t, dir: t.TempDir(), disk: disk, way: newWay(t)}
	if err := os.MkdirAll(disk, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=8m"); err != nil {
		t.Skipf("no small disk to be had: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(disk, syscall.MNT_DETACH) })
	t.Setenv(tokenVariable, "token-8d2f-fleet")
	d.program, d.ballast = filepath.Join(d.dir, "rollcall"), filepath.Join(d.disk, "ballast")
	buildProgram(t, d.program)
	d.way.server.Latency = 20 * time.Millisecond
	d.fleet = writeFleet(t, d.dir, "http://"+d.way.address, fullTenants, fullUsers, fmt.Sprintf(", workers: %d", fullWorkers))
	return d
}

// fill fills the disk, once the fleet is at work.
func (d *fullDisk) fill() {
	d.Helper()
	for d.way.server.Counts().UsersSet < 50 {
		time.Sleep(time.Millisecond)
	}
	f, err := os.Create(d.ballast)
	if err != nil {
		d.Fatal(err)
	}
	defer f.Close()
	if _, err := io.Copy(f, zeros{}); err == nil {
		d.Fatal("the disk does not fill up")
	}
}

// zeros has no end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// empty makes room on the disk.
func (d *fullDisk) empty() {
	d.Helper()
	if err := os.Remove(d.ballast); err != nil {
		d.Fatal(err)
	}
}

// ended checks that a process ended by itself since its disk was full, and said so.
func (d *fullDisk) ended(gone <-chan struct{}, cmd *exec.Cmd, said func() string) {
	d.Helper()
	select {
	case <-gone:
	case <-time.After(time.Minute):
		d.Fatal("it does not end")
	}
	if code := cmd.ProcessState.ExitCode(); code != exitError || !strings.Contains(said(), "can't be written any more: ") || !strings.Contains(said(), "no space left on device") {
		d.Errorf("exit status %d: %s", code, said())
	}
}

// check checks that each row has one record, with the value from before, and that no more
// was set again than the rows in progress at a number of times that a tenant was taken over.
func (d *fullDisk) check(results string, takeovers int) {
	d.Helper()
	b, err := os.ReadFile(filepath.Join(results, "all.csv"))
	if err != nil {
		d.Fatal(err)
	}
	applied, users := bytes.Count(b, []byte(",applied,opt-out,opt-out,opt-in,")), fullTenants*(fullUsers-2)
	if records := bytes.Count(b, []byte("\n")) - 1; records != fullTenants*fullUsers || applied != users {
		d.Errorf("there are %d records, %d of them applied; want %d and %d", records, applied, fullTenants*fullUsers, users)
	}
	counts := d.way.server.Counts()
	if sets, most := counts.Cmdlets["Set-MyAnalyticsFeatureConfig"], users+takeovers*fullWorkers; counts.UsersSet != users || sets > most {
		d.Errorf("%d sets of %d users; want %d users and at most %d sets", sets, counts.UsersSet, users, most)
	}
}

// finished waits until a fleet is complete, and then checks its results.
func (d *fullDisk) finished(id string, server *service) {
	d.Helper()
	rollcall(d, exitOK, "fleet", "status", id, "--server", server.url, "--watch")
	results := filepath.Join(d.dir, "results")
	rollcall(d, exitOK, "fleet", "results", id, "-o", results, "--server", server.url)
	status, _ := rollcall(d, exitOK, "fleet", "status", id, "--server", server.url, "--json")
	var s report.FleetStatus
	if err := json.Unmarshal([]byte(status), &s); err != nil {
		d.Fatal(err)
	}
	takeovers := 0
	for i := range s.Tenants {
		takeovers += int(s.Tenants[i].Epoch) - 1
	}
	d.check(results, takeovers)
}

// A fleet server whose disk is full ends, says why, and is not let at its store again
// before there is room. Then the fleet is finished, and nothing is lost.
func TestFleetServerFullDisk(t *testing.T) {
	d := newFullDisk(t, t.TempDir())
	serve := []string{"serve", "--store", filepath.Join(d.disk, "store"), "--listen", "127.0.0.1:0"}
	server := newService(t, d.program, d.dir, serve...)
	serve[4] = strings.TrimPrefix(server.url, "nats://")
	newService(t, d.program, d.dir, "work", "--server", server.url, "--dir", "work", "--slots", fmt.Sprint(fullTenants))
	id, _ := rollcall(t, exitOK, "fleet", "submit", d.fleet, "--server", server.url, "--yes")
	id = strings.TrimSpace(id)

	d.fill()
	d.ended(server.gone, server.cmd, server.text)
	for range 3 { // as a supervisor does
		cmd := exec.Command(d.program, append([]string{"fleet"}, serve...)...)
		out, _ := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != exitError || !bytes.Contains(out, []byte("no space left on device")) || bytes.Contains(out, []byte("fleet server on")) {
			t.Errorf("exit status %d: %s", code, out)
		}
	}
	if _, said := rollcall(t, exitError, "fleet", "status", id, "--server", server.url); !strings.Contains(said, "full disk") {
		t.Errorf("status says %s", said)
	}

	d.empty()
	newService(t, d.program, d.dir, serve...)
	d.finished(id, server)
}

// A worker whose disk is full hands back its tenants, and waits for others. Another finishes them,
// and nothing is lost.
func TestFleetWorkerFullDisk(t *testing.T) {
	d := newFullDisk(t, t.TempDir())
	server := newService(t, d.program, d.dir, "serve", "--store", "store", "--listen", "127.0.0.1:0")
	full := newService(t, d.program, d.dir, "work", "--server", server.url, "--dir", d.disk, "--slots", fmt.Sprint(fullTenants))
	id, _ := rollcall(t, exitOK, "fleet", "submit", d.fleet, "--server", server.url, "--yes")

	d.fill()
	newService(t, d.program, d.dir, "work", "--server", server.url, "--dir", "work", "--slots", fmt.Sprint(fullTenants))
	d.finished(strings.TrimSpace(id), server)
	if !regexp.MustCompile(`the job was handed back\s.*no space left on device`).MatchString(full.text()) {
		t.Error("the worker handed nothing back")
	}
	if got := full.end(syscall.SIGTERM); got != exitOK {
		t.Errorf("the worker exits with %d", got)
	}
}

// A fleet run that has no room for its queue ends and says why; the same command goes on
// when there is room, and before that loses nothing.
func TestFleetRunFullDisk(t *testing.T) {
	results := t.TempDir()
	d := newFullDisk(t, filepath.Join(results, storeName))
	args := []string{"fleet", "run", d.fleet, "--results", results, "--yes"}
	cmd, said, gone := exec.Command(d.program, args...), new(transcript), make(chan struct{})
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	go func() { cmd.Wait(); close(gone) }()

	d.fill()
	d.ended(gone, cmd, said.String)
	if _, said := rollcall(t, exitError, args...); !strings.Contains(said, "no space left on device") || strings.Contains(said, "hint: ") {
		t.Errorf("it says %s", said)
	}
	d.empty()
	rollcall(t, exitRows, args...)
	d.check(results, fullTenants)
}

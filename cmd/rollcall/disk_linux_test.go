package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// On a disk that fills up a run ends with an error that says so, what it has
// recorded is kept, and once there is room it goes on.
func TestFullDisk(t *testing.T) {
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=3m"); err != nil {
		t.Skipf("no small disk to be had: %v", err)
	}
	defer syscall.Unmount(disk, 0)
	const users = 50_000 // more than 3 MB of results, beside which there is room for a journal
	in, results := filepath.Join(t.TempDir(), "users.csv"), filepath.Join(disk, "results.csv")
	writeRoster(t, in, users)

	page := filepath.Join(t.TempDir(), "report.html")
	args := []string{"apply", in, "--privacy-mode", "opt-out", "--resume", "-o", results, "--html", page}
	_, said := rollcall(t, exitError, args...)
	if !strings.Contains(said, "no space left on device") || !strings.Contains(said, "to go on: ") {
		t.Errorf("said %s", said)
	}
	full, err := os.ReadFile(results)
	if err != nil || bytes.Count(full, []byte("\n")) < 1000 {
		t.Fatalf("%d records are kept, %v", bytes.Count(full, []byte("\n")), err)
	}

	// What is said is what is there.
	records := bytes.Count(full, []byte("\n")) - 1
	if want := fmt.Sprintf("%d rows: %[1]d applied\n", records); !strings.Contains(said, want) {
		t.Errorf("there are %d records, and it said %s", records, said)
	}
	if html, err := os.ReadFile(page); err != nil || !bytes.Contains(html, []byte("may have been changed: ")) {
		t.Errorf("the report does not tell of users in hand: %v", err)
	}

	// Without room for anything nothing is begun.
	_, said = rollcall(t, exitError, "apply", in, "--privacy-mode", "opt-out", "-o", filepath.Join(disk, "other.csv"))
	if !strings.Contains(said, "no space left on device") || strings.Contains(said, "applied") {
		t.Errorf("said %s", said)
	}

	// To go on too early fails again, and loses nothing.
	for range 2 {
		if _, said = rollcall(t, exitError, args...); !strings.Contains(said, "no space left on device") {
			t.Errorf("said %s", said)
		}
		if b, err := os.ReadFile(results); err != nil || !bytes.Equal(b, full) {
			t.Errorf("the results have %d bytes, and had %d: %v", len(b), len(full), err)
		}
	}

	if err := syscall.Mount("tmpfs", disk, "tmpfs", syscall.MS_REMOUNT, "size=40m"); err != nil {
		t.Fatal(err)
	}
	rollcall(t, exitOK, args...)
	whole, err := os.ReadFile(results)
	if err != nil {
		t.Fatal(err)
	}
	kept := full[:bytes.LastIndexByte(full, '\n')+1]
	if !bytes.HasPrefix(whole, kept) {
		t.Error("what was recorded before has changed")
	}
	all, err := csv.NewReader(bytes.NewReader(whole)).ReadAll()
	if err != nil || len(all) != users+1 {
		t.Errorf("%d records, %v; want %d and a header", len(all), err, users)
	}
	if left, _ := filepath.Glob(filepath.Join(disk, "*[^k]")); len(left) != 2 { // the results and their summary; locks stay
		t.Errorf("left behind: %q", left)
	}
}

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/windows"
)

// hold opens a file as another program might, and shares with others what share
// says.
func hold(t *testing.T, name string, share uint32) (letGo func()) {
	t.Helper()
	path, err := windows.UTF16PtrFromString(name)
	if err != nil {
		t.Fatal(err)
	}
	h, err := windows.CreateFile(path, windows.GENERIC_READ, share, nil, windows.OPEN_EXISTING, 0, 0)
	if err != nil {
		t.Fatalf("hold %s: %v", name, err)
	}
	letGo = sync.OnceFunc(func() { windows.CloseHandle(h) })
	t.Cleanup(letGo)
	return letGo
}

// readers are programs that let others do all but rename and remove the file, as
// most do.
const readers = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE

// What is to be written in the end and is open in another program is found ahead
// of the first call: no user is changed.
func TestOpenElsewhere(t *testing.T) {
	for _, file := range []string{"r.csv", "r.html", "s.json", "tenant.csv"} {
		t.Run(file, func(t *testing.T) {
			t.Chdir(t.TempDir())
			const users = "UserPrincipalName\nada@contoso.com\n"
			for _, name := range []string{"users.csv", "tenant.csv"} {
				if err := os.WriteFile(name, []byte(users), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if file != "tenant.csv" {
				if err := os.WriteFile(file, nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			share := uint32(readers)
			if file == "r.csv" {
				share = windows.FILE_SHARE_READ // which is only read, as far as Excel is concerned
			}
			hold(t, file, share)
			_, said := rollcall(t, exitError, "apply", "users.csv", "--privacy-mode", "opt-out", "--tenant", "sandbox:tenant.csv",
				"-o", "r.csv", "--html", "r.html", "--summary-json", "s.json", "--overwrite")
			if !strings.Contains(said, file+": it is open in another program") {
				t.Errorf("it does not say what is open:\n%s", said)
			}
			if b, err := os.ReadFile("tenant.csv"); err != nil || string(b) != users {
				t.Errorf("the tenant has become %q, %v", b, err)
			}
		})
	}
}

// A journal that can't be removed in the end is no failure: the results are
// complete, and say so.
func TestJournalOpenInTheEnd(t *testing.T) {
	dir := t.TempDir()
	in, results := filepath.Join(dir, "users.csv"), filepath.Join(dir, "r.csv")
	writeRoster(t, in, 3)
	var letGo func()
	apply := []string{"apply", in, "--privacy-mode", "opt-out", "-o", results}
	said := rollcallAtStart(t, exitOK, func() { letGo = hold(t, results+".journal", readers) }, apply...)
	if !strings.Contains(said, "warning: remove "+results+".journal: it is open in another program") {
		t.Errorf("it says\n%s", said)
	}
	if _, said := rollcall(t, exitError, append(apply, "--resume")...); !strings.Contains(said, "replace "+results+".journal: it is open in another program") {
		t.Errorf("to go on while it is open says\n%s", said)
	}
	letGo()
	if _, said := rollcall(t, exitOK, append(apply, "--resume")...); !strings.Contains(said, "3 rows recorded, 0 to go") {
		t.Errorf("to go on finds\n%s", said)
	}
}

// A summary that can't be written in the end is an error, and the journal stays: no
// summary says that the run is complete.
func TestSummaryOpenInTheEnd(t *testing.T) {
	dir := t.TempDir()
	in, results := filepath.Join(dir, "users.csv"), filepath.Join(dir, "r.csv")
	writeRoster(t, in, 3)
	said := rollcallAtStart(t, exitError, func() { hold(t, results+".json", readers) }, "apply", in, "--privacy-mode", "opt-out", "-o", results)
	if !strings.Contains(said, "write "+results+".json: it is open in another program") {
		t.Errorf("it says\n%s", said)
	}
	b, err := os.ReadFile(results)
	if err != nil || bytes.Count(b, []byte(",applied,")) != 3 {
		t.Errorf("the results are %s, %v", b, err)
	}
	if _, err := os.Stat(results + ".journal"); err != nil {
		t.Error(err)
	}
}

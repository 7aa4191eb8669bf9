//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"rollcall/pipeline/lock"
	"rollcall/tenant/connect"
)

// A signal that comes ahead of the run, while the roster is read from a pipe or
// another run is waited for, ends the program with all that is told of a run
// that was stopped, and nothing changed.
func TestSignalAheadOfTheRun(t *testing.T) {
	for _, c := range []struct {
		name string
		held bool
	}{{"reading the roster", false}, {"waiting for the lock", true}} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path := func(name string) string { return filepath.Join(dir, name) }
			tenant := path("tenant.csv")
			if err := os.WriteFile(tenant, []byte("UserPrincipalName,PrivacyMode\nada@contoso.com,opt-in\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := syscall.Mkfifo(path("users"), 0o600); err != nil {
				t.Skip(err)
			}
			if c.held {
				file, err := lock.Tenant(os.Getenv(lockDirVariable), (&connect.Settings{Tenant: "sandbox:" + tenant}).LockKey(""), "")
				if err != nil {
					t.Fatal(err)
				}
				l, err := file.Acquire(t.Context(), "apply", 0)
				if err != nil {
					t.Fatal(err)
				}
				defer l.Release()
			}
			program, err := exec.LookPath("rollcall")
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(program, "apply", path("users"), "--privacy-mode", "opt-out", "--tenant", "sandbox:"+tenant, "-o", path("r.csv"),
				"--summary-json", path("s.json"), "--metrics-file", path("m.prom"), "--lock-wait", "1h")
			var said bytes.Buffer
			cmd.Stderr = &said
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer cmd.Process.Kill()
			// It opens the roster, which this waits for, when it hears signals.
			w, err := os.OpenFile(path("users"), os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			w.WriteString("UserPrincipalName\nada@contoso.com\n")
			if c.held {
				w.Close()
			}
			cmd.Process.Signal(syscall.SIGTERM)
			cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code != exitTerminated {
				t.Errorf("exit status %d, want %d\n%s", code, exitTerminated, said.String())
			}
			if !strings.Contains(said.String(), "stopping") {
				t.Errorf("said %s", said.String())
			}
			b, err := os.ReadFile(path("s.json"))
			var s struct {
				Exit    int
				Outcome string
			}
			if err != nil || json.Unmarshal(b, &s) != nil || s.Exit != exitTerminated || s.Outcome != "interrupted" {
				t.Errorf("the summary is %s, %v", b, err)
			}
			if b, err := os.ReadFile(path("m.prom")); err != nil || !strings.Contains(string(b), "} 143\n") {
				t.Errorf("the metrics are %s, %v", b, err)
			}
			if _, err := os.Lstat(path("r.csv")); err == nil {
				t.Error("there is a results file")
			}
			if b, _ := os.ReadFile(tenant); !strings.Contains(string(b), "opt-in") {
				t.Errorf("the tenant is %s", b)
			}
		})
	}
}

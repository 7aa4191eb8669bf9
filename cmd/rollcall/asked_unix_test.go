//go:build unix

package main

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Who asks by signal is told where the run stands, at once and quiet or not, and
// the run goes on.
func TestAskedBySignal(t *testing.T) {
	dir := t.TempDir()
	users := filepath.Join(dir, "users.csv")
	if err := os.WriteFile(users, []byte("UPN\n"+strings.Repeat("x", 3)+"@contoso.com\nb@contoso.com\nc@contoso.com\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	program, err := exec.LookPath("rollcall")
	if err != nil {
		t.Fatal(err)
	}
	results := filepath.Join(dir, "results.csv") // which has one row already
	rollcall(t, exitGuard, "apply", users, "--privacy-mode", "opt-out", "-o", results, "--limit", "1")
	cmd := exec.Command(program, "apply", users, "--privacy-mode", "opt-out", "-o", results, "--resume", "--quiet", "--tenant", "sandbox", "--rate", "0.01", "--log-format", "json", "--summary-json", filepath.Join(dir, "s.json"))
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	// What tells that it is ready is the ping, which comes when the run begins.
	ready := make(chan struct{})
	cmd.Args = append(cmd.Args, "--ping", pingServer(t, func() { close(ready) })+"/x")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	<-ready
	lines := bufio.NewScanner(stderr)
	for answers := 0; answers < 2; {
		if err := cmd.Process.Signal(syscall.SIGUSR1); err != nil {
			t.Fatal(err)
		}
		if !lines.Scan() {
			t.Fatal("nothing was said")
		}
		var event struct {
			Msg string
			Of  int
		}
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil || event.Msg != "progress" {
			t.Fatalf("said %s, %v", lines.Bytes(), err)
		}
		if event.Of != 0 && event.Of != 2 {
			t.Fatalf("of %d rows, want the 2 that are left", event.Of)
		}
		if event.Of == 2 { // and not ahead of the first call
			answers++
		}
	}
	cmd.Process.Signal(os.Interrupt)
	for lines.Scan() && !strings.Contains(lines.Text(), "interrupt again") {
	}
	cmd.Process.Signal(os.Interrupt)
	for lines.Scan() {
	}
	if bufio.NewScanner(stdout).Scan() {
		t.Error("there are results of calls that were not made")
	}
	cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != exitInterrupted {
		t.Errorf("exit status %d", got)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "s.json")); err != nil || !strings.Contains(string(b), `"outcome": "interrupted"`) {
		t.Errorf("the summary says %s, %v", b, err)
	}
}

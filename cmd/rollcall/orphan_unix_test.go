//go:build unix

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// setOne returns a run that sets the mode of one user through a PowerShell, and
// what it says.
func setOne(t *testing.T, shell, mode string, args ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	program, err := exec.LookPath("rollcall")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	in := filepath.Join(dir, "users.csv")
	if err := os.WriteFile(in, []byte("UPN\nada@contoso.com\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, append([]string{"apply", in, "--privacy-mode", mode, "-o", filepath.Join(dir, "results.csv"), "--yes",
		"--tenant", "powershell", "--pwsh", shell, "--organization", t.Name() + ".onmicrosoft.com"}, args...)...)
	cmd.Env = append(os.Environ(), tokenVariable+"=token-8d2f")
	said := new(bytes.Buffer)
	cmd.Stderr = said
	t.Cleanup(func() {
		if cmd.Process != nil {
			cmd.Process.Kill()
		}
		if t.Failed() {
			t.Logf("%s said\n%s", mode, said)
		}
	})
	return cmd, said
}

// exitsWith waits for a run, which has a minute and a half.
func exitsWith(t *testing.T, cmd *exec.Cmd, want int) {
	t.Helper()
	late := time.AfterFunc(90*time.Second, func() { cmd.Process.Kill() })
	cmd.Wait()
	late.Stop()
	if got := cmd.ProcessState.ExitCode(); got != want {
		t.Errorf("exit status %d, want %d", got, want)
	}
}

func standIn(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("standin-pwsh")
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// wrapped returns a script that runs program as a child, as some installations of
// PowerShell do: then it is not ours to have it end with us.
func wrapped(t *testing.T, program string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "pwsh")
	if err := os.WriteFile(name, fmt.Appendf(nil, "#!/bin/sh\n'%s' \"$@\"\nexit $?\n", program), 0o700); err != nil {
		t.Fatal(err)
	}
	return name
}

// killed starts a run, kills it while its set hangs, and returns the process that
// hangs in it.
func killed(t *testing.T, s *shellStage, shell string) int {
	t.Helper()
	cmd, _ := setOne(t, shell, "opt-out")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := s.waiting("opt-out")
	t.Cleanup(func() { syscall.Kill(pid, syscall.SIGKILL) })
	cmd.Process.Kill()
	cmd.Wait()
	return pid
}

// As long as what a killed run has started is at work, the next run is kept from
// the tenant and told why: so that no set lands behind its own.
func TestOrphanHoldsTheTenant(t *testing.T) {
	s := newShellStage(t)
	s.allow("opt-in")
	shell := wrapped(t, standIn(t))
	killed(t, s, shell)

	cmd, said := setOne(t, shell, "opt-in")
	cmd.Start()
	exitsWith(t, cmd, exitHeld)
	for _, want := range []string{"; that process has ended, and one that it started is still at work\n", "; fuser "} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("the next run says %q, want %q", said, want)
		}
	}

	cmd, _ = setOne(t, shell, "opt-in", "--lock-wait", "1m")
	cmd.Start()
	s.allow("opt-out")
	exitsWith(t, cmd, exitOK)
	if got, want := s.ledger(), []string{"opt-out", "opt-in"}; !slices.Equal(got, want) {
		t.Errorf("the tenant saw %q, want %q", got, want)
	}
}

// Where the system can do that, what a run has started ends with it, however it
// ends.
func TestOrphanEnds(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("this system has no way to")
	}
	s := newShellStage(t)
	s.allow("opt-in")
	pid := killed(t, s, standIn(t))
	cmd, _ := setOne(t, standIn(t), "opt-in", "--lock-wait", "1m")
	cmd.Start()
	exitsWith(t, cmd, exitOK)
	s.allow("opt-out")
	if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil && !strings.Contains(string(stat), ") Z ") {
		t.Errorf("process %d is still at work: %s", pid, stat)
	}
	if got, want := s.ledger(), []string{"opt-in"}; !slices.Equal(got, want) {
		t.Errorf("the tenant saw %q, want %q", got, want)
	}
}

// However its cmdlets hang, a run that is terminated is over within the time that
// it says, with all that it started.
func TestTerminatedWhileCmdletsHang(t *testing.T) {
	s := newShellStage(t)
	const within = 2 * time.Second
	cmd, said := setOne(t, standIn(t), "opt-out", "--stop-timeout", within.String())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := s.waiting("opt-out")
	start := time.Now()
	cmd.Process.Signal(syscall.SIGTERM)
	exitsWith(t, cmd, exitTerminated)
	if took := time.Since(start); took < within || took > within+10*time.Second {
		t.Errorf("it took %v, want about %v", took, within)
	}
	for _, want := range []string{"finishing 1 row in progress, 2s at most; interrupt again to stop at once\n", "2s are over: stopping at once\n", "to go on: "} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("said %q, want %q", said, want)
		}
	}
	if err := syscall.Kill(pid, 0); err == nil {
		t.Errorf("process %d is still there", pid)
	}
}

// A PowerShell that says nothing is given up after --timeout.
func TestSilentShell(t *testing.T) {
	silent := filepath.Join(t.TempDir(), "pwsh")
	if err := os.WriteFile(silent, []byte("#!/bin/sh\nexec sleep 600\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd, said := setOne(t, silent, "opt-out", "--timeout", "1s")
	start := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exitsWith(t, cmd, exitError)
	if took := time.Since(start); took > time.Minute || !strings.Contains(said.String(), "no reply from PowerShell within 1s") {
		t.Errorf("after %v it said %q", took, said)
	}
}

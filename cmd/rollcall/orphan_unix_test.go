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

// A oneSet is a run that sets the mode of one user through a PowerShell.
type oneSet struct {
	*exec.Cmd
	said  bytes.Buffer  // to be read when it has ended
	ended chan struct{} // closed then
}

// setOne starts a oneSet.
func setOne(t *testing.T, shell, mode string, args ...string) *oneSet {
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
	r := &oneSet{ended: make(chan struct{})}
	r.Cmd = exec.Command(program, append([]string{"apply", in, "--privacy-mode", mode, "-o", filepath.Join(dir, "results.csv"), "--yes",
		"--tenant", "powershell", "--pwsh", shell, "--organization", t.Name() + ".onmicrosoft.com"}, args...)...)
	r.Env = append(os.Environ(), tokenVariable+"=token-8d2f")
	r.Stderr = &r.said
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(r.ended)
		r.Wait()
	}()
	t.Cleanup(func() {
		r.kill()
		if t.Failed() {
			t.Logf("%s said\n%s", mode, &r.said)
		}
	})
	return r
}

func (r *oneSet) kill() {
	r.Process.Kill()
	<-r.ended
}

// exitsWith waits for a run, which has a minute and a half.
func (r *oneSet) exitsWith(t *testing.T, want int) {
	t.Helper()
	select {
	case <-r.ended:
	case <-time.After(90 * time.Second):
		r.kill()
	}
	if got := r.ProcessState.ExitCode(); got != want {
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
	run := setOne(t, shell, "opt-out")
	pid := s.waiting("opt-out", run.ended)
	t.Cleanup(func() { syscall.Kill(pid, syscall.SIGKILL) })
	run.kill()
	return pid
}

// As long as what a killed run has started is at work, the next run is kept from
// the tenant and told why: so that no set lands behind its own.
func TestOrphanHoldsTheTenant(t *testing.T) {
	s := newShellStage(t)
	s.allow("opt-in")
	shell := wrapped(t, standIn(t))
	killed(t, s, shell)

	run := setOne(t, shell, "opt-in")
	run.exitsWith(t, exitHeld)
	for _, want := range []string{"; that process has ended, and one that it started is still at work\n", "; fuser "} {
		if !strings.Contains(run.said.String(), want) {
			t.Errorf("the next run says %q, want %q", &run.said, want)
		}
	}

	run = setOne(t, shell, "opt-in", "--lock-wait", "1m")
	s.allow("opt-out")
	run.exitsWith(t, exitOK)
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
	setOne(t, standIn(t), "opt-in", "--lock-wait", "1m").exitsWith(t, exitOK)
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
	run := setOne(t, standIn(t), "opt-out", "--stop-timeout", within.String())
	pid := s.waiting("opt-out", run.ended)
	start := time.Now()
	run.Process.Signal(syscall.SIGTERM)
	run.exitsWith(t, exitTerminated)
	if took := time.Since(start); took < within || took > within+10*time.Second {
		t.Errorf("it took %v, want about %v", took, within)
	}
	for _, want := range []string{"finishing 1 row in progress, 2s at most; interrupt again to stop at once\n", "stopping at once: 2s have passed since the interrupt\n", "to go on: "} {
		if !strings.Contains(run.said.String(), want) {
			t.Errorf("said %q, want %q", &run.said, want)
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
	start := time.Now()
	run := setOne(t, silent, "opt-out", "--timeout", "1s")
	run.exitsWith(t, exitError)
	if took := time.Since(start); took > time.Minute || !strings.Contains(run.said.String(), "no reply from PowerShell within 1s") {
		t.Errorf("after %v it said %q", took, &run.said)
	}
}

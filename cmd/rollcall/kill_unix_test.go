//go:build unix

package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Killed at random instants and resumed until it is done, a run leaves the file
// that an unbroken run would have left: every row once and in order, set, with
// the value from before the first set, and no user was set more often than the
// rows in hand at the kills allow. For TORTURE see [TestKilledEditedAndUndone].
func TestKilledAtAnyInstant(t *testing.T) {
	t.Parallel()
	kills := tortureKills(t)
	const users, workers = 300, 8
	dir := t.TempDir()
	program := filepath.Join(dir, "rollcall")
	buildProgram(t, program)
	in, results := filepath.Join(dir, "users.csv"), filepath.Join(dir, "results.csv")
	writeRoster(t, in, users)
	rnd := rand.New(rand.NewPCG(uint64(kills), 1))

	for killed := 0; killed < kills; {
		endpoint, stop := startServer(t, program, "--latency", "1ms", "--jitter", "10ms",
			"--fault", "503:0.02", "--fault", "lost:0.03", "--fault", "hang:0.002", "--fault", "truncated:0.02")
		os.Remove(results)
		atOnce := 0 // kills of this run
		for {
			cmd := exec.Command(program, "apply", in, "--privacy-mode", "opt-out", "--read-first", "--resume", "-o", results, "--yes", "--quiet",
				"--tenant", "exchange", "--endpoint", endpoint, "--organization", organization, "--workers", strconv.Itoa(workers), "--timeout", "500ms", "--retries", "8")
			cmd.Env = tortureEnvironment()
			var said bytes.Buffer
			cmd.Stderr = &said
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			// Later and later: a machine may need long just to begin.
			after := time.Duration(rnd.IntN(700+20*atOnce)) * time.Millisecond
			timer := time.AfterFunc(after, func() { cmd.Process.Kill() })
			cmd.Wait()
			timer.Stop()
			if cmd.ProcessState.Sys().(syscall.WaitStatus).Signaled() {
				atOnce++
				continue
			}
			if code := cmd.ProcessState.ExitCode(); code != exitOK {
				t.Fatalf("after %d kills: exit status %d\n%s", atOnce, code, said.String())
			}
			break
		}
		killed += atOnce
		counts := stop()
		checkKilled(t, results, users, counts, workers*atOnce)
		if _, err := os.Stat(results + ".journal"); err == nil {
			t.Error("the journal is still there")
		}
		if t.Failed() {
			t.FailNow()
		}
	}
}

// checkKilled checks the results of a run of n users that was killed, and how
// many sets there were beyond one for each user.
func checkKilled(t *testing.T, results string, n int, counts string, inHand int) {
	t.Helper()
	b, err := os.ReadFile(results)
	if err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(records) != n+1 {
		t.Fatalf("%d records, want %d and a header", len(records), n)
	}
	for i, r := range records[1:] {
		got := strings.Join(r[:6], ",")
		want := fmt.Sprintf("%d,user%07d@contoso.onmicrosoft.com,applied,opt-out,opt-out,opt-in", i+2, i)
		if got != want {
			t.Errorf("record %d is %s, want %s", i, got, want)
		}
	}
	number := func(what string) int { return countOf(t, counts, what) }
	if got := number("users set"); got != n {
		t.Errorf("the server has %d users set, want %d", got, n)
	}
	again := number("fault 503") + number("fault lost") + number("fault hang") + number("fault truncated")
	if sets, most := number("Set-MyAnalyticsFeatureConfig"), n+again+inHand; sets > most {
		t.Errorf("%d sets, more than %d: rows that were done were done again", sets, most)
	}
}

// countOf returns the number that a server's counts have of what.
func countOf(tb testing.TB, counts, what string) int {
	tb.Helper()
	for line := range strings.Lines(counts) {
		if n, ok := strings.CutSuffix(line, "  "+what+"\n"); ok {
			i, err := strconv.Atoi(strings.TrimSpace(n))
			if err != nil {
				tb.Fatal(err)
			}
			return i
		}
	}
	return 0
}

// startServer starts a sandbox server in a process of its own. Stop interrupts
// it and returns its counts.
func startServer(t testing.TB, program string, args ...string) (endpoint string, stop func() string) {
	t.Helper()
	endpoint, cmd, out := launchServer(t, program, args...)
	return endpoint, func() string {
		cmd.Process.Signal(os.Interrupt)
		var counts bytes.Buffer
		counts.ReadFrom(out)
		cmd.Wait()
		return counts.String()
	}
}

// launchServer starts a sandbox server in a process of its own, whose standard
// output is out after the endpoint.
func launchServer(t testing.TB, program string, args ...string) (endpoint string, cmd *exec.Cmd, out io.Reader) {
	t.Helper()
	cmd = exec.Command(program, append([]string{"sandbox", "serve"}, args...)...)
	cmd.Env = tortureEnvironment()
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	var b [100]byte
	n, err := out.Read(b[:])
	if err != nil {
		cmd.Wait()
		t.Fatalf("the server did not start: %v\n%s", err, said.String())
	}
	return strings.TrimSpace(string(b[:n])), cmd, out
}

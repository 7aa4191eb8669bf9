package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// A run that replaces the results of another has emptied them on the disk before
// its journal has its name there, and has both before the first set: whenever the
// power is cut, no journal stands beside the records of another run.
func TestOrderOnDisk(t *testing.T) {
	t.Parallel()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("there is no strace to see the order with")
	}
	dir := t.TempDir()
	program, in, results := filepath.Join(dir, "rollcall"), filepath.Join(dir, "users.csv"), filepath.Join(dir, "results.csv")
	tenant, trace := filepath.Join(dir, "tenant.csv"), filepath.Join(dir, "trace")
	buildProgram(t, program)
	writeRoster(t, in, 20)
	if err := os.WriteFile(tenant, []byte("UserPrincipalName,PrivacyMode\nuser0000000@contoso.onmicrosoft.com,opt-in\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	// What is replaced is of a run that did not come to its end.
	rollcall(t, exitGuard, "apply", in, "--privacy-mode", "opt-in", "-o", results, "--limit", "5")
	cmd := exec.Command(strace, "-f", "-y", "-o", trace, "-e", "trace=truncate,ftruncate,fsync,rename,renameat,renameat2,write", program,
		"apply", in, "--privacy-mode", "opt-out", "-o", results, "--overwrite", "--tenant", "sandbox:"+tenant)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != exitRows {
		t.Skipf("strace: %v\n%s", err, out)
	}
	b, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	at := 0
	for _, step := range []string{ // as they begin: one after another, on any thread
		`truncate\("[^"]*/results\.csv", 0`,
		`fsync\(\d+<[^>]*/results\.csv>`,
		`fsync\(\d+<[^>]*/results\.csv\.journal\.new>`,
		`rename.*/results\.csv\.journal"`,
		`fsync\(\d+<` + regexp.QuoteMeta(dir) + `>`,
		`write\(\d+<[^>]*/tenant\.csv\.changes>`,
	} {
		found := regexp.MustCompile(step).FindIndex(b[at:])
		if found == nil {
			t.Fatalf("no %s after the step before it:\n%s", step, b)
		}
		at += found[1]
	}
}

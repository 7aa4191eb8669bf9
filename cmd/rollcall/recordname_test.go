package main

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/pipeline/results"
	"rollcall/tenant/sandbox"
	"rollcall/tenant/sandbox/server"
)

// A run that writes to a real tenant has a record in a file of its own, whether or not
// it was given a name, and can be gone on with.
func TestRecordOfARunWithoutAName(t *testing.T) {
	s := httptest.NewServer(&server.Server{Tenant: sandbox.New()})
	defer s.Close()
	t.Chdir(t.TempDir())
	t.Setenv(tokenVariable, "token")
	writeRoster(t, "users.csv", 5)
	records := func(pattern string) []string {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		return slices.DeleteFunc(names, func(name string) bool { return filepath.Ext(name) != ".csv" })
	}
	apply := []string{"apply", "users.csv", "--privacy-mode", "opt-out", "--read-first", "--yes",
		"--tenant", "exchange", "--endpoint", s.URL, "--organization", organization}
	with := func(more ...string) []string { return append(slices.Clone(apply), more...) }

	// On the sandbox, which is a rehearsal, standard output has it all the same.
	out, _ := rollcall(t, exitOK, "apply", "users.csv", "--privacy-mode", "opt-out")
	if names := records("apply-*"); strings.Count(out, ",applied,") != 5 || len(names) > 0 {
		t.Fatalf("the sandbox: %v, %s", names, out)
	}
	// So it does for those who mean it, and in an audit.
	out, _ = rollcall(t, exitOK, with("-o", "-")...)
	if names := records("apply-*"); strings.Count(out, ",applied,") != 5 || len(names) > 0 {
		t.Fatalf("-o -: %v, %s", names, out)
	}
	apply[3] = "opt-in" // which is a change again
	rollcall(t, exitDiffers, with("--dry-run")...)
	if names := records("apply-*"); len(names) > 0 {
		t.Fatalf("an audit left %v", names)
	}

	// Nobody is there to say yes: nothing is left, and no lock either.
	_, stderr := rollcall(t, exitUsage, slices.DeleteFunc(with(), func(arg string) bool { return arg == "--yes" })...)
	if names, err := filepath.Glob("apply-*"); err != nil || len(names) > 0 || !regexp.MustCompile(`Record: apply-\d{8}-\d{6}Z\.csv\.`).MatchString(stderr) || strings.Contains(stderr, "goes to apply-") {
		t.Fatalf("not confirmed: %v, %s", names, stderr)
	}

	out, stderr = rollcall(t, exitGuard, with("--limit", "2")...)
	names := records("apply-*")
	if len(names) != 1 || out != "" || !strings.Contains(stderr, "no -o was given: the results go to "+names[0]+"\n") {
		t.Fatalf("%v, %q, %s", names, out, stderr)
	}
	first := names[0]
	if want := " -o " + first + " --resume\n"; !strings.Contains(stderr, want) {
		t.Errorf("it does not say %q: %s", want, stderr)
	}
	_, stderr = rollcall(t, exitUsage, with("--resume")...)
	if want := "hint: the newest results file of an unfinished run here is " + first + ": use -o " + first + "\n"; !strings.Contains(stderr, want) {
		t.Errorf("%s, want %s", stderr, want)
	}
	rollcall(t, exitOK, with("-o", first, "--resume")...)
	_, stderr = rollcall(t, exitUsage, with("--resume")...)
	if strings.Contains(stderr, "unfinished") || !strings.Contains(stderr, "--resume needs -o FILE") {
		t.Errorf("with nothing to go on with: %s", stderr)
	}

	// Quiet is quiet, and the record is there.
	out, stderr = rollcall(t, exitOK, with("--quiet")...)
	if names := records("apply-*"); len(names) != 2 || out != "" || stderr != "" {
		t.Errorf("--quiet: %v, %q, %q", names, out, stderr)
	}

	// Standard output is free for other things then.
	out, _ = rollcall(t, exitOK, with("--summary-json", "-")...)
	if names := records("apply-*"); len(names) != 3 || !strings.HasPrefix(out, "{") || !strings.Contains(out, `"results": "apply-`) {
		t.Errorf("--summary-json -: %v, %s", names, out)
	}

	// An undo finds the tenant in the summary: it is a real one, and nobody has named
	// it.
	rollcall(t, exitOK, "undo", first, "--yes")
	undone := records("undo-*")
	if len(undone) != 1 {
		t.Fatalf("the record of undo: %v", undone)
	}
	if b, err := os.ReadFile(undone[0]); err != nil || strings.Count(string(b), "\n") != 6 {
		t.Errorf("%s: %v, %s", undone[0], err, b)
	}
}

// A name that nobody gave is never that of a file which is there, nor would what
// stands beside it replace one.
func TestRecordNameIsFree(t *testing.T) {
	t.Chdir(t.TempDir())
	now := time.Date(2026, 11, 28, 23, 5, 2, 0, time.FixedZone("east", 3600))
	for i, want := range []string{"apply-20261128-220502Z.csv", "apply-20261128-220502Z-2.csv", "apply-20261128-220502Z-3.csv", "apply-20261128-220502Z-4.csv"} {
		if got := recordName("apply", now, results.IsFree); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if err := os.WriteFile(want+[]string{"", ".json", ".journal", ""}[i], nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A summaryRecord is what the tests here look at of a summary.
type summaryRecord struct {
	Exit    *int
	Outcome string
	Change  string
	Rows    struct {
		Total, Recorded int
		InProgress      int `json:"in_progress"`
		NotAttempted    int `json:"not_attempted"`
	}
}

func readRecord(t *testing.T, name string) (s summaryRecord) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	if err != nil {
		t.Errorf("the summary: %v", err)
	}
	return s
}

// What the run starts from is on record ahead of its first call: nothing of the
// results that it replaces is left, and the journal and the summary are its own.
func TestOnRecordAheadOfTheFirstCall(t *testing.T) {
	dir := t.TempDir()
	in, results := filepath.Join(dir, "users.csv"), filepath.Join(dir, "results.csv")
	writeRoster(t, in, 3)
	rollcall(t, exitOK, "apply", in, "--privacy-mode", "opt-out", "-o", results)
	rollcallAtStart(t, exitOK, func() {
		b, err := os.ReadFile(results)
		if n := strings.Count(string(b), "\n"); err != nil || n != 1 || !strings.HasPrefix(string(b), "Row,") {
			t.Errorf("the results are %q, %v; want the header alone", b, err)
		}
		if _, err := os.Stat(results + ".journal"); err != nil {
			t.Error(err)
		}
		if s := readRecord(t, results+".json"); s.Outcome != "running" || s.Exit != nil || s.Change != "PrivacyMode=opt-in" {
			t.Errorf("the summary is %+v", s)
		}
	}, "apply", in, "--privacy-mode", "opt-in", "-o", results, "--overwrite")
	if s := readRecord(t, results+".json"); s.Outcome != "complete" || s.Exit == nil || *s.Exit != 0 || s.Rows.Recorded != 3 {
		t.Errorf("in the end the summary is %+v", s)
	}
}

// To go on that fails ahead of its first call leaves all as it was, and another try
// goes on: here a directory stands where the journal is made anew.
func TestResumeThatCouldNotBegin(t *testing.T) {
	dir := t.TempDir()
	in, results := filepath.Join(dir, "users.csv"), filepath.Join(dir, "results.csv")
	writeRoster(t, in, 5)
	apply := []string{"apply", in, "--privacy-mode", "opt-out", "-o", results}
	rollcall(t, exitGuard, append(apply, "--limit", "2")...)
	inTheWay := results + ".journal.new"
	if err := os.MkdirAll(filepath.Join(inTheWay, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		rollcall(t, exitError, append(apply, "--resume")...)
	}
	if err := os.RemoveAll(inTheWay); err != nil {
		t.Fatal(err)
	}
	if _, said := rollcall(t, exitOK, append(apply, "--resume")...); !strings.Contains(said, "2 rows recorded, 3 to go") {
		t.Errorf("it goes on with\n%s", said)
	}
}

// Results that somebody cuts, removes or replaces under a run are lost, and nothing
// says otherwise: it ends with 1, counts no row as recorded, keeps the journal and
// says how to go on.
func TestResultsLostUnderARun(t *testing.T) {
	goOn := map[string]string{"removed": "gone for good: the same command", "cut": "gone for good: move what is there", "replaced": "gone for good: move what is there"}
	for name, lose := range map[string]func(results string) error{
		"cut":     func(results string) error { return os.Truncate(results, 0) },
		"removed": os.Remove,
		"replaced": func(results string) error {
			if err := os.Remove(results); err != nil {
				return err
			}
			return os.WriteFile(results, []byte("something else\n"), 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			in, results, summary := filepath.Join(dir, "users.csv"), filepath.Join(dir, "results.csv"), filepath.Join(dir, "s.json")
			writeRoster(t, in, 50)
			said := rollcallAtStart(t, exitError, func() {
				if err := lose(results); err != nil {
					t.Error(err)
				}
			}, "apply", in, "--privacy-mode", "opt-out", "-o", results, "--summary-json", summary)
			for _, want := range []string{"results are lost", "in progress: without a result, and perhaps changed", "to go on: put " + results + " back", goOn[name]} {
				if !strings.Contains(said, want) {
					t.Errorf("it does not say %q:\n%s", want, said)
				}
			}
			if strings.Contains(said, "results are in") {
				t.Errorf("it says where the results are:\n%s", said)
			}
			s := readRecord(t, summary)
			if r := s.Rows; s.Exit == nil || *s.Exit != exitError || r.Recorded != 0 || r.InProgress != 50 || r.Recorded+r.InProgress+r.NotAttempted != r.Total {
				t.Errorf("the summary is %+v", s)
			}
			if _, err := os.Stat(results + ".journal"); err != nil {
				t.Errorf("the journal is gone: %v", err)
			}
		})
	}
}

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rollcall/tenant/entra"
)

// completions returns what a shell is given to complete the last of args with, and
// the number that says how.
func completions(t *testing.T, args ...string) (words []string, how string) {
	t.Helper()
	out, _ := rollcall(t, exitOK, append([]string{"__complete"}, args...)...)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	for _, line := range lines[:len(lines)-1] {
		word, tip, _ := strings.Cut(line, "\t")
		if strings.Contains(tip, "`") {
			t.Errorf("%q: the tip %q has a backtick", args, tip)
		}
		words = append(words, word)
	}
	return words, lines[len(lines)-1]
}

// Values are completed where there are some to choose from, and files only where a
// file is wanted.
func TestCompletion(t *testing.T) {
	const files, noFiles, list = ":0", ":4", ":6"
	config := filepath.Join(t.TempDir(), "rollcall.yaml")
	if err := os.WriteFile(config, []byte("profiles:\n  contoso:\n    rate: 1\n  adatum:\n    rate: 2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args string
		want []string // among others
		how  string
	}{
		{"apply --tenant ", []string{"sandbox", "exchange", "powershell"}, noFiles},
		{"apply --privacy-mode ", []string{"opt-in", "opt-out"}, noFiles},
		{"set --noun ", []string{"MyAnalyticsFeatureConfig", "VivaInsightsSettings"}, noFiles},
		{"doctor --auth ", entra.Methods(), noFiles},
		{"audit --format ", []string{"text", "csv", "json", "jsonl", "markdown"}, noFiles},
		{"get --cloud ch", []string{"china"}, noFiles},
		{"apply --only failed,", []string{"failed,unverified", "failed,applied"}, list},
		{"apply --config " + config + " --profile ", []string{"adatum", "contoso"}, noFiles},
		{"apply --log-format ", []string{"json"}, noFiles},
		{"apply --rate ", nil, noFiles},
		{"apply --certificate ", nil, files},
		{"apply -o ", nil, files},
		{"apply ", nil, files},
		{"get ", nil, noFiles},
		{"fleet submit ", nil, files},
		{"fleet status ", nil, noFiles},
		{"fleet pause nightly ", nil, noFiles},
		{"fleet schedule remove ", nil, noFiles},
		{"help ", []string{"tenants", "powershell", "apply"}, noFiles},
		{"help tenants ", nil, noFiles},
		{"help apply ", []string{"all"}, noFiles},
		{"report --format ", []string{"text", "csv", "json", "markdown"}, noFiles},
		{"get --format ", []string{"text", "csv", "json", "markdown"}, noFiles},
		{"apply --", []string{"--privacy-mode"}, noFiles},
	} {
		words, how := completions(t, strings.Split(test.args, " ")...)
		for _, w := range test.want {
			if !slices.Contains(words, w) {
				t.Errorf("%q: %q lacks %s", test.args, words, w)
			}
		}
		if how != test.how || test.want == nil && words != nil {
			t.Errorf("%q: %q %s, want %s", test.args, words, how, test.how)
		}
	}
	if words, _ := completions(t, "apply", "--only", "failed,"); slices.Contains(words, "failed,failed") {
		t.Errorf("a status is there twice: %q", words)
	}
}

// What completes commands in a shell is no flag, and nobody is warned of it. The
// script for PowerShell sets no variable of the session's.
func TestCompletionVariables(t *testing.T) {
	out, _ := rollcall(t, exitOK, "completion", "powershell")
	if !strings.Contains(out, "Register-ArgumentCompleter") || strings.Contains(out, "ACTIVE_HELP") {
		t.Errorf("the script for PowerShell sets a variable:\n%s", out)
	}
	if bare, _ := rollcall(t, exitOK, "completion", "powershell", "--no-descriptions"); bare == out || !strings.Contains(bare, "__completeNoDesc") {
		t.Error("--no-descriptions makes no difference")
	}
	for _, name := range completionVariables {
		t.Setenv(name, "0")
	}
	if _, errs := rollcall(t, exitOK, "get", "ada@contoso.com", "--tenant", "sandbox"); strings.Contains(errs, "warning") {
		t.Errorf("said %s", errs)
	}
}

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// readme returns the indented blocks of the README, without the indent.
func readme(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return indented(string(text))
}

// indented returns the indented blocks of a text, without the indent.
func indented(text string) []string {
	var blocks []string
	inside := false
	for line := range strings.Lines(text) {
		code, ok := strings.CutPrefix(line, "    ")
		switch {
		case ok && !inside:
			blocks = append(blocks, code)
		case ok:
			blocks[len(blocks)-1] += code
		case strings.TrimSpace(line) == "" && inside:
			blocks[len(blocks)-1] += "\n"
			continue
		}
		inside = ok
	}
	return blocks
}

// block returns the one block of the README that has marker in it.
func block(t *testing.T, marker string) string {
	t.Helper()
	var found []string
	for _, b := range readme(t) {
		if strings.Contains(b, marker) {
			found = append(found, b)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d blocks of the README have %q, want 1", len(found), marker)
	}
	return found[0]
}

// The flags of every command line in the README are flags of that command.
func TestReadmeCommandLines(t *testing.T) {
	a := new(app)
	command := regexp.MustCompile(`rollcall(?:\.exe)? ([a-z]+(?: serve)?)( [^|&;>\n]*)`)
	n := 0
	for _, b := range readme(t) {
		b = strings.NewReplacer("\\\n", " ", ">-\n", "", "\n              -o", " -o").Replace(b)
		for _, m := range command.FindAllStringSubmatch(b, -1) {
			found, _, err := a.root().Find(strings.Fields(m[1]))
			if err != nil || !found.Runnable() {
				continue
			}
			for _, word := range strings.Fields(m[2]) {
				name, long := strings.CutPrefix(word, "--")
				name, _, _ = strings.Cut(strings.Trim(name, `"'`), "=")
				if long && found.Flags().Lookup(name) == nil && found.InheritedFlags().Lookup(name) == nil {
					t.Errorf("README: rollcall %s has no flag --%s", m[1], name)
				}
			}
			n++
		}
	}
	if n < 10 {
		t.Errorf("found %d command lines in the README", n)
	}
}

// The crontab line works as it is written, in the environment that cron gives:
// silent if nothing is news, heard if something is, and keeping its place.
func TestReadmeCrontab(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("there is no cron on Windows")
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "rollcall")
	buildProgram(t, program)
	line := strings.TrimSpace(block(t, "30 2 * * * cd"))
	if strings.Contains(line, "%") {
		t.Error("cron takes a % for the end of the line")
	}
	line, _ = strings.CutPrefix(line, "30 2 * * * ")
	line = strings.ReplaceAll(line, "/usr/local/bin/rollcall", program)
	line = strings.ReplaceAll(line, "/var/lib/rollcall", dir)
	line = strings.ReplaceAll(line, "--config /etc/rollcall/rollcall.yaml --profile contoso", "--tenant sandbox:tenant.csv")
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	night := func(want int) string {
		t.Helper()
		cmd := exec.Command("/usr/bin/env", "-i", "HOME="+dir, "SHELL=/bin/sh", "PATH=/usr/bin:/bin", "LOGNAME=x", "/bin/sh", "-c", line)
		out, _ := cmd.CombinedOutput()
		if got := cmd.ProcessState.ExitCode(); got != want {
			t.Fatalf("exit status %d, want %d\n%s", got, want, out)
		}
		return string(out)
	}
	write("users.csv", "UPN\nada@contoso.com\nbob@contoso.com\n")
	write("tenant.csv", "UserPrincipalName,PrivacyMode\nada@contoso.com,opt-out\nbob@contoso.com,opt-in\n")
	if out := night(exitError); !strings.Contains(out, "last.csv") {
		t.Errorf("without a first last.csv: %s", out)
	}
	rollcall(t, exitDiffers, "audit", filepath.Join(dir, "users.csv"), "--privacy-mode", "opt-out", "--tenant", "sandbox:"+filepath.Join(dir, "tenant.csv"),
		"-o", filepath.Join(dir, "last.csv"))
	for range 2 {
		if out := night(exitOK); out != "" {
			t.Errorf("said without news: %s", out)
		}
	}
	write("tenant.csv", "UserPrincipalName,PrivacyMode\nada@contoso.com,opt-in\nbob@contoso.com,opt-in\n")
	if out := night(exitDiffers); !strings.Contains(out, "ada@contoso.com") || strings.Contains(out, "bob@contoso.com") {
		t.Errorf("the news are that ada differs, and it said: %s", out)
	}
	if out := night(exitOK); out != "" {
		t.Errorf("said again: %s", out)
	}
}

// The systemd units are ones.
func TestReadmeUnits(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("there is no systemd-analyze to verify the units of the README with")
	}
	dir := t.TempDir()
	var names []string
	for _, unit := range strings.Split(block(t, "[Service]"), "# /etc/systemd/system/")[1:] {
		name, text, _ := strings.Cut(unit, "\n")
		path := filepath.Join(dir, name)
		text = strings.ReplaceAll(text, "/usr/local/bin/rollcall", "/bin/true")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		names = append(names, path)
	}
	if out, err := exec.Command(analyze, append([]string{"verify"}, names...)...).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

// The YAML of the README is YAML, and the profile in it has flags that there are.
func TestReadmeYAML(t *testing.T) {
	var job map[string]any
	if err := yaml.Unmarshal([]byte(block(t, "runs-on:")), &job); err != nil {
		t.Error(err)
	}
	file := filepath.Join(t.TempDir(), "rollcall.yaml")
	if err := os.WriteFile(file, []byte(block(t, "profiles:\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, _ := rollcall(t, exitOK, "config", "--config", file, "--profile", "contoso"); !strings.Contains(out, "contoso.pfx") {
		t.Errorf("the profile of the README comes to\n%s", out)
	}
}

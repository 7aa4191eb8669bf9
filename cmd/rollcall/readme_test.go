package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// documented returns the code in the README and in the topics of help.
func documented(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, b := range fenced.FindAllStringSubmatch(string(text), -1) {
		blocks = append(blocks, b[1])
	}
	for _, name := range topics() {
		topic, _ := rollcall(t, exitOK, "help", name)
		blocks = append(blocks, indented(topic)...)
	}
	return blocks
}

var fenced = regexp.MustCompile("(?sm)^```[a-z]*\n(.*?)^```$")

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

// block returns the one block of code in README and topics that has marker in it. What
// stands in both is the same.
func block(t *testing.T, marker string) string {
	t.Helper()
	var found []string
	for _, b := range documented(t) {
		if b = strings.TrimSpace(b); strings.Contains(b, marker) && !slices.Contains(found, b) {
			found = append(found, b)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d blocks of README and help have %q, want 1", len(found), marker)
	}
	return found[0]
}

// The flags of every command line in README and help are flags of that command.
func TestReadmeCommandLines(t *testing.T) {
	a := new(app)
	command := regexp.MustCompile(`rollcall(?:\.exe)? ((?:fleet |sandbox )?[a-z]+)( [^|&;>\n]*)`)
	n := 0
	for _, b := range documented(t) {
		b = continued.ReplaceAllString(b, " ")
		for _, m := range command.FindAllStringSubmatch(b, -1) {
			found, _, err := a.root().Find(strings.Fields(m[1]))
			if err != nil || !found.Runnable() {
				continue
			}
			for _, word := range strings.Fields(m[2]) {
				name, long := strings.CutPrefix(word, "--")
				name, _, _ = strings.Cut(strings.Trim(name, `"'`), "=")
				if long && found.Flags().Lookup(name) == nil && found.InheritedFlags().Lookup(name) == nil {
					t.Errorf("rollcall %s has no flag --%s", m[1], name)
				}
			}
			n++
		}
	}
	if n < 20 {
		t.Errorf("found %d command lines", n)
	}
}

// A line goes on in the next one behind a backslash or a caret, and in YAML in those
// that are indented further than the step.
var continued = regexp.MustCompile(`[\\^]\n|>-\n|\n {10}`)

// The script for cron works as it is written, in the environment that cron gives:
// silent if nothing is news, heard if something is, and keeping its place.
func TestReadmeCrontab(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("there is no cron on Windows")
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "rollcall")
	buildProgram(t, program)
	text, line, ok := strings.Cut(block(t, "rollcall-night\ncd "), "\n# crontab\n")
	if !ok || line != "30 2 * * * /usr/local/bin/rollcall-night" {
		t.Errorf("the crontab line is %q", line)
	}
	text = strings.NewReplacer("/usr/local/bin/rollcall ", program+" ", "/var/lib/rollcall", dir, "--config /etc/rollcall/rollcall.yaml --profile contoso", "--tenant sandbox:tenant.csv").Replace(text)
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	night := func(want int) string {
		t.Helper()
		cmd := exec.Command("/usr/bin/env", "-i", "HOME="+dir, "SHELL=/bin/sh", "PATH=/usr/bin:/bin", "LOGNAME=x", "/bin/sh", "-c", text)
		out, _ := cmd.CombinedOutput()
		if got := cmd.ProcessState.ExitCode(); got != want {
			t.Fatalf("exit status %d, want %d\n%s", got, want, out)
		}
		return string(out)
	}
	write("users.csv", "UPN\nada@contoso.com\nbob@contoso.com\neve@contoso.com\n") // the tenant has no eve
	write("tenant.csv", "UserPrincipalName,PrivacyMode\nada@contoso.com,opt-out\nbob@contoso.com,opt-in\n")
	if out := night(exitDiffers); !strings.Contains(out, "no last.csv to compare with") || !strings.Contains(out, "bob@contoso.com") || strings.Contains(out, "ada@contoso.com") {
		t.Errorf("the first night, on which bob differs: %s", out)
	}
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

// The systemd units of help are ones.
func TestReadmeUnits(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("there is no systemd-analyze to verify the units with")
	}
	dir := t.TempDir()
	var names []string
	for _, unit := range strings.Split(block(t, "OnCalendar="), "# /etc/systemd/system/")[1:] {
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

// The YAML of help is YAML, and the profile in it has flags that there are.
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
		t.Errorf("the profile comes to\n%s", out)
	}
}

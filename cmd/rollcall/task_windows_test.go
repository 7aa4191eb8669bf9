package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The audit.cmd of the topic works as it is written: silent if nothing is news,
// heard if something is, and keeping its place.
func TestTopicTask(t *testing.T) {
	program, err := exec.LookPath("rollcall")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	topic, _ := rollcall(t, exitOK, "help", "windows")
	_, topic, _ = strings.Cut(topic, "    @echo off\n")
	text, _, found := strings.Cut("@echo off\n"+topic, "\n\n")
	if !found {
		t.Fatalf("no audit.cmd in the topic:\n%s", text)
	}
	text = strings.NewReplacer(`C:\rollcall`, dir, "rollcall.exe", `"`+program+`"`, "--config rollcall.yaml", "--tenant", "--profile contoso", "sandbox:tenant.csv", "\n    ", "\n", "\n", "\r\n").Replace(text)
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("audit.cmd", strings.ReplaceAll(text, "\r\n    ", "\r\n"))
	night := func(want int) string {
		t.Helper()
		cmd := exec.Command("cmd.exe", "/c", filepath.Join(dir, "audit.cmd"))
		out, _ := cmd.CombinedOutput()
		if got := cmd.ProcessState.ExitCode(); got != want {
			t.Fatalf("exit status %d, want %d\n%s", got, want, out)
		}
		return string(out)
	}
	write("users.csv", "UPN\nada@contoso.com\nbob@contoso.com\n")
	write("tenant.csv", "UserPrincipalName,PrivacyMode\nada@contoso.com,opt-out\nbob@contoso.com,opt-in\n")
	if out := night(exitDiffers); !strings.Contains(out, "no last.csv to compare with") || !strings.Contains(out, "bob@contoso.com") {
		t.Errorf("the first night, on which bob differs: %s", out)
	}
	if out := night(exitOK); out != "" {
		t.Errorf("said without news: %s", out)
	}
	write("tenant.csv", "UserPrincipalName,PrivacyMode\nada@contoso.com,opt-in\nbob@contoso.com,opt-in\n")
	if out := night(exitDiffers); !strings.Contains(out, "ada@contoso.com") || strings.Contains(out, "bob@contoso.com") {
		t.Errorf("the news are that ada differs, and it said: %s", out)
	}
	if out := night(exitOK); out != "" {
		t.Errorf("said again: %s", out)
	}
}

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What the topic powershell shows works as it is written, in a real PowerShell.
func TestHelpPowerShell(t *testing.T) {
	pwsh, err := exec.LookPath("pwsh")
	if err != nil {
		t.Skip("there is no pwsh to try the commands of help powershell in")
	}
	topic, _ := rollcall(t, exitOK, "help", "powershell")
	blocks := indented(topic)
	if len(blocks) != 6 {
		t.Fatalf("%d blocks in help powershell, want 6", len(blocks))
	}
	dir := t.TempDir()
	buildProgram(t, filepath.Join(dir, "rollcall"))
	users := "UserPrincipalName,UsageLocation,Name\nada@contoso.com,FR,\"Zoë, Ada\"\nbob@contoso.com,US,Bob\neve@contoso.com,FR,Eve\n"
	if err := os.WriteFile(filepath.Join(dir, "users.csv"), []byte(users), 0o600); err != nil {
		t.Fatal(err)
	}
	// A window has PSReadLine, which a PowerShell without one may lack.
	script := `$ErrorActionPreference = 'Stop'
function Get-PSReadLineKeyHandler {}
` + blocks[5] + blocks[0] + `
"completed " + (((TabExpansion2 'rollcall apply --tenant san' 27).CompletionMatches | ForEach-Object CompletionText) -join ' ')
"tip " + (TabExpansion2 'rollcall apply --tena' 21).CompletionMatches[0].ToolTip
"variable " + $env:ROLLCALL_ACTIVE_HELP
` + blocks[1] + `
"status " + $LASTEXITCODE
` + blocks[2] + strings.ReplaceAll(blocks[2], "$diff | Group-Object", "$n = $diff | Group-Object") + `
"rows " + $diff.Count + " name " + $diff[0].Name + " differ " + $n.Count
` + blocks[3] + `
"rows " + $diff.Count + " name " + $diff[0].Name + " row " + $diff[2].Row
` + strings.TrimSpace(blocks[4]) + ` | ForEach-Object { "mode " + $_.PrivacyMode }
`
	cmd := exec.Command(pwsh, "-NoLogo", "-NoProfile", "-NonInteractive", "-Command", "-")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"), "NO_COLOR=1")
	cmd.Stdin = strings.NewReader(script)
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s%s", err, out, errs.String())
	}
	for _, want := range []string{
		"completed sandbox sandbox:\n", "tip TENANT: sandbox, ", "variable \n", "status 4\n", "differs", "2 rows: 2 users", "rows 3 name Zoë, Ada differ 3\n", "rows 3 name Zoë, Ada row 4\n",
		"ada@contoso.com\n", "mode opt-in\n",
	} {
		if !strings.Contains(string(out)+errs.String(), want) {
			t.Errorf("lacks %q:\n%s%s", want, out, errs.String())
		}
	}
	if strings.Contains(errs.String(), "there is no such flag") {
		t.Errorf("said %s", errs.String())
	}
}

package powershell

import (
	"bufio"
	"bytes"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// What PowerShell is given to run is whole, ASCII, and leaves standard input
// to the bridge.
func TestPreamble(t *testing.T) {
	r := bufio.NewReader(bytes.NewReader(preamble()))
	first, _ := r.ReadString('\n')
	n, _ := strconv.Atoi(strings.TrimSpace(first))
	var script strings.Builder
	for range n {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatalf("%d lines announced: %v", n, err)
		}
		script.WriteString(line)
	}
	if r.Buffered() != 0 || script.String() != strings.ReplaceAll(bridge, "\r\n", "\n") {
		t.Errorf("the %d lines announced are not the script", n)
	}
	for _, text := range []string{bridge, loader} {
		for i, c := range text {
			if c >= utf8.RuneSelf || c == 0 {
				t.Fatalf("%q at %d is not ASCII", c, i)
			}
		}
		if strings.Contains(strings.ToLower(text), "$input") {
			t.Error("the host would read standard input")
		}
	}
	if strings.ContainsAny(loader, "\"'$%\\") {
		t.Error("the loader needs quoting")
	}
}

// Nothing in the bridge turns text into code, and nothing needs PowerShell 7.
func TestBridgeIsPlain(t *testing.T) {
	code := ""
	for line := range strings.Lines(bridge) {
		if !strings.HasPrefix(strings.TrimSpace(line), "#") {
			code += line
		}
	}
	for _, word := range []string{
		"Invoke-Expression", "iex ", "ScriptBlock", "ExpandString", "Add-Type", "Invoke-Command", "Out-File", "Set-Content",
		"??", "?.", " ? ", "&&", "||", "-AsHashtable", "-Parallel", "ConvertTo-Json", "Write-Host",
	} {
		if strings.Contains(strings.ToLower(code), strings.ToLower(word)) {
			t.Errorf("the bridge has %q", word)
		}
	}
	// & calls a command that Get-Command found, and nothing else.
	if n := strings.Count(code, "& "); n != strings.Count(code, "& $command @parameters")+strings.Count(code, "& $connect @parameters") {
		t.Errorf("the bridge has %d calls by &, want those of $command and $connect only", n)
	}
}

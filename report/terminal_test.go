package report

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"rollcall/pipeline"
	"rollcall/pipeline/results"
	"rollcall/pipeline/roster"
)

// actors are characters that do something to the text around them on a terminal.
var actors = []string{"\x1b[31m", "\x00", "\a", "\x7f", "\u0085", "\u202e", "\u2066", "\u200f", "\u061c", "\u2028"}

// acts reports whether text has one of them.
func acts(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unshowable(r) && r != '\n' && r != '\t' })
}

// The results CSV on a terminal does nothing to it, whatever the roster holds; to
// a file or a pipe the cells go as they came.
func TestCSVOnATerminal(t *testing.T) {
	for _, terminal := range []bool{true, false} {
		for _, x := range actors {
			var b bytes.Buffer
			v := Lined(&b, results.Format{Properties: []string{"P"}, Header: []string{"UPN", "Note" + x}, UPN: 0}, terminal)
			r := &pipeline.Result{Row: roster.Row{Line: 2, UPN: "u@x.com", Cells: []string{"u@x.com", "a" + x + "b"}}, Values: []pipeline.Value{{Wanted: x, After: x}}}
			if err := v.Record(r); err != nil {
				t.Fatal(err)
			}
			if err := v.End(new(pipeline.Counts)); err != nil {
				t.Fatal(err)
			}
			if got := acts(b.String()); got == terminal {
				t.Errorf("%q, terminal %t: wrote %q", x, terminal, b.String())
			}
		}
	}
}

// No line of a log, on the console or in a file, does anything to a terminal, and
// what is JSON still says what it said.
func TestLogOnATerminal(t *testing.T) {
	for _, x := range actors {
		for _, asJSON := range []bool{true, false} {
			var b bytes.Buffer
			NewConsole(&b).Log(zapcore.InfoLevel, asJSON).Info("row failed", zap.String("upn", "a"+x+"b"))
			if acts(b.String()) {
				t.Errorf("%q: the console has %q", x, b.String())
			}
			if !asJSON {
				continue
			}
			name := filepath.Join(t.TempDir(), "run.log")
			file := NewLogFile(name, 1<<20, func(err error) { t.Error(err) })
			file.Log(zapcore.InfoLevel).Info("row failed", zap.String("upn", "a"+x+"b"))
			file.Close()
			if log, err := os.ReadFile(name); err != nil || len(log) == 0 || acts(string(log)) {
				t.Errorf("%q: the log file has %q, %v", x, log, err)
			}
			var line struct{ UPN string }
			if err := json.Unmarshal(b.Bytes(), &line); err != nil || line.UPN != "a"+x+"b" {
				t.Errorf("%q: %q reads back as %q, %v", x, b.String(), line.UPN, err)
			}
		}
	}
	if got := string(escapeLog([]byte("plain é 語 \U0001f600\n"))); got != "plain é 語 \U0001f600\n" {
		t.Errorf("a line that needs nothing became %q", got)
	}
}

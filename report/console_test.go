package report

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"rollcall/pipeline"
	"rollcall/pipeline/pace"
)

// Log lines and messages stand on lines of their own, whole, while a progress
// line is drawn.
func TestConsoleGarblesNothing(t *testing.T) {
	var b bytes.Buffer
	c := NewConsole(&b)
	log := c.Log(zapcore.InfoLevel, false)
	run := &pipeline.Run{Limiter: pace.New(0)}
	stop := c.Progress(100, run, Terminal{Columns: func() int { return 80 }})
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for j := range 25 {
				run.Stats.Rows.Add(1)
				if j%2 == 0 {
					c.Say("message %d %d end", i, j)
				} else {
					log.Info("line", zap.Int("i", i), zap.Int("j", j))
				}
				<-time.After(10 * time.Millisecond) // the bar is drawn ten times a second
			}
		})
	}
	wg.Wait()
	stop()
	// What a terminal keeps of a line is what follows the last return to its
	// beginning.
	whole := 0
	for line := range strings.Lines(b.String()) {
		line = line[strings.LastIndexByte(strings.TrimSuffix(line, "\n"), '\r')+1:]
		line = ansi.ReplaceAllString(line, "")
		if regexp.MustCompile(`^(rollcall: message \d \d+ end|\S+\tinfo\tline\t\{"i": \d, "j": \d+\})\n$`).MatchString(line) {
			whole++
		} else if strings.HasSuffix(line, "\n") {
			t.Errorf("garbled: %q", line)
		}
	}
	if whole != 100 {
		t.Errorf("%d whole lines, want 100", whole)
	}
}

var ansi = regexp.MustCompile(`\x1b\[[0-9;]*[A-Za-z]`)

// A quiet console says nothing until its silence is broken, and then all of it.
func TestQuiet(t *testing.T) {
	var b bytes.Buffer
	c := NewConsole(&b)
	c.Quiet()
	c.Say("one")
	if b.Len() > 0 {
		t.Errorf("said %q", b.String())
	}
	c.Break()
	c.Say("two\nthree")
	if got, want := b.String(), "rollcall: one\nrollcall: two\nrollcall: three\n"; got != want {
		t.Errorf("said %q, want %q", got, want)
	}
}

// With a log in JSON every line is an object.
func TestJSONConsole(t *testing.T) {
	var b bytes.Buffer
	c := NewConsole(&b)
	log := c.Log(zapcore.WarnLevel, true)
	c.Say("hello %q", "x")
	log.Info("left out")
	log.Warn("kept")
	var got []string
	for line := range strings.Lines(b.String()) {
		got = append(got, regexp.MustCompile(`"time":"[^"]+"`).ReplaceAllString(line, `"time":""`))
	}
	want := `{"level":"info","time":"","msg":"hello \"x\""}` + "\n" + `{"level":"warn","time":"","msg":"kept"}` + "\n"
	if strings.Join(got, "") != want {
		t.Errorf("got %s, want %s", fmt.Sprint(got), want)
	}
}

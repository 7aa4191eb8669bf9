package report

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// However much is logged, by however many, the log is two files of bounded size
// that have whole lines only, the newest among them.
func TestLogFileRotates(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a.log")
	const most = 10_000
	l := NewLogFile(name, most, func(err error) { t.Error(err) })
	log := l.Log(zapcore.InfoLevel)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 200 {
				log.Info("x", zap.Int("i", i), zap.String("text", "a\nb"))
				log.Debug("left out")
			}
		})
	}
	wg.Wait()
	log.Info("last")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{name, name + ".1"} {
		b, err := os.ReadFile(file)
		if err != nil || len(b) > most || len(b) == 0 {
			t.Errorf("%s: %d bytes, %v", file, len(b), err)
		}
		for line := range bytes.Lines(b) {
			if !json.Valid(line) || bytes.Contains(line, []byte("left out")) {
				t.Errorf("line %q", line)
			}
		}
		if info, _ := os.Stat(file); runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v", file, info.Mode())
		}
	}
	if b, _ := os.ReadFile(name); !strings.HasSuffix(string(b), `"last"}`+"\n") {
		t.Errorf("ends in %q", b[max(0, len(b)-100):])
	}
	if files, _ := os.ReadDir(filepath.Dir(name)); len(files) != 2 {
		t.Errorf("%d files", len(files))
	}
}

// What a kill or a full disk cut short costs no later line: the next one begins anew.
func TestLogFileGoesOnAfterATornLine(t *testing.T) {
	for before, want := range map[string]string{
		"":                   "",
		"{\"a\":1}\n":        "{\"a\":1}\n",
		"{\"a\":1}\n{\"torn": "{\"a\":1}\n{\"torn\n",
	} {
		name := filepath.Join(t.TempDir(), "a.log")
		if err := os.WriteFile(name, []byte(before), 0o600); err != nil {
			t.Fatal(err)
		}
		l := NewLogFile(name, 1000, func(err error) { t.Error(err) })
		if err := l.Check(); err != nil {
			t.Fatal(err)
		}
		if b, _ := os.ReadFile(name); string(b) != before {
			t.Errorf("%q: the check made it %q", before, b)
		}
		l.Log(zapcore.InfoLevel).Info("x")
		l.Log(zapcore.InfoLevel).Info("y")
		l.Close()
		b, _ := os.ReadFile(name)
		lines, whole := strings.CutPrefix(string(b), want)
		if !whole || strings.Count(lines, "\n") != 2 {
			t.Errorf("%q: the log is %q", before, b)
		}
		for line := range strings.Lines(lines) {
			if !json.Valid([]byte(line)) {
				t.Errorf("%q: line %q", before, line)
			}
		}
	}
}

// A log goes on with the file that is there.
func TestLogFileGoesOn(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a.log")
	for range 2 {
		l := NewLogFile(name, 1000, func(err error) { t.Error(err) })
		l.Log(zapcore.InfoLevel).Info("x")
		l.Close()
	}
	b, _ := os.ReadFile(name)
	if bytes.Count(b, []byte("\n")) != 2 {
		t.Errorf("has %q", b)
	}
	// What is there counts.
	l := NewLogFile(name, int64(len(b)), func(err error) { t.Error(err) })
	l.Log(zapcore.InfoLevel).Info("x")
	l.Close()
	if old, _ := os.ReadFile(name + ".1"); !bytes.Equal(old, b) {
		t.Errorf("the old log is %q", old)
	}
}

// A log that can't be written says so once.
func TestLogFileWarnsOnce(t *testing.T) {
	warned := 0
	l := NewLogFile(filepath.Join(t.TempDir(), "no", "a.log"), 1000, func(error) { warned++ })
	for range 3 {
		if n, err := l.Write([]byte("x\n")); n != 2 || err != nil {
			t.Errorf("wrote %d, %v", n, err)
		}
	}
	if warned != 1 {
		t.Errorf("warned %d times", warned)
	}
}

// Where the old log can't be put aside, the new lines are kept.
func TestLogFileThatCannotTurn(t *testing.T) {
	name := filepath.Join(t.TempDir(), "r.log")
	if err := os.Mkdir(name+".1", 0o700); err != nil {
		t.Fatal(err)
	}
	warnings := 0
	l := NewLogFile(name, 10, func(error) { warnings++ })
	for range 3 {
		l.Write([]byte("line of log\n"))
	}
	l.Close()
	b, err := os.ReadFile(name)
	if want := strings.Repeat("line of log\n", 3); err != nil || string(b) != want {
		t.Errorf("the log has %q, %v; want %q", b, err, want)
	}
	if warnings != 1 {
		t.Errorf("%d warnings, want 1", warnings)
	}
}

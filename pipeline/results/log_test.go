package results

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/pipeline"
	"rollcall/pipeline/roster"
)

// A memoryLog is a Log in memory.
type memoryLog struct {
	messages [][]byte
	wait     time.Duration
	err      error
}

func (l *memoryLog) Append(m []byte) error {
	time.Sleep(l.wait)
	if l.err == nil {
		l.messages = append(l.messages, m)
	}
	return l.err
}

func each(messages [][]byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, m := range messages {
			if !yield(m, nil) {
				return
			}
		}
	}
}

func logManifest(id string) Manifest {
	return Manifest{Run: "apply", Tenant: "contoso", Noun: "MyAnalyticsFeatureConfig", Change: "PrivacyMode=opt-out", Rows: 1000, Digest: "d", ID: id}
}

// beginLog returns a writer to log, as an execution with that ID has it.
func beginLog(t *testing.T, log *memoryLog, id string) *logWriter {
	t.Helper()
	var f File
	f.UseLog(log, len(log.messages))
	if err := f.log.begin(logManifest(id)); err != nil {
		t.Fatal(err)
	}
	return f.log
}

func logResult(line int, text string) *pipeline.Result {
	return &pipeline.Result{Row: roster.Row{Line: line, UPN: fmt.Sprintf("user%d@contoso.com", line)}, Status: pipeline.Failed,
		Values: []pipeline.Value{{Wanted: "opt-out", Before: text, After: "x"}}, Moved: []pipeline.Value{{Before: "true", After: "false", Moves: "false"}},
		Attempts: 3, Note: "a note", Err: errors.New(text), Finished: time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC)}
}

// restored returns what the journal has that is made from messages, and the damage.
func restored(t *testing.T, messages [][]byte) (map[int]pipeline.Earlier, *Restoration) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "csv")
	found, err := Restore(name, each(messages))
	if err != nil {
		t.Fatal(err)
	}
	j, damage, err := readJournal(name)
	if err != nil || damage != "" {
		t.Fatalf("the journal is damaged: %s, %v", damage, err)
	}
	if j.manifest.Unsure > 0 != (found.Damage != "") {
		t.Errorf("%d rows are unsure, and the damage is %q", j.manifest.Unsure, found.Damage)
	}
	return j.earlier(), found
}

// A journal that is made from a log has every result of every execution, as it was, and the
// values before of other rows, however long they are. No message is too long.
func TestRestore(t *testing.T) {
	log := &memoryLog{}
	want := make(map[int]pipeline.Earlier)
	wanted := []string{"opt-out"}
	for life, id := range []string{"A", "B", "C"} {
		w := beginLog(t, log, id)
		for i := range 40 {
			line := 2 + 40*life + i
			r := logResult(line, strings.Repeat("é", i*i*i*5)) // up to 600 kB
			before := []string{r.Values[0].Before}
			e := pipeline.Earlier{UPN: r.Row.UPN, Wanted: wanted, Before: before, Moved: []string{"true"}}
			switch i % 4 {
			case 0:
				w.add(beforeEntry(r))
			case 1:
				w.Accepted(r)
				e.Accepted = true
			case 2: // finished with values before
				w.add(beforeEntry(r))
				w.Finished(r)
				e.Result = r
			case 3:
				w.Finished(r)
				e.Before, e.Moved, e.Result = nil, nil, r
			}
			want[line] = e
			if i%7 == 0 {
				if err := w.flush(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := w.flush(); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range log.messages {
		if len(m) > 256<<10 || m[len(m)-1] != '\n' {
			t.Errorf("a message of %d bytes ends with %q", len(m), m[len(m)-1])
		}
	}
	got, found := restored(t, log.messages)
	if found.Damage != "" || found.Messages != len(log.messages) || len(got) != len(want) {
		t.Fatalf("%d rows, want %d: %+v", len(got), len(want), found)
	}
	for line, w := range want {
		g := got[line]
		if w.Result != nil {
			r := *w.Result
			r.Row = g.Result.Row
			w.Result = &r
		}
		if !reflect.DeepEqual(g, w) {
			t.Errorf("line %d: %.200v, want %.200v", line, g, w)
		}
	}
}

// A log that lacks a message, has one twice or in another place, or has a byte changed, is
// damaged. One without its last messages is the log of an earlier instant.
func TestDamagedLog(t *testing.T) {
	simTempDir(t)
	log := &memoryLog{}
	for life, id := range []string{"A", "B"} {
		w := beginLog(t, log, id)
		for i := range 5 {
			w.Finished(logResult(2+5*life+i, strings.Repeat("x", i/4*200_000)))
			w.flush()
		}
	}
	whole, _ := restored(t, log.messages)
	check := func(what string, messages [][]byte) {
		t.Helper()
		got, found := restored(t, messages)
		if found.Damage == "" {
			t.Errorf("%s: no damage", what)
		}
		for line, e := range got {
			if !reflect.DeepEqual(e, whole[line]) {
				t.Errorf("%s: line %d is %v", what, line, e)
			}
		}
	}
	n := len(log.messages)
	for i := range n {
		if i < n-1 {
			check(fmt.Sprintf("without message %d", i), slices.Delete(slices.Clone(log.messages), i, i+1))
			swapped := slices.Clone(log.messages)
			swapped[i], swapped[i+1] = swapped[i+1], swapped[i]
			check(fmt.Sprintf("with message %d after the next", i), swapped)
		}
		check(fmt.Sprintf("with message %d twice", i), slices.Insert(slices.Clone(log.messages), i, log.messages[i]))
		changed := slices.Clone(log.messages)
		changed[i] = bytes.Clone(changed[i])
		changed[i][rand.IntN(len(changed[i]))] ^= 1
		check(fmt.Sprintf("with message %d changed", i), changed)
		for _, m := range [][]byte{nil, []byte("\n"), log.messages[i][:len(log.messages[i])-1]} {
			changed[i] = m
			check(fmt.Sprintf("with message %d as %.20q", i, m), changed)
		}
		if got, found := restored(t, log.messages[:i+1]); found.Damage != "" || len(got) > len(whole) {
			t.Errorf("the first %d messages have %d rows: %+v", i+1, len(got), found)
		}
	}
}

// A line of which an execution that was killed has appended a part is no damage, and is not
// taken for a part of the next one's.
func TestLineCutShort(t *testing.T) {
	log := &memoryLog{}
	w := beginLog(t, log, "A")
	w.Finished(logResult(2, strings.Repeat("x", 300_000)))
	w.flush()
	log.messages = log.messages[:len(log.messages)-1]
	w = beginLog(t, log, "B")
	w.Finished(logResult(3, strings.Repeat("y", 300_000)))
	w.flush()
	got, found := restored(t, log.messages)
	if found.Damage != "" || len(got) != 1 || got[3].Result == nil {
		t.Errorf("%d rows, want only line 3: %+v", len(got), found)
	}
}

// A log of another run, or of none, is refused, and so is one that can't be read; nothing is
// then left on the disk. Nor is a file replaced.
func TestNotRestorable(t *testing.T) {
	log, other := &memoryLog{}, &memoryLog{}
	beginLog(t, log, "A")
	var f File
	f.UseLog(other, 1)
	m := logManifest("B")
	m.Change = "PrivacyMode=opt-in"
	if err := f.log.begin(m); err != nil {
		t.Fatal(err)
	}
	f.log.Finished(logResult(2, ""))
	f.log.flush()
	broken := errors.New("broken")
	for want, messages := range map[string]iter.Seq2[[]byte, error]{
		"another change":           each([][]byte{log.messages[0], other.messages[0]}),
		"not the first of a run":   each(other.messages[1:]),
		"broken":                   func(yield func([]byte, error) bool) { yield(nil, broken) },
		"another version":          each([][]byte{newerHead(t)}),
		"it is there, or its jour": each(log.messages),
	} {
		dir := t.TempDir()
		name := filepath.Join(dir, "csv")
		there := strings.HasPrefix(want, "it is there")
		if there {
			os.WriteFile(journalName(name), nil, 0o600)
		}
		if _, err := Restore(name, messages); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Restore() = %v, want %q", err, want)
		}
		if files, _ := os.ReadDir(dir); len(files) > 0 && !there {
			t.Errorf("%s: there is %v", want, files)
		}
	}
	name := filepath.Join(t.TempDir(), "csv")
	if found, err := Restore(name, each(nil)); err != nil || *found != (Restoration{}) || !IsFree(name) {
		t.Errorf("of no messages: %+v, %v", found, err)
	}
}

func newerHead(t *testing.T) []byte {
	m := logManifest("A")
	line, err := journalLine("", messageHead{1, journalVersion + 1, &m})
	if err != nil {
		t.Fatal(err)
	}
	return line
}

// Lines that are added during an Append go into the next one together, so that however many
// workers there are, none waits for more than two.
func TestLinesShareAppends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &memoryLog{wait: 10 * time.Millisecond}
		w := beginLog(t, log, "A")
		var workers sync.WaitGroup
		for i := range 16 {
			workers.Go(func() {
				for k := range 50 {
					time.Sleep(time.Duration(rand.IntN(10)) * time.Millisecond)
					began := time.Now()
					if err := w.Commit(w.add(beforeEntry(logResult(2+50*i+k, "x")))); err != nil {
						t.Error(err)
					}
					if took := time.Since(began); took > 20*time.Millisecond {
						t.Errorf("a line took %v", took)
					}
				}
			})
		}
		workers.Wait()
		if got, _ := restored(t, log.messages); len(got) != 16*50 {
			t.Errorf("the log has %d lines, want %d", len(got), 16*50)
		}
	})
}

// After an Append that failed there is no other, and nothing counts as safe any more.
func TestNothingIsSafeAfterAnError(t *testing.T) {
	log := &memoryLog{}
	w := beginLog(t, log, "A")
	w.Finished(logResult(2, ""))
	safe := w.Added()
	if err := w.Commit(safe); err != nil {
		t.Fatal(err)
	}
	log.err = errors.New("taken over")
	w.Finished(logResult(3, ""))
	if err := w.flush(); !errors.Is(err, log.err) {
		t.Errorf("Commit() = %v, want %v", err, log.err)
	}
	refused := log.err
	log.err = nil
	for _, n := range []int{0, safe, w.Added()} {
		if err := w.Commit(n); !errors.Is(err, refused) {
			t.Errorf("Commit(%d) = %v, want %v", n, err, refused)
		}
	}
	if len(log.messages) != 2 {
		t.Errorf("%d messages, want 2", len(log.messages))
	}
}

// A change that does not fit in a message is refused before anything is written.
func TestHeadTooLong(t *testing.T) {
	var f File
	log := &memoryLog{}
	f.UseLog(log, 0)
	m := logManifest("A")
	m.Change = strings.Repeat("x", maxMessage)
	if err := f.log.begin(m); err == nil || len(log.messages) > 0 {
		t.Errorf("begin() = %v, with %d messages", err, len(log.messages))
	}
}

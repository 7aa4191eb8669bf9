package results

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/pipeline"
)

// A journal that can't be made anew when its room is full goes on as it is, and is
// made anew as soon as that can be done. At no time is anything lost, or a journal
// that was cut taken for whole.
func TestJournalGoesOn(t *testing.T) {
	name := filepath.Join(t.TempDir(), "r.csv")
	j := newJournal(name, Manifest{ID: "life"})
	if err := j.rewrite(); err != nil {
		t.Fatal(err)
	}
	room := j.room
	keepAsItIs := j.name + ".new" // where there is a directory, that can't be removed
	if err := os.MkdirAll(filepath.Join(keepAsItIs, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	line := 0
	fill := func(until func() bool) {
		t.Helper()
		for !until() {
			line++
			r := &pipeline.Result{Values: []pipeline.Value{{Before: strings.Repeat("x", 1000), Wanted: fmt.Sprint(line)}}}
			r.Row.Line, r.Row.UPN = line, "ada@contoso.com"
			if err := j.before(r); err != nil {
				t.Fatal(err)
			}
		}
	}
	check := func() {
		t.Helper()
		back, damage, err := readJournal(name)
		if err != nil || damage != "" || len(back.entries) != line {
			t.Fatalf("the journal has %d entries, %q, %v; want %d", len(back.entries), damage, err, line)
		}
	}

	fill(func() bool { return j.room > room })
	check()
	extended := j.room
	fill(func() bool { return j.size > room+room/2 })
	check()
	for _, size := range []int64{j.size, room + 1, room, room - 1} {
		cut, err := os.ReadFile(j.name)
		if err == nil {
			err = os.WriteFile(journalName(name+".cut"), cut[:size], 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, damage, err := readJournal(name + ".cut"); damage == "" || err != nil {
			t.Errorf("cut to %d of %d bytes: %q, %v; want it said", size, extended, damage, err)
		}
	}

	os.RemoveAll(keepAsItIs)
	entries, size := len(j.entries), j.size
	clear(j.entries) // recorded meanwhile
	line = 0
	fill(func() bool { return j.size < size })
	if len(j.entries) >= entries {
		t.Fatalf("%d entries were put until the journal was made anew: it had %d", len(j.entries), entries)
	}
	check()
	if err := j.close(); err != nil {
		t.Error(err)
	}
}

package results

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
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

// Once records are on the disk the journal drops what it has of their rows, and of no
// other row.
func TestJournalDropsRecorded(t *testing.T) {
	l := newLives(t, 4)
	l.begin(func(r *File) {
		for i := range l.rows {
			r.Before(l.result(i, "opt-in"))
		}
		r.Record(l.result(0, "opt-in"))
		r.Record(l.result(1, "opt-in"))
		if err := r.Sync(); err != nil {
			t.Fatal(err)
		}
		left := slices.Sorted(maps.Keys(r.journal.Load().entries))
		if want := []int{l.rows[2].Line, l.rows[3].Line}; !slices.Equal(left, want) {
			t.Errorf("the journal has the lines %d, want %d", left, want)
		}
	})
}

// A journal that another program removes is there again, with all that it had, before a
// value before counts as safe. One in whose place another file is stays away from that.
func TestJournalRemoved(t *testing.T) {
	name := filepath.Join(t.TempDir(), "r.csv")
	j := newJournal(name, Manifest{ID: "life"})
	if err := j.rewrite(); err != nil {
		t.Fatal(err)
	}
	defer j.close()
	add := func(line int) error {
		r := &pipeline.Result{Values: []pipeline.Value{{Before: "opt-in", Wanted: "opt-out"}}}
		r.Row.Line, r.Row.UPN = line, "ada@contoso.com"
		return j.before(r)
	}
	for line := 2; line < 5; line++ {
		if err := add(line); err != nil {
			t.Fatal(err)
		}
		if back, damage, err := readJournal(name); err != nil || damage != "" || len(back.entries) != line-1 {
			t.Fatalf("the journal has %v, %q, %v; want %d entries", back, damage, err, line-1)
		}
		if err := os.Remove(j.name); err != nil {
			t.Skip(err) // a system on which no open file can be removed
		}
	}
	if err := j.flush(); err != nil {
		t.Fatal(err)
	}
	if back, _, err := readJournal(name); err != nil || len(back.entries) != 3 {
		t.Errorf("after a flush of nothing new: %v, %v; want 3 entries", back, err)
	}
	if err := os.Rename(j.name, j.name+".moved"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(j.name, []byte("another's"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := add(5); err == nil || !strings.Contains(err.Error(), "another program replaced it") {
		t.Errorf("where another file is: %v", err)
	}
	if b, err := os.ReadFile(j.name); string(b) != "another's" {
		t.Errorf("the other file is %q, %v", b, err)
	}
}

package results

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/pipeline"
	"rollcall/pipeline/roster"
)

// lives makes lives of a run of n rows in a directory of their own.
type lives struct {
	*testing.T
	name     string
	format   Format
	manifest Manifest
	rows     []roster.Row
}

func newLives(t *testing.T, n int) *lives {
	l := &lives{T: t, name: filepath.Join(t.TempDir(), "csv"), format: Format{Properties: []string{"PrivacyMode"}, Header: simHeader}}
	for i := range n {
		l.rows = append(l.rows, roster.Row{Line: 2 + i, UPN: string(rune('a'+i)) + "@contoso.com", Cells: make([]string, len(simHeader))})
	}
	l.manifest = Manifest{Run: "apply", ReadFirst: true, Tenant: "contoso", Noun: "MyAnalyticsFeatureConfig", Change: "PrivacyMode=opt-out",
		Rows: n, Digest: simDigest(l.rows), Befores: true}
	return l
}

// begin begins a life, of which do is all, and has it killed.
func (l *lives) begin(do func(*File)) *Resumption {
	l.Helper()
	return l.beginUntold(func(r *File) {
		if err := WriteSummary(l.name, &Outcome{Ending: Running, Manifest: r.Manifest()}); err != nil {
			l.Fatal(err)
		}
		do(r)
	})
}

// beginUntold is begin for a life that is killed ahead of its summary, unless do
// writes that.
func (l *lives) beginUntold(do func(*File)) *Resumption {
	l.Helper()
	r, from, err := Resume(l.name, l.format, l.manifest, &simRows{left: l.rows})
	if err != nil {
		l.Fatal(err)
	}
	if err := r.Begin(); err != nil {
		l.Fatal(err)
	}
	do(r)
	r.Flush()
	r.file.f.Close()
	r.journal.Load().f.Close()
	return from
}

func (l *lives) result(i int, before string) *pipeline.Result {
	return &pipeline.Result{Row: l.rows[i], Values: []pipeline.Value{{Wanted: "opt-out", Before: before, After: "opt-out"}}}
}

func nothing(*File) {}

// Rows that a damaged journal has lost stay unsure until they are recorded, and
// whoever undoes the run before that is told.
func TestUnsureOverLives(t *testing.T) {
	l := newLives(t, 3)
	l.begin(func(r *File) {
		r.Before(l.result(0, "opt-in"))
		r.Before(l.result(1, "opt-in"))
	})
	if err := os.Truncate(journalName(l.name), 4000); err != nil {
		t.Fatal(err)
	}
	if from := l.begin(nothing); from.Unsure == 0 {
		t.Error("after damage no row is unsure")
	}
	// This one is killed ahead of its first row, and leaves a journal that is whole.
	if from := l.begin(nothing); from.Unsure < 3 {
		t.Errorf("in the life after that %d rows are unsure, want all 3", from.Unsure)
	}
	if p, err := ReadPast(l.name); err != nil || len(p.Doubts) == 0 {
		t.Errorf("undo has no doubts (%v)", err)
	}
	from := l.begin(func(r *File) {
		for i, before := range []string{"opt-in", "opt-in", ""} {
			r.Before(l.result(i, before)) // as a run does ahead of each set
			r.Record(l.result(i, before))
		}
	})
	if from.Unsure < 3 {
		t.Errorf("%d rows are unsure, want all 3", from.Unsure)
	}
	if from := l.begin(nothing); from.Counts.Recorded != 3 {
		t.Errorf("%d rows are recorded, want 3", from.Counts.Recorded)
	}
	if p, err := ReadPast(l.name); err != nil || len(p.Doubts) > 0 {
		t.Errorf("every row was looked at again, and undo has doubts: %q (%v)", p.Doubts, err)
	}
}

// A run that was killed ahead of its journal has left a header, or a part of one,
// and can be gone on with.
func TestResumeAheadOfTheJournal(t *testing.T) {
	header := string(NewWriter(nil, newLives(t, 1).format).buf)
	for _, has := range []string{header[:1], header[:20], header} {
		l := newLives(t, 3)
		if err := os.WriteFile(l.name, []byte(has), 0o600); err != nil {
			t.Fatal(err)
		}
		l.begin(func(r *File) { r.Record(l.result(0, "opt-in")) })
		b, err := os.ReadFile(l.name)
		if want := header + "2,a@contoso.com,applied,"; err != nil || !strings.HasPrefix(string(b), want) {
			t.Errorf("the file has %q, want it to begin with %q (%v)", b, want, err)
		}
	}
	l := newLives(t, 3)
	if err := os.WriteFile(l.name, []byte(header+"2,a@contoso.com,applied,"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Resume(l.name, l.format, l.manifest, &simRows{left: l.rows}); err == nil {
		t.Error("a record is gone on with of which nothing says whose it is")
	}
}

// A results file that was replaced after it was opened is not gone on with, and the
// journal of the one that it replaced stays as it is.
func TestResumeOfAReplacedFile(t *testing.T) {
	l := newLives(t, 3)
	l.begin(func(r *File) {
		r.Record(l.result(0, "opt-in"))
		r.Flush()
		r.sync()
	})
	before, err := os.ReadFile(journalName(l.name))
	if err != nil {
		t.Fatal(err)
	}
	r, _, err := Resume(l.name, l.format, l.manifest, &simRows{left: l.rows})
	if err != nil {
		t.Fatal(err)
	}
	defer r.file.Close()
	if err := os.Rename(l.name, l.name+".other"); err != nil {
		t.Skipf("an open file can't be replaced here: %v", err)
	}
	if err := os.WriteFile(l.name, []byte("somebody's"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.Begin(); !errors.Is(err, ErrLost) {
		t.Errorf("error %v, want %v", err, ErrLost)
	}
	if after, err := os.ReadFile(journalName(l.name)); err != nil || !bytes.Equal(after, before) {
		t.Errorf("the journal has changed (%v)", err)
	}
}

// Writer that were gone are made anew from the journal, even by a life that is
// killed ahead of the journal of its own.
func TestRebuiltTwice(t *testing.T) {
	l := newLives(t, 3)
	l.begin(func(r *File) {
		r.Record(l.result(0, "opt-in"))
		r.Flush()
		r.sync()
	})
	header := string(NewWriter(nil, l.format).buf)
	for _, has := range []string{"", header[:20], header} {
		if err := os.WriteFile(l.name, []byte(has), 0o600); err != nil {
			t.Fatal(err)
		}
		_, from, err := Resume(l.name, l.format, l.manifest, &simRows{left: l.rows})
		if err != nil || from.Unsure == 0 || len(from.Warnings) == 0 {
			t.Errorf("with %q of the results, %d rows are unsure, and the warnings are %q (%v)", has, from.Unsure, from.Warnings, err)
		}
	}
}

// What was recorded since the last mark is compared with the journal.
func TestRecordsAreAsTheJournalHasThem(t *testing.T) {
	for _, was := range []string{"a@contoso.com", ",opt-out,opt-in,", ",opt-in,"} {
		l := newLives(t, 3)
		l.begin(func(r *File) {
			r.Before(l.result(0, "opt-in"))
			r.Record(l.result(0, "opt-in"))
		})
		b, err := os.ReadFile(l.name)
		if err != nil {
			t.Fatal(err)
		}
		i := strings.LastIndex(string(b), was) + len(was) - 1
		b[i-1] ^= 1
		if err := os.WriteFile(l.name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := Resume(l.name, l.format, l.manifest, &simRows{left: l.rows}); err == nil {
			t.Errorf("gone on with %q", b)
		}
		if p, err := ReadPast(l.name); err != nil || len(p.Doubts) == 0 {
			t.Errorf("undo has no doubts of %q (%v)", b, err)
		}
	}
}

// A run that was stopped ahead of its first row leaves nothing that looks as if a
// record was lost.
func TestDiscardLeavesNothing(t *testing.T) {
	l := newLives(t, 3)
	l.begin(func(r *File) {
		if err := r.Discard(); err != nil {
			t.Error(err)
		}
	})
	if from := l.begin(nothing); from.Unsure > 0 || len(from.Warnings) > 0 {
		t.Errorf("%d rows are unsure: %q", from.Unsure, from.Warnings)
	}
}

// A run that replaces another one's results, killed ahead of its own summary, is
// not taken for that one and can be gone on with.
func TestReplacedAndKilledAheadOfTheSummary(t *testing.T) {
	l := newLives(t, 3)
	l.begin(func(r *File) { r.Record(l.result(0, "opt-in")) })
	l.manifest.Change = "PrivacyMode=opt-in"
	r, err := Create(l.name, true, l.format, l.manifest)
	if err == nil {
		err = r.Begin()
	}
	if err != nil {
		t.Fatal(err)
	}
	r.file.f.Close()
	r.journal.Load().f.Close()
	if from := l.begin(nothing); from.Counts.Recorded != 0 || from.Unsure > 0 || len(from.Warnings) > 0 {
		t.Errorf("%d rows recorded, %d unsure, %q; want a run that has not begun", from.Counts.Recorded, from.Unsure, from.Warnings)
	}
}

// However many lives in a row are killed between the journal and the summary, the
// next one goes on, and whoever reads what they left has no doubts.
func TestKilledAheadOfTheSummaryAgainAndAgain(t *testing.T) {
	l := newLives(t, 3)
	l.begin(func(r *File) { r.Before(l.result(1, "opt-in")) })
	for range 3 {
		from := l.beginUntold(nothing)
		if e := from.Earlier[l.rows[1].Line]; len(e.Before) != 1 || e.Before[0] != "opt-in" {
			t.Errorf("gone on with %+v", from.Earlier)
		}
		if p, err := ReadPast(l.name); err != nil || len(p.Doubts) > 0 {
			t.Errorf("doubts: %v (%v)", p.Doubts, err)
		}
	}
	l.begin(nothing)
	l.beginUntold(nothing)
}

// A run of an earlier version, which wrote that an apply reads first as a word of what
// run it is, is read as what it was, and can be gone on with by the same command alone.
func TestReadFirstOfEarlierVersions(t *testing.T) {
	l := newLives(t, 3)
	now := l.manifest
	l.manifest.Run, l.manifest.ReadFirst = "apply --read-first", false
	l.begin(func(r *File) {
		r.Before(l.result(0, "opt-in"))
		r.Record(l.result(0, "opt-in"))
	})
	past, err := ReadPast(l.name)
	if err != nil || past.Doubts != nil || past.Manifest.Run != "apply" || !past.Manifest.ReadFirst {
		t.Fatalf("the files have %+v, %v", past, err)
	}
	other := now
	other.ReadFirst = false
	_, _, err = Resume(l.name, l.format, other, &simRows{left: l.rows})
	if err == nil || !strings.Contains(err.Error(), "kind of run: it was apply that reads first, and now is apply") {
		t.Errorf("gone on with by an apply that does not read first: %v", err)
	}
	l.manifest = now
	if from := l.begin(nothing); from.Counts.Recorded != 1 {
		t.Errorf("it goes on from %+v", from)
	}
	if past, err := ReadPast(l.name); err != nil || past.Doubts != nil || past.Counts.Recorded != 1 {
		t.Errorf("then the files have %+v, %v", past, err)
	}
}

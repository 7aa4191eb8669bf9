package results

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"rollcall/pipeline"
	"rollcall/pipeline/roster"
	"rollcall/tenant/disk"
	"slices"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 22, 13, 0, 0, 123, time.FixedZone("CET", 3600))

func TestWriter(t *testing.T) {
	var b bytes.Buffer
	r := NewWriter(&b, Format{
		Properties: []string{"PrivacyMode", "IsAddInEnabled"},
		Header:     []string{"status", " UPN ", "Note", "note", "", "PrivacyMode.Wanted", "Input.Status", ""},
		UPN:        1,
	})
	for _, res := range []pipeline.Result{
		{
			Row:    roster.Row{Line: 2, UPN: "ada@contoso.com", Cells: []string{"=1+1", " ada@contoso.com", "a,b", `"`, "\r\n", " x", "007", "-2"}},
			Status: pipeline.Applied, Values: []pipeline.Value{{Wanted: "opt-out", Before: "opt-in", After: "opt-out"}, {}},
			Attempts: 3, Finished: noon,
		},
		{
			Row:    roster.Row{Line: 9, UPN: "-eve@contoso.com", Cells: make([]string, 8)},
			Status: pipeline.Failed, Values: []pipeline.Value{{Wanted: "=cmd()", After: "-5"}, {After: "-x"}},
			Err: errors.New("@SUM(1)\r\nand more"), Note: "by the way", Finished: noon,
		},
	} {
		if err := r.Record(&res); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Flush(); err != nil {
		t.Fatal(err)
	}
	want := `Row,UserPrincipalName,Status,PrivacyMode,PrivacyMode.Wanted,PrivacyMode.Before,IsAddInEnabled,IsAddInEnabled.Wanted,IsAddInEnabled.Before,Attempts,Error,FinishedAt,Input.status,Note,Input.note,,Input.PrivacyMode.Wanted,Input.Input.Status,
2,ada@contoso.com,applied,opt-out,opt-out,opt-in,,,,3,,2026-11-22T12:00:00Z,=1+1,"a,b","""","` + "\r\n" + `"," x",007,-2
9,-eve@contoso.com,failed,-5,'=cmd(),,'-x,,,0,'@SUM(1) and more; by the way,2026-11-22T12:00:00Z,,,,,,,
`
	if got := b.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// A run that records nothing writes nothing, not even a header.
func TestWriterOfNothing(t *testing.T) {
	var b bytes.Buffer
	r := NewWriter(&b, Format{Excel: true})
	if err := r.Flush(); err != nil || b.Len() > 0 {
		t.Errorf("wrote %q, %v", b.String(), err)
	}
}

// A record is the same whatever record was written before it, however little the two
// differ.
func TestRecordsAreIndependent(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	format := Format{Properties: []string{"P"}, Moved: []string{"M"}, Header: []string{"UPN"}}
	text := func() string { return []string{"", "a"}[rnd.IntN(2)] }
	record := func(r *Writer, b *bytes.Buffer, res *pipeline.Result) string {
		b.Reset()
		if err := errors.Join(r.Record(res), r.Flush()); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	var all, one bytes.Buffer
	var res pipeline.Result
	writer := NewWriter(&all, format)
	writer.Header()
	for range 2000 {
		switch rnd.IntN(6) { // one difference, or two
		case 0:
			res.Status = pipeline.Status(rnd.IntN(2))
		case 1:
			res.Attempts = rnd.IntN(2)
		case 2:
			res.Finished = noon.Add(time.Duration(rnd.IntN(2)) * time.Second)
		case 3:
			if res.Err = nil; rnd.IntN(2) == 0 {
				res.Err = errors.New("no")
			}
		case 4:
			res.Note = text()
		}
		res.Values = []pipeline.Value{{After: text()}}
		res.Moved = []pipeline.Value{{After: text()}}
		if rnd.IntN(2) == 0 {
			res.Values[0].After, res.Moved[0].After = "a", "a"
		}
		alone := NewWriter(&one, format)
		alone.Header()
		if got, want := record(writer, &all, &res), record(alone, &one, &res); got != want {
			t.Fatalf("after another record: %q; alone: %q", got, want)
		}
	}
}

// Whatever the roster's cells hold, they read back from a results file as they
// were, by our own reader and, apart from the ends of lines in a cell, by
// encoding/csv.
func TestCellsRoundTrip(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"a", "Ä", ",", `"`, "\r\n", "\n", "\r", " ", "\t", ";", "=", "@", "'", "#", "\u00a0", "\u200b", "\ufeff", "|", "x1", "\x1a"}
	for range 500 {
		var header []string
		for i := range 1 + rnd.IntN(5) {
			header = append(header, fmt.Sprintf("Column%d", i))
		}
		var rows [][]string
		for range 1 + rnd.IntN(5) {
			cells := make([]string, len(header))
			for i := range cells {
				for range rnd.IntN(5) {
					cells[i] += pieces[rnd.IntN(len(pieces))]
				}
			}
			rows = append(rows, cells)
		}
		excel := rnd.IntN(2) == 0
		var b bytes.Buffer
		r := NewWriter(&b, Format{Header: header, UPN: -1, Excel: excel})
		for i, cells := range rows {
			row := roster.Row{Line: i + 2, UPN: fmt.Sprintf("user%d@contoso.com", i), Cells: cells}
			if err := r.Record(&pipeline.Result{Row: row, Finished: noon}); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.Flush(); err != nil {
			t.Fatal(err)
		}
		const own = 6 // columns of ours ahead of the roster's
		back, err := roster.Open("-", bytes.NewReader(b.Bytes()), roster.Options{})
		if err == nil {
			err = back.Survey(nil)
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, b.String())
		}
		reader := back.Rows()
		for _, cells := range rows {
			var row roster.Row
			if err := reader.Read(&row); err != nil {
				t.Fatal(err)
			}
			if got := row.Cells[own:]; !slices.Equal(got, cells) {
				t.Fatalf("excel %t: read %q, want %q, from\n%q", excel, got, cells, b.String())
			}
		}
		var row roster.Row
		if err := reader.Read(&row); err != io.EOF {
			t.Fatalf("after the last row: %v", err)
		}
		back.Close()

		std, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(b.String(), "\ufeff"))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for i, cells := range rows {
			for j, cell := range cells {
				if want := strings.ReplaceAll(cell, "\r\n", "\n"); std[i+1][own+j] != want {
					t.Fatalf("encoding/csv reads %q, want %q", std[i+1][own+j], want)
				}
			}
		}
	}
}

// A file that was never written to is not left behind, and one that was there
// keeps what it held.
func TestFile(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	content := func(name string) string {
		b, err := os.ReadFile(path(name))
		if err != nil {
			return err.(*os.PathError).Err.Error()
		}
		return string(b)
	}
	create := func(name string, overwrite bool, write string) error {
		f, err := createOutput(path(name), overwrite)
		if err != nil {
			return err
		}
		if write != "" {
			if err := f.Begin(); err != nil {
				t.Error(err)
			}
			if _, err := io.WriteString(f, write); err != nil {
				t.Error(err)
			}
		}
		return f.Close()
	}
	if err := create("a", false, ""); err != nil || content("a") != "no such file or directory" {
		t.Errorf("never written: %v, %q", err, content("a"))
	}
	if err := create("a", false, "one, and a lot more"); err != nil || content("a") != "one, and a lot more" {
		t.Errorf("written: %v, %q", err, content("a"))
	}
	if info, err := os.Stat(path("a")); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("mode %v, %v: others can read it", info.Mode(), err)
	}
	if err := create("a", false, "two"); !errors.Is(err, disk.ErrExists) || content("a") != "one, and a lot more" {
		t.Errorf("existing: %v, %q", err, content("a"))
	}
	if err := create("a", true, ""); err != nil || content("a") != "one, and a lot more" {
		t.Errorf("overwritten with nothing: %v, %q", err, content("a"))
	}
	if err := create("a", true, "two"); err != nil || content("a") != "two" {
		t.Errorf("overwritten: %v, %q", err, content("a"))
	}
	if err := os.WriteFile(path("empty"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := create("empty", false, "three"); err != nil || content("empty") != "three" {
		t.Errorf("empty: %v, %q", err, content("empty"))
	}
	if err := create("nowhere/a", false, "x"); err == nil || err.Error() != "create "+path("nowhere/a")+": no such file or directory" {
		t.Errorf("no such directory: %v", err)
	}
	f, err := createOutput(path("gone"), false)
	if err != nil {
		t.Fatal(err)
	}
	f.Begin()
	io.WriteString(f, "x")
	if err := f.Sync(); err != nil {
		t.Error(err)
	}
	if err := os.Rename(path("gone"), path("other")); err != nil {
		t.Skip(err) // where open files can't be renamed
	}
	if err := f.Close(); err == nil || !strings.Contains(err.Error(), "removed or replaced") {
		t.Errorf("closing a file that was renamed: %v", err)
	}
	if _, err := os.Stat("/dev/full"); err == nil {
		f, err := createOutput("/dev/full", false)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, "x"); err == nil {
			t.Error("a full disk took a write")
		}
		f.Close()
	}
}

package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"rollcall/pipeline"
	"rollcall/pipeline/results"
	"rollcall/pipeline/roster"
)

// hostile are texts that mean something to what a report is shown by.
var hostile = []string{
	"a|b", `a\|b`, "a\nb\r\nc", "\x1b[31mred\x1b[0m", "\u009b31m", "x\u202egnp.exe", "\u2066iso\u2069", "\u200e\u200f\u061c\u202a", "\u2028", "\xff\xfe",
	"=cmd()", "<script>alert(1)</script>", "&lt;", "`code`", "[x](javascript:alert(1))", "https://evil.example/x", "www.evil.example",
	"@everyone", "**bold**", "~~x~~", "$x$", `"quoted"`, "\x00", "\x7f", "plain", "", "| --- |", "<!--", "tab\there",
}

// hostileRows are rows of every status, with hostile text wherever text can be.
func hostileRows(each func(*pipeline.Result)) {
	for i, text := range hostile {
		for status := range pipeline.Statuses {
			each(&pipeline.Result{
				Row:    roster.Row{Line: i + 2, UPN: text, Cells: []string{text, text}},
				Status: pipeline.Status(status), Values: []pipeline.Value{{Wanted: "w" + text, Before: "b" + text, After: "a" + text}},
				Attempts: 2, Err: errors.New(text), Finished: noon,
			})
		}
	}
}

func show(t *testing.T, v View) {
	t.Helper()
	var s pipeline.Counts
	hostileRows(func(r *pipeline.Result) {
		if err := errors.Join(v.Record(r), s.Record(r), v.Flush()); err != nil {
			t.Fatal(err)
		}
	})
	s.Total = s.Recorded
	if err := v.End(&s); err != nil {
		t.Fatal(err)
	}
}

var hostileFormat = results.Format{Properties: []string{"P"}, Header: []string{"UPN", "Note", ""}[:2], UPN: 0}

// Whatever rows hold, no view but the CSV, which has the roster's cells as they
// came, writes what moves a cursor, turns text around or is not UTF-8.
func TestViewsAreShowable(t *testing.T) {
	var last bytes.Buffer
	w := results.NewWriter(&last, results.Format{Properties: []string{"P"}, UPN: -1})
	for i, text := range hostile {
		r := &pipeline.Result{Status: pipeline.Differs, Values: []pipeline.Value{{Wanted: text, After: "x" + text}}}
		r.Row.Line, r.Row.UPN = i+2, "gone"+text
		w.Record(r)
	}
	w.Flush()
	name := filepath.Join(t.TempDir(), "last.csv")
	if err := os.WriteFile(name, last.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	baseline, err := results.ReadBaseline(name, []string{"P"}, results.Manifest{})
	if err != nil {
		t.Fatal(err)
	}
	for name, view := range map[string]func(io.Writer) View{
		"text":     func(w io.Writer) View { return NewDiff(w, []string{"P"}) },
		"json":     func(w io.Writer) View { return NewJSONRows(w, hostileFormat) },
		"jsonl":    func(w io.Writer) View { return NewJSONLines(w, hostileFormat) },
		"markdown": func(w io.Writer) View { return NewMarkdown(w, "t", []string{"P"}, nil) },
		"news":     func(w io.Writer) View { return NewNews(w, []string{"P"}, baseline, false, false) },
	} {
		var b bytes.Buffer
		show(t, view(&b))
		if b.Len() < 1000 || !utf8.Valid(b.Bytes()) {
			t.Errorf("%s: %d bytes, UTF-8 %t", name, b.Len(), utf8.Valid(b.Bytes()))
		}
		for i, r := range b.String() {
			if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == 0x2028 || r == 0x2029) {
				t.Errorf("%s: has %U: %q", name, r, b.String()[max(0, i-40):i+3])
			}
		}
	}
}

// In text a row is a line, however it is painted, and painted or not it says the
// same.
func TestColorAddsNothing(t *testing.T) {
	var plain, painted bytes.Buffer
	show(t, NewDiff(&plain, []string{"P"}))
	d := NewDiff(&painted, []string{"P"})
	d.Color = true
	show(t, d)
	if !strings.Contains(painted.String(), "\x1b[32m") {
		t.Error("nothing is painted")
	}
	if got := regexp.MustCompile("\x1b\\[[0-9]+m").ReplaceAllString(painted.String(), ""); got != plain.String() {
		t.Errorf("painted:\n%s\nplain:\n%s", got, plain.String())
	}
	sigil := regexp.MustCompile(`^([~?!] |\d+ rows: )`)
	for line := range strings.Lines(plain.String()) {
		if !sigil.MatchString(line) {
			t.Errorf("line %q has no sigil", line)
		}
	}
}

// The JSON is an array of an object for each row, with the row's own text in it
// as far as that is text.
func TestJSONRows(t *testing.T) {
	var b bytes.Buffer
	show(t, NewJSONRows(&b, hostileFormat))
	var rows []map[string]any
	if err := json.Unmarshal(b.Bytes(), &rows); err != nil {
		t.Fatal(err)
	}
	i := 0
	hostileRows(func(r *pipeline.Result) {
		row := rows[i]
		i++
		text := strings.ToValidUTF8(r.Row.UPN, "\ufffd\ufffd") // two bytes of one cell
		for name, want := range map[string]any{"Row": float64(r.Row.Line), "UserPrincipalName": text, "Status": r.Status.String(),
			"P": "a" + text, "P.Wanted": "w" + text, "P.Before": "b" + text, "Attempts": 2.0, "Note": text, "FinishedAt": "2026-11-22T12:00:00Z"} {
			if row[name] != want {
				t.Errorf("%s is %q, want %q", name, row[name], want)
			}
		}
	})
	if i != len(rows) {
		t.Errorf("%d objects, want %d", len(rows), i)
	}
}

// A line is one object, the same as in the array, whatever the row holds; no rows
// are no lines.
func TestJSONLines(t *testing.T) {
	var lines, array bytes.Buffer
	show(t, NewJSONLines(&lines, hostileFormat))
	show(t, NewJSONRows(&array, hostileFormat))
	if !strings.HasSuffix(lines.String(), "}\n") {
		t.Error("the last line has no end")
	}
	objects := strings.Split(strings.TrimSuffix(lines.String(), "\n"), "\n")
	if got := "[\n" + strings.Join(objects, ",\n") + "\n]\n"; got != array.String() {
		t.Errorf("lines differ from the array:\n%.300s\n%.300s", got, array.String())
	}
	var none bytes.Buffer
	if err := NewJSONLines(&none, hostileFormat).End(new(pipeline.Counts)); err != nil || none.Len() > 0 {
		t.Errorf("no rows: %q, %v", none.String(), err)
	}
}

// No rows are an empty array, and columns without a name have one of their own.
func TestJSONRowsAtTheEdge(t *testing.T) {
	var b bytes.Buffer
	if err := NewJSONRows(&b, hostileFormat).End(new(pipeline.Counts)); err != nil || b.String() != "[]\n" {
		t.Errorf("wrote %q, %v", b.String(), err)
	}
	b.Reset()
	j := NewJSONRows(&b, results.Format{Header: []string{"UPN", "", "Column8", ""}})
	row := roster.Row{UPN: "u", Cells: []string{"u", "1", "2", "3"}}
	if err := errors.Join(j.Record(&pipeline.Result{Row: row}), j.End(new(pipeline.Counts))); err != nil {
		t.Fatal(err)
	}
	var rows []map[string]any
	if err := json.Unmarshal(b.Bytes(), &rows); err != nil || len(rows[0]) != 6+3 {
		t.Errorf("got %s, %v", b.String(), err)
	}
}

// Each row of the Markdown is one row of its table, with four cells in which
// nothing means anything.
func TestMarkdownIsEscaped(t *testing.T) {
	var b bytes.Buffer
	show(t, NewMarkdown(&b, "a|b <i>", []string{"P"}, nil))
	_, table, ok := strings.Cut(b.String(), "| line | user | status | what |\n| ---: | --- | --- | --- |\n")
	if !ok {
		t.Fatalf("no table in\n%s", b.String())
	}
	entity := regexp.MustCompile(`&#\d+;`)
	n := 0
	for line := range strings.Lines(table) {
		n++
		cells := strings.Split(line, "|")
		if len(cells) != 6 {
			t.Errorf("%d cells: %q", len(cells)-2, line)
		}
		plain := entity.ReplaceAllString(strings.Join(cells, " "), "")
		if strings.ContainsAny(plain, "<>`*[]\\$~&") || strings.Contains(plain, " @") || strings.Contains(plain, "://") || strings.Contains(plain, "www.") {
			t.Errorf("not escaped: %q", line)
		}
	}
	var s pipeline.Counts
	hostileRows(func(r *pipeline.Result) { s.Record(r) })
	if want := s.Failed() + s.ByStatus[pipeline.Differs]; n != want {
		t.Errorf("%d rows, want %d", n, want)
	}
	if strings.Contains(b.String(), "<i>") {
		t.Error("the title is not escaped")
	}
}

// However many rows need a person, the Markdown has the first thousand and says
// how many there are more, and no cell is endless.
func TestMarkdownIsBounded(t *testing.T) {
	var b bytes.Buffer
	var s pipeline.Counts
	m := NewMarkdown(&b, "t", []string{"P"}, nil)
	for i := range MarkdownRows + 7 {
		r := pipeline.Result{Row: roster.Row{Line: i + 2, UPN: "u"}, Status: pipeline.Failed, Err: errors.New(strings.Repeat("é", 100_000))}
		if err := errors.Join(m.Record(&r), s.Record(&r)); err != nil {
			t.Fatal(err)
		}
	}
	s.Total = s.Recorded + 1
	if err := m.End(&s); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\n\nand 7 more\n", fmt.Sprintf("| failed | %d |", MarkdownRows+7), "The run was stopped before it was complete"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("has no %q", want)
		}
	}
	if b.Len() > 1<<20 {
		t.Errorf("%d bytes", b.Len())
	}
}

// Quiet, text has no word if all is as wanted in the end, and otherwise what is not.
func TestQuietViews(t *testing.T) {
	for _, status := range []pipeline.Status{pipeline.Applied, pipeline.Unchanged, pipeline.Same, pipeline.Duplicate, pipeline.Failed, pipeline.Differs} {
		var text, md bytes.Buffer
		d, m := NewDiff(&text, []string{"P"}), NewMarkdown(&md, "t", []string{"P"}, nil)
		d.Quiet, m.Quiet = true, true
		var s pipeline.Counts
		r := &pipeline.Result{Status: status, Values: []pipeline.Value{{Wanted: "a", Before: "b", After: "a"}}}
		if err := errors.Join(d.Record(r), m.Record(r), s.Record(r), d.End(&s), m.End(&s)); err != nil {
			t.Fatal(err)
		}
		loud := status == pipeline.Failed || status == pipeline.Differs
		if text.Len() > 0 != loud || md.Len() > 0 != loud {
			t.Errorf("%s: text %q, markdown %q", status, text.String(), md.String())
		}
	}
}

package report

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/text/encoding/unicode"

	"rollcall/pipeline"
	"rollcall/pipeline/results"
	"rollcall/pipeline/roster"
)

// found is a row of an audit, with what was wanted and found.
func foundRow(line int, upn string, status pipeline.Status, wanted, is string) *pipeline.Result {
	r := &pipeline.Result{Row: roster.Row{Line: line, UPN: upn, Cells: []string{upn}}, Status: status, Finished: noon,
		Values: []pipeline.Value{{Wanted: wanted, Before: is, After: is, Same: status == pipeline.Same}}}
	if status.IsFailure() {
		r.Err = errors.New("because")
	}
	return r
}

func auditCSV(excel bool, rows ...*pipeline.Result) []byte {
	var b bytes.Buffer
	r := results.NewWriter(&b, results.Format{Properties: []string{"P"}, Header: []string{"UPN"}, Excel: excel})
	for _, row := range rows {
		r.Record(row)
	}
	r.Flush()
	return b.Bytes()
}

func keepBaseline(t *testing.T, b []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "last.csv")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// news returns what there is to say of rows since the audit in the file.
func news(t *testing.T, name string, quiet, complete bool, rows ...*pipeline.Result) (string, bool) {
	t.Helper()
	b, err := results.ReadBaseline(name, []string{"P"}, results.Manifest{})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	n := NewNews(&out, []string{"P"}, b, false, quiet)
	for _, r := range rows {
		if err := n.Record(r); err != nil {
			t.Fatal(err)
		}
	}
	c := pipeline.Counts{Total: len(rows), Recorded: len(rows)}
	if !complete {
		c.Total++
	}
	if err := n.End(&c); err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(out.String(), name, "last.csv"), n.Changed()
}

// What is said is what changed for a user, whoever is beside it.
func TestNews(t *testing.T) {
	const a = "ada@contoso.com"
	same := func(wanted string) *pipeline.Result { return foundRow(2, a, pipeline.Same, wanted, wanted) }
	differs := func(wanted, is string) *pipeline.Result { return foundRow(2, a, pipeline.Differs, wanted, is) }
	bad := func(s pipeline.Status) *pipeline.Result { return foundRow(2, a, s, "out", "") }
	for _, test := range []struct {
		was, now *pipeline.Result
		want     string // up to the first line end, "" for no news
	}{
		{same("out"), same("out"), ""},
		{same("out"), same("in"), ""},
		{same("out"), differs("out", "in"), "+ ada@contoso.com  P: in -> out"},
		{nil, differs("out", "in"), "+ ada@contoso.com  P: in -> out"},
		{nil, same("out"), ""},
		{differs("out", "in"), differs("OUT", "In"), ""},
		{differs("out", "in"), differs("out", "ex"), "~ ada@contoso.com  P: ex -> out, was P: in -> out"},
		{differs("out", "in"), differs("ex", "in"), "~ ada@contoso.com  P: in -> ex, was P: in -> out"},
		{differs("out", "in"), same("out"), "- ada@contoso.com  as wanted, was P: in -> out"},
		{differs("out", "in"), bad(pipeline.Unreadable), "! ada@contoso.com  line 2: unreadable: because, was P: in -> out"},
		{differs("out", "in"), nil, "- ada@contoso.com  no longer in the roster, was P: in -> out"},
		{same("out"), nil, ""},
		{same("out"), bad(pipeline.NotFound), "? ada@contoso.com  line 2: because"},
		{bad(pipeline.NotFound), bad(pipeline.NotFound), ""},
		{bad(pipeline.NotFound), bad(pipeline.Denied), "! ada@contoso.com  line 2: denied: because, was not-found"},
		{bad(pipeline.Unreadable), same("out"), "- ada@contoso.com  as wanted, was unreadable"},
		{bad(pipeline.Unreadable), differs("out", "in"), "+ ada@contoso.com  P: in -> out, was unreadable"},
		{bad(pipeline.Unreadable), nil, "- ada@contoso.com  no longer in the roster, was unreadable"},
		{differs("=out", "-in"), differs("=out", "-in"), ""}, // made safe for spreadsheets
		{differs("=out", "-x"), differs("=out", "-in"), "~ ada@contoso.com  P: -in -> =out, was P: -x -> =out"},
		{foundRow(2, "Mal\tlory", pipeline.Invalid, "", ""), foundRow(2, "mal\tlory ", pipeline.Invalid, "", ""), ""},
		{same("out"), foundRow(2, a, pipeline.Duplicate, "", ""), ""},
	} {
		// Others are there too, as they were.
		was := []*pipeline.Result{foundRow(3, "Bob@contoso.com", pipeline.Differs, "out", "in"), foundRow(4, "cyd@contoso.com", pipeline.Unreadable, "out", ""),
			foundRow(5, "dup@contoso.com", pipeline.Conflict, "out", ""), foundRow(6, "dup@contoso.com", pipeline.Conflict, "in", "")}
		now := []*pipeline.Result{foundRow(2, "CYD@contoso.com", pipeline.Unreadable, "out", ""), foundRow(9, "bob@contoso.com", pipeline.Differs, "out", "in"),
			foundRow(10, "dup@contoso.com", pipeline.Conflict, "in", ""), foundRow(11, "dup@contoso.com", pipeline.Conflict, "out", "")}
		if test.was != nil {
			was = append(was, test.was)
		}
		if test.now != nil {
			now = append(now, test.now)
		}
		for _, excel := range []bool{false, true} {
			name := keepBaseline(t, auditCSV(excel, was...))
			text, changed := news(t, name, true, true, now...)
			if line, _, _ := strings.Cut(text, "\n"); line != test.want || changed != (line != "") {
				t.Errorf("said %q, want %q", text, test.want)
			}
			if changed && !strings.HasSuffix(text, "\n1 change since last.csv: 1 "+lastWord(text)+"\n") {
				t.Errorf("said %q", text)
			}
			if text, _ := news(t, name, false, true, now...); !changed && text != "nothing has changed since last.csv\n" {
				t.Errorf("aloud it said %q", text)
			}
		}
	}
}

// lastWord returns how the one change in text was counted.
func lastWord(text string) string {
	_, kind, _ := strings.Cut(text, ": 1 ")
	return strings.TrimSpace(kind)
}

// A user who was on two rows and is on one is not gone.
func TestNewsOfFewerRows(t *testing.T) {
	name := keepBaseline(t, auditCSV(false, foundRow(2, "ada@contoso.com", pipeline.Conflict, "out", ""), foundRow(3, "ada@contoso.com", pipeline.Conflict, "in", "")))
	if text, _ := news(t, name, true, true, foundRow(2, "ada@contoso.com", pipeline.Same, "out", "out")); !strings.HasSuffix(text, "\n1 change since last.csv: 1 recovered\n") {
		t.Errorf("said %q", text)
	}
}

// Of users that an audit which was stopped has not come to, nothing is said.
func TestNewsOfAPart(t *testing.T) {
	name := keepBaseline(t, auditCSV(false, foundRow(2, "ada@contoso.com", pipeline.Differs, "out", "in"), foundRow(3, "bob@contoso.com", pipeline.Differs, "out", "in")))
	if text, changed := news(t, name, false, false, foundRow(2, "ada@contoso.com", pipeline.Differs, "out", "in")); text != "" || changed {
		t.Errorf("said %q", text)
	}
}

// A baseline is of use as spreadsheets save it: in UTF-16 with TABs, or with
// semicolons and upper case.
func TestBaselineFromSpreadsheets(t *testing.T) {
	now := foundRow(2, "ada@contoso.com", pipeline.Differs, "false", "true")
	b := auditCSV(true, now)
	utf16, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().Bytes(bytes.ReplaceAll(b[3:], []byte(","), []byte("\t")))
	if err != nil {
		t.Fatal(err)
	}
	semicolons := bytes.ReplaceAll(bytes.ReplaceAll(b, []byte(","), []byte(";")), []byte("true"), []byte("TRUE"))
	for _, b := range [][]byte{utf16, semicolons} {
		if text, changed := news(t, keepBaseline(t, b), true, true, now); changed {
			t.Errorf("said %q", text)
		}
	}
}

// What is no complete audit of the same properties is refused, with the reason.
func TestBaselineIsRefused(t *testing.T) {
	differs := auditCSV(false, foundRow(2, "ada@contoso.com", pipeline.Differs, "out", "in"))
	for _, test := range []struct {
		b    []byte
		want string
	}{
		{[]byte("UPN\nada@contoso.com\n"), "not a results file or a diff of rollcall"},
		{auditCSV(false, foundRow(2, "ada@contoso.com", pipeline.Applied, "out", "out")), "line 2: status applied: not the status of an audit"},
		{bytes.Replace(differs, []byte("differs"), []byte("drifts"), 1), `line 2: status "drifts"`},
		{bytes.ReplaceAll(differs, []byte(",P"), []byte(",Q")), "it is an audit of Q, this one is of P"},
		{nil, "last.csv"},
	} {
		name := keepBaseline(t, test.b)
		if _, err := results.ReadBaseline(name, []string{"P"}, results.Manifest{}); err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v, want %q", err, test.want)
		}
	}
	if _, err := results.ReadBaseline(keepBaseline(t, differs), []string{"P"}, results.Manifest{Wanted: []string{"in"}}); err == nil || !strings.Contains(err.Error(), "it is an audit of P out, this one is of in") {
		t.Errorf("error %v of one about another value", err)
	}
	for cut := bytes.IndexByte(differs, '\n') + 2; cut < len(differs)-1; cut++ {
		name := keepBaseline(t, differs[:cut])
		if _, err := results.ReadBaseline(name, []string{"P"}, results.Manifest{}); err == nil {
			t.Errorf("took one that ends in %q", differs[max(0, cut-20):cut])
		}
	}
	name := keepBaseline(t, differs)
	if _, err := results.ReadBaseline(name, []string{"P", "Q"}, results.Manifest{}); err == nil {
		t.Error("took one of fewer properties")
	}
	if _, err := results.ReadBaseline(name+".no", []string{"P"}, results.Manifest{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v for one that is not there", err)
	}
}

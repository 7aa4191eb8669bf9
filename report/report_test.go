package report

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"rollcall/pipeline"
	"rollcall/pipeline/roster"
)

var noon = time.Date(2026, 11, 22, 13, 0, 0, 123, time.FixedZone("CET", 3600))

// Nothing in a roster or from a tenant can move a terminal's cursor.
func TestDiffShowsNoControls(t *testing.T) {
	var b bytes.Buffer
	d := NewDiff(&b, []string{"PrivacyMode"})
	d.Record(&pipeline.Result{Row: roster.Row{UPN: "\x1b[2Jada@contoso.com"}, Status: pipeline.Differs,
		Values: []pipeline.Value{{Wanted: "opt-out", Before: "\x1b]0;x\a\u009b"}}})
	d.Record(&pipeline.Result{Row: roster.Row{UPN: "eve", Line: 3}, Status: pipeline.Unreadable, Err: errors.New("a\x1bb\u0085c")})
	d.Record(&pipeline.Result{Row: roster.Row{UPN: "bob"}, Status: pipeline.Same})
	d.Flush()
	want := "~ �[2Jada@contoso.com  PrivacyMode: �]0;x�� -> opt-out\n! eve  line 3: unreadable: a�b�c\n"
	if got := b.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCountsText(t *testing.T) {
	var s pipeline.Counts
	for _, status := range []pipeline.Status{pipeline.Applied, pipeline.Duplicate, pipeline.Applied, pipeline.NotFound, pipeline.Example, pipeline.Stale} {
		s.Record(&pipeline.Result{Status: status})
	}
	if got, want := CountsText(&s), "6 rows: 2 applied, 1 not-found, 1 duplicate, 1 stale, 1 example"; got != want {
		t.Errorf("CountsText() = %q, want %q", got, want)
	}
	if got := s.Failed(); got != 2 {
		t.Errorf("Failed() = %d, want 2", got)
	}
}

// A table is written in each form, and as text in lines that fit the terminal.
func TestTable(t *testing.T) {
	var table Table
	table.Add([]string{"User", "Enabled"}, map[string]any{"User": "ada", "Enabled": true})
	table.Add([]string{"User", "Note"}, map[string]any{"User": "bob", "Note": "=1"})
	for _, c := range []struct {
		write func(io.Writer) error
		want  string
	}{
		{table.CSV, "User,Enabled,Note\nada,true,\nbob,,'=1\n"},
		{func(w io.Writer) error { return table.Text(w, 0) }, "User  Enabled  Note\nada   true     \nbob            =1\n"},
		{func(w io.Writer) error { return table.Text(w, 19) }, "User  Enabled  Note\nada   true     \nbob            =1\n"},
		{func(w io.Writer) error { return table.Text(w, 18) }, "User     ada\nEnabled  true\n\nUser     bob\nNote     =1\n"},
		{table.JSON, "[\n  {\n    \"User\": \"ada\",\n    \"Enabled\": true\n  },\n  {\n    \"User\": \"bob\",\n    \"Note\": \"=1\"\n  }\n]\n"},
	} {
		var b bytes.Buffer
		if err := c.write(&b); err != nil || b.String() != c.want {
			t.Errorf("got %q, %v; want %q", b.String(), err, c.want)
		}
	}
}

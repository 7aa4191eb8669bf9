package results

import (
	"bytes"
	"encoding/csv"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"rollcall/pipeline"
	"rollcall/pipeline/roster"
	"rollcall/tenant"
)

// saveAs returns a results file as a spreadsheet saves it that separates cells by comma
// and has its own words for true and false.
func saveAs(t *testing.T, file io.Reader, comma rune, yes, no string) string {
	t.Helper()
	records, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, record := range records {
		for i, cell := range record {
			switch {
			case strings.EqualFold(cell, "true"), strings.EqualFold(cell, yes):
				record[i] = yes
			case strings.EqualFold(cell, "false"), strings.EqualFold(cell, no):
				record[i] = no
			}
		}
	}
	var b strings.Builder
	w := csv.NewWriter(&b)
	w.Comma = comma
	if err := w.WriteAll(records); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A text arrives as it was and a boolean as that boolean, whatever the language of the
// spreadsheet that has saved the file.
func FuzzSavedCells(f *testing.F) {
	languages := [][2]string{{"WAHR", "FALSCH"}, {"VRAI", "FAUX"}, {"VERDADERO", "FALSO"}, {"VERDADEIRO", "FALSO"}, {"VERO", "FALSO"}, {"WAAR", "ONWAAR"}}
	for _, text := range []string{"", "x", "true", "'TRUE", "=1+1", "'=1", "''=1", "-x", " VERO", "VERO.", "'", "a;b\t\"c\"", "Vrai", "onwaar", "''''faux"} {
		f.Add(text)
	}
	for _, words := range languages {
		for _, word := range words {
			f.Add(word)
			f.Add(strings.ToLower(word))
			f.Add("'" + word)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.ReplaceAll(text, "\r\n", "\n") // as encoding/csv reads it
		if !utf8.ValidString(text) {
			t.Skip("a spreadsheet saves none such")
		}
		cell := tenant.Cell(text)
		value := pipeline.Value{After: cell, Wanted: "true", Before: "false"}
		var b bytes.Buffer
		w := NewWriter(&b, Format{Properties: []string{"P"}, Moved: []string{"M"}, UPN: -1})
		w.Record(&pipeline.Result{Row: roster.Row{Line: 2, UPN: "ada@contoso.com"}, Values: []pipeline.Value{value}, Moved: []pipeline.Value{{After: cell, Before: "true"}}})
		w.Flush()
		check := func(file string) {
			r, err := NewReader(strings.NewReader(file))
			if err != nil {
				t.Fatal(err)
			}
			var res pipeline.Result
			if err := r.Read(&res); err != nil {
				t.Fatal(err)
			}
			if res.Values[0] != value || res.Moved[0] != (pipeline.Value{After: cell, Before: "true"}) {
				t.Errorf("%q is read as %+v and %+v, from\n%s", text, res.Values[0], res.Moved[0], file)
			}
			s := NewSource(strings.NewReader(file))
			for i, want := range []string{cell, "true", "false", cell, "true"} {
				if got, ours := s.Cell(firstValue+i, r.dec.Record()[firstValue+i]); got != want || !ours {
					t.Errorf("cell %d is %q as a roster, want %q, from\n%s", i, got, want, file)
				}
			}
		}
		check(b.String())
		for _, l := range languages {
			check(saveAs(t, bytes.NewReader(b.Bytes()), ';', l[0], l[1]))
			check(saveAs(t, bytes.NewReader(b.Bytes()), '\t', l[0], l[1]))
		}
	})
}

// Cells without the apostrophe, which an older rollcall wrote, are read as it read them.
func TestUnmarkedCells(t *testing.T) {
	for _, tt := range []struct {
		cell  string
		comma rune
		want  string
	}{
		{"VERO", ',', "VERO"}, {"VERO", ';', "true"}, {"FALSO", '\t', "false"}, {"Vero", ';', "Vero"},
		{"'VERO", ';', "VERO"}, {"'VERO", ',', "VERO"}, {"'Vero", ';', "Vero"}, {"'true", ';', "'true"},
	} {
		if got := ownText(tt.cell, tt.comma); got != tt.want {
			t.Errorf("ownText(%q, %q) = %q, want %q", tt.cell, tt.comma, got, tt.want)
		}
	}
}

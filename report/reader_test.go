package report

import (
	"io"
	"rollcall/pipeline"
	"strings"
	"testing"
)

// A file that is not a results file is refused, and so is one with a bad record in
// the middle; a last record that was cut short is left out.
func TestReaderRefuses(t *testing.T) {
	const header = "Row,UserPrincipalName,Status,P,P.Wanted,P.Before,Attempts,Error,FinishedAt,Dept\n"
	const row = "2,ada@contoso.com,applied,b,b,a,2,,2026-11-22T06:54:41Z,Sales\n"
	for _, tt := range []struct {
		text, err string
		rows      int
		torn      bool
	}{
		{"", "it is empty", 0, false},
		{"UserPrincipalName,Dept\n", "its columns are", 0, false},
		{"Row,UserPrincipalName,Status\n", "its columns are", 0, false},
		{"\x00\x01\x02", "its columns are", 0, false},
		{"\"Row", "not a results file", 0, false},
		{header, "", 0, false},
		{header + row, "", 1, false},
		{header + row + "3,bob@conto", "", 1, true},
		{header + row + `3,bob@contoso.com,failed,,b,,1,"it was`, "", 1, true},
		{header + row + "3,bob@conto\n" + row, "wrong number of fields", 1, false},
		{header + row + "3,bob@contoso.com,done,b,b,a,2,,,\n", `status "done"`, 1, false},
		{header + row + "x,bob@contoso.com,applied,b,b,a,2,,,\n", "line 3", 1, false},
	} {
		r, err := NewResultsReader(strings.NewReader(tt.text))
		rows := 0
		for err == nil {
			var res pipeline.Result
			if err = r.Read(&res); err == nil {
				rows++
			}
		}
		if err == io.EOF {
			err = nil
		}
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%q: %v, want %q", tt.text, err, tt.err)
		}
		if rows != tt.rows || r != nil && r.Torn() != tt.torn {
			t.Errorf("%q: %d rows, torn %v; want %d, %v", tt.text, rows, r.Torn(), tt.rows, tt.torn)
		}
	}
}

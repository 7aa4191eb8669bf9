package report

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"rollcall/pipeline"
	"rollcall/pipeline/roster"
	"rollcall/tenant"
)

// failedRows returns Failures of rows that failed for these reasons, from line 2 on.
func failedRows(reasons ...string) *Failures {
	var f Failures
	for i, text := range reasons {
		upn := fmt.Sprintf("user%d@contoso.com", i+2)
		f.Record(&pipeline.Result{Row: roster.Row{Line: i + 2, UPN: upn}, Status: pipeline.Failed, Err: errors.New(strings.ReplaceAll(text, "USER", upn))})
	}
	return &f
}

// Rows that failed are listed in at most ten lines: each row, or those with one reason
// together if there are many, so that none of ten reasons is left out.
func TestFailuresOfOneReason(t *testing.T) {
	many := slices.Repeat([]string{"no 'USER' here"}, 12)
	for _, test := range []struct {
		reasons []string
		want    string
	}{
		{many[:3], "  line 2: user2@contoso.com  failed: no 'user2@contoso.com' here\n  line 3: user3@contoso.com  failed: no 'user3@contoso.com' here\n  line 4: user4@contoso.com  failed: no 'user4@contoso.com' here"},
		{[]string{"as on line 1", "as on line 2", "as on line 2", "as on line 14"}, "  4 rows  failed: as on line N (first line 2: user2@contoso.com, line 3: user3@contoso.com, line 4: user4@contoso.com)"},
		{many[:4], "  4 rows  failed: no 'UPN' here (first line 2: user2@contoso.com, line 3: user3@contoso.com, line 4: user4@contoso.com)"},
		{append(slices.Clone(many), "odd"), "  12 rows  failed: no 'UPN' here (first line 2: user2@contoso.com, line 3: user3@contoso.com, line 4: user4@contoso.com)\n  line 14: user14@contoso.com  failed: odd"},
		{[]string{"a", "b", "c", "d", "e", "f", "a", "b", "c", "d", "a", "b"}, "  3 rows  failed: a (first line 2: user2@contoso.com, line 8: user8@contoso.com, line 12: user12@contoso.com)\n" +
			"  3 rows  failed: b (first line 3: user3@contoso.com, line 9: user9@contoso.com, line 13: user13@contoso.com)\n" +
			"  2 rows  failed: c (first line 4: user4@contoso.com, line 10: user10@contoso.com)\n" +
			"  2 rows  failed: d (first line 5: user5@contoso.com, line 11: user11@contoso.com)\n" +
			"  line 6: user6@contoso.com  failed: e\n  line 7: user7@contoso.com  failed: f"},
	} {
		f := failedRows(test.reasons...)
		if got := strings.Join(f.Lines(len(test.reasons), "r.csv"), "\n"); got != "failed:\n"+test.want {
			t.Errorf("%q:\n%s\nwant\n%s", test.reasons, got, test.want)
		}
	}
	if got := failedRows(many...).Lines(20, "r.csv"); len(got) != 3 || got[2] != "  and 8 more, in r.csv" {
		t.Errorf("with 8 rows of an earlier run: %q", got)
	}
}

// Of rows that failed for many reasons, ten are listed, each on one line on which nothing
// moves a terminal's cursor, and of the others how many there are.
func TestFailures(t *testing.T) {
	var f Failures
	for i := range 25 {
		r := &pipeline.Result{Row: roster.Row{Line: i + 2, UPN: fmt.Sprintf("user%d@contoso.com", i)}, Status: pipeline.Applied}
		if i%2 == 1 {
			r.Status, r.Err = pipeline.Failed, fmt.Errorf("no\nrollcall: all is well \x1b[2J\u202e%d%s", i, strings.Repeat("x", 1000))
		}
		f.Record(r)
	}
	lines := f.Lines(12, "re\x1bsults.csv")
	if len(lines) != 12 || lines[0] != "failed:" || lines[11] != "  and 2 more, in re\ufffdsults.csv" {
		t.Fatalf("%q", lines)
	}
	if want := "  line 3: user1@contoso.com  failed: no rollcall: all is well \ufffd[2J\ufffd1xxx"; !strings.HasPrefix(lines[1], want) || len([]rune(lines[1])) > 200 {
		t.Errorf("%q, want %q", lines[1], want)
	}
	for _, line := range lines {
		if line != shown(line) {
			t.Errorf("%q", line)
		}
	}
	if f.Restart(); f.Lines(3, "") != nil {
		t.Errorf("after a restart: %q", f.Lines(3, ""))
	}
	f.Journalled(&pipeline.Result{Row: roster.Row{Line: 9, UPN: "a@contoso.com"}, Status: pipeline.NotFound,
		Err: fmt.Errorf("read ahead: %w", &tenant.Error{Op: "Get-CASMailbox", Object: "a@contoso.com", Err: errors.New("nobody")})})
	if got := f.Lines(1, ""); len(got) != 2 || got[1] != "  line 9: a@contoso.com  not-found: read ahead: nobody" {
		t.Errorf("%q", got)
	}
}

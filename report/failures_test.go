package report

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"rollcall/pipeline"
	"rollcall/pipeline/roster"
	"rollcall/tenant"
)

// The first ten rows that failed are told of, each on one line on which nothing moves a
// terminal's cursor, and of the others how many there are.
func TestFailures(t *testing.T) {
	var f Failures
	for i := range 25 {
		r := &pipeline.Result{Row: roster.Row{Line: i + 2, UPN: fmt.Sprintf("user%d@contoso.com", i)}, Status: pipeline.Applied}
		if i%2 == 1 {
			r.Status, r.Err = pipeline.Failed, errors.New("no\nrollcall: all is well \x1b[2J\u202e"+strings.Repeat("x", 1000))
		}
		f.Record(r)
	}
	lines := f.Lines(12, "re\x1bsults.csv")
	if len(lines) != 12 || lines[0] != "failed:" || lines[11] != "  and 2 more, in re\ufffdsults.csv" {
		t.Fatalf("%q", lines)
	}
	if want := "  line 3: user1@contoso.com  failed: no rollcall: all is well \ufffd[2J\ufffdxxx"; !strings.HasPrefix(lines[1], want) || len([]rune(lines[1])) > 200 {
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

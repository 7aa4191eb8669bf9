package results

import (
	"errors"
	"fmt"
	"os"
	"rollcall/pipeline"
	"rollcall/pipeline/roster"
	"strings"
	"testing"
)

// An audit that was killed is a baseline if its file and its journal have all of
// its rows between them; without one of them it is not.
func TestBaselineOfAKilledAudit(t *testing.T) {
	differs := func(row roster.Row) *pipeline.Result {
		return &pipeline.Result{Row: row, Status: pipeline.Differs, Finished: noon,
			Values: []pipeline.Value{{Wanted: "opt-out", Before: "opt-in", After: "opt-in"}}}
	}
	for done := range 4 { // how many rows are done behind the first, which is recorded
		l := newLives(t, 4)
		l.manifest.Run, l.manifest.Befores = "audit", false
		l.begin(func(r *File) {
			for i := range done {
				r.Done(differs(l.rows[3-i]))
			}
			r.Record(differs(l.rows[0]))
		})
		b, err := ReadBaseline(l.name, l.format.Properties, l.manifest)
		if done < 3 {
			if want := fmt.Sprintf("it has %d of 4 rows", done+1); !errors.Is(err, ErrUnfinished) || !strings.Contains(err.Error(), want) {
				t.Errorf("%d of 3 rows in the journal: error %v, want %q", done, err, want)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range l.rows {
			if b.Match(&Finding{UPN: row.UPN}) == nil {
				t.Errorf("the baseline has no %s", row.UPN)
			}
		}

		other := l.manifest
		other.Noun = "CASMailbox"
		if _, err := ReadBaseline(l.name, l.format.Properties, other); err == nil || !strings.Contains(err.Error(), "setting MyAnalyticsFeatureConfig") {
			t.Errorf("error %v of one of another setting", err)
		}
		other = l.manifest
		other.Tenant, other.Where.Organization = "fabrikam", "fabrikam.com"
		if _, err := ReadBaseline(l.name, l.format.Properties, other); err == nil || !strings.Contains(err.Error(), "contoso") || !strings.Contains(err.Error(), "fabrikam") {
			t.Errorf("error %v of one of another tenant", err)
		}
		if err := os.Truncate(journalName(l.name), 10); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadBaseline(l.name, l.format.Properties, l.manifest); err == nil {
			t.Error("took one whose journal is damaged")
		}
	}
}

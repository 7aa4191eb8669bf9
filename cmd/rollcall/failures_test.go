package main

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"rollcall/pipeline"
	"rollcall/pipeline/results"
)

// The command that tries failed rows again takes those that another try may mend or,
// if there are none, those that somebody may have mended on the tenant, and is about
// the same tenant; of what only another roster mends there is none.
func TestRetry(t *testing.T) {
	for _, test := range []struct {
		audit, undo, readFirst bool

		out      string
		statuses []pipeline.Status
		want     string
	}{
		{out: "r.csv", statuses: []pipeline.Status{pipeline.Failed, pipeline.Mismatch, pipeline.NotFound}, want: "rollcall apply r.csv --only mismatch,failed -o again.csv --tenant exchange"},
		{out: "r.csv", statuses: []pipeline.Status{pipeline.Applied, pipeline.Denied, pipeline.NotFound}, want: "rollcall apply r.csv --only not-found,denied -o again.csv --tenant exchange"},
		{readFirst: true, out: "r.csv", statuses: []pipeline.Status{pipeline.Denied}, want: "rollcall apply r.csv --only denied --read-first -o again.csv --tenant exchange"},
		{out: "r.csv", statuses: []pipeline.Status{pipeline.Invalid, pipeline.Conflict, pipeline.Stale}},
		{out: "r.csv", statuses: []pipeline.Status{pipeline.Applied}},
		{out: "-", statuses: []pipeline.Status{pipeline.Failed}},
		{audit: true, out: "d.csv", statuses: []pipeline.Status{pipeline.Unreadable, pipeline.Differs}, want: "rollcall audit d.csv --only unreadable -o again.csv --tenant exchange"},
		{audit: true, statuses: []pipeline.Status{pipeline.Unreadable}},
		{undo: true, out: "u.csv", statuses: []pipeline.Status{pipeline.Failed}, want: "rollcall undo users.csv -o undone.csv --tenant exchange"},
		{undo: true, audit: true, out: "u.csv", statuses: []pipeline.Status{pipeline.Unreadable}},
	} {
		j := &jobFlags{audit: test.audit, undo: test.undo, readFirst: test.readFirst}
		fs := pflag.NewFlagSet("", pflag.ContinueOnError)
		j.add(fs)
		if err := fs.Parse([]string{"--tenant", "exchange", "--privacy-mode", "opt-out"}); err != nil {
			t.Fatal(err)
		}
		j.output.name = test.out
		x := &execution{jobFlags: j, rosterName: "users.csv"}
		var o results.Outcome
		for _, s := range test.statuses {
			o.Rows.ByStatus[s]++
		}
		want := test.want
		if want != "" {
			want = commandLine(strings.Fields(want)[1:]) // quoted as it has to be here
		}
		if got := x.retry(&o); got != want {
			t.Errorf("%+v: %q, want %q", test, got, want)
		}
	}
}

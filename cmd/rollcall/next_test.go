package main

import (
	"testing"

	"github.com/spf13/pflag"

	"rollcall/pipeline"
	"rollcall/pipeline/results"
)

// What is suggested fits what came of the run, and is about the same tenant.
func TestNext(t *testing.T) {
	for _, test := range []struct {
		args                   []string
		blank                  bool // the results have values before, all of them blank
		audit, undo, readFirst bool
		out                    string
		status                 pipeline.Status
		want                   string
	}{
		{args: []string{"--privacy-mode", "opt-out", "--workers", "8"}, audit: true, status: pipeline.Differs,
			want: "rollcall apply users.csv --privacy-mode opt-out --read-first -o results.csv --workers 8"},
		{args: []string{"--set", "A=b c", "--set", "D=e", "--tenant", "powershell"}, audit: true, status: pipeline.Differs,
			want: "rollcall apply users.csv --set 'A=b c' --set D=e --read-first -o results.csv --tenant powershell"},
		{args: []string{"--profile", "contoso"}, audit: true, out: "diff.csv", status: pipeline.Differs,
			want: "rollcall apply diff.csv --if-unchanged -o results.csv --profile contoso"},
		{audit: true, status: pipeline.Same},
		{out: "r.csv", status: pipeline.Failed, args: []string{"--tenant", "exchange"}, want: "rollcall apply r.csv --only failed -o again.csv --tenant exchange"},
		{out: "r.csv", status: pipeline.Applied, readFirst: true, args: []string{"--tenant", "exchange"}, want: "rollcall undo r.csv --dry-run --tenant exchange"},
		{out: "r.csv", status: pipeline.Applied, readFirst: true, want: "rollcall report r.csv --html report.html"},
		{out: "r.csv", status: pipeline.Applied, want: "rollcall report r.csv --html report.html"},
		{out: "r.csv", status: pipeline.Applied, blank: true, args: []string{"--tenant", "exchange"}, want: "rollcall report r.csv --html report.html"},
		{status: pipeline.Applied},
		{undo: true, out: "r.csv", status: pipeline.Applied},
	} {
		j := &jobFlags{audit: test.audit, undo: test.undo, readFirst: test.readFirst}
		fs := pflag.NewFlagSet("", pflag.ContinueOnError)
		j.add(fs)
		fs.String("profile", "", "")
		if err := fs.Parse(test.args); err != nil {
			t.Fatal(err)
		}
		j.output.name = test.out
		x := &execution{jobFlags: j, rosterName: "users.csv"}
		o := &results.Outcome{Tenant: j.tenant.tenant, Rows: pipeline.Counts{Total: 1, Recorded: 1}}
		o.Manifest.Befores = test.readFirst || test.blank
		o.Rows.ByStatus[test.status] = 1
		if _, got := x.next(o); got != test.want {
			t.Errorf("%v %v: %q, want %q", test.args, test.status, got, test.want)
		}
	}
}

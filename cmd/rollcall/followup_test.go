package main

import (
	"slices"
	"testing"

	"rollcall/pipeline"
	"rollcall/pipeline/results"
)

// A report offers what can be done with the results of its run, and nothing else.
func TestFollowUp(t *testing.T) {
	const again = "rollcall apply r.csv --only failed -o again.csv --tenant exchange"
	const undo = "rollcall undo r.csv -o undone.csv --client-id x"
	for _, test := range []struct {
		what   string
		status pipeline.Status
		f      followUp
		want   []string
	}{
		{"all as wanted", pipeline.Applied, followUp{kind: "apply", file: "r.csv", befores: true}, []string{undo}},
		{"failed", pipeline.Failed, followUp{kind: "apply", file: "r.csv", befores: true}, []string{again, undo}},
		{"no value before", pipeline.Failed, followUp{kind: "apply", file: "r.csv"}, []string{again}},
		{"a sandbox in memory", pipeline.Applied, followUp{kind: "apply", file: "r.csv", befores: true, forgets: true}, nil},
		{"nothing changed", pipeline.Unchanged, followUp{kind: "apply", file: "r.csv", befores: true}, nil},
		{"no file", pipeline.Failed, followUp{kind: "apply", befores: true}, nil},
		{"an undo", pipeline.Failed, followUp{kind: "undo", file: "r.csv", befores: true}, []string{undo}},
		{"an audit", pipeline.Differs, followUp{kind: "audit", file: "r.csv"}, []string{"rollcall apply r.csv --if-unchanged -o results.csv --tenant exchange"}},
		{"an audit that found nothing", pipeline.Same, followUp{kind: "audit", file: "r.csv"}, nil},
		{"nobody there, after a run that read first", pipeline.NotFound, followUp{kind: "apply", file: "r.csv", readFirst: true},
			[]string{"rollcall apply r.csv --only not-found --read-first -o again.csv --tenant exchange"}},
		{"an audit that could not read", pipeline.Unreadable, followUp{kind: "audit", file: "r.csv"}, []string{"rollcall audit r.csv --only unreadable -o again.csv --tenant exchange"}},
		{"an undo of which the roster is known", pipeline.Denied, followUp{kind: "undo", file: "u.csv", roster: "r.csv"}, []string{"rollcall undo r.csv -o undone.csv --tenant exchange"}},
		{"a name to quote", pipeline.Differs, followUp{kind: "audit", file: "my r.csv"}, []string{"rollcall apply " + quoted("my r.csv") + " --if-unchanged -o results.csv --tenant exchange"}},
	} {
		test.f.counts = &pipeline.Counts{Total: 1, Recorded: 1}
		test.f.counts.ByStatus[test.status] = 1
		test.f.tenant, test.f.undoing = []string{"--tenant", "exchange"}, []string{"--client-id", "x"}
		var got []string
		for _, c := range test.f.commands() {
			got = append(got, c.Line)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", test.what, got, test.want)
		}
	}
}

// quoted is a word as the shell of this system takes it.
func quoted(arg string) string { return commandLine([]string{arg})[len("rollcall "):] }

func TestFlagsFor(t *testing.T) {
	for _, test := range []struct {
		where results.Where
		want  []string
	}{
		{results.Where{Tenant: "sandbox"}, nil},
		{results.Where{Tenant: "sandbox:t.csv"}, []string{"--tenant", "sandbox:t.csv"}},
		{results.Where{Tenant: "exchange", Organization: "contoso.com", Cloud: "global"}, []string{"--tenant", "exchange", "--organization", "contoso.com"}},
		{results.Where{Tenant: "exchange", Organization: "contoso.com", Endpoint: "http://localhost:1", Cloud: "dod"},
			[]string{"--tenant", "exchange", "--organization", "contoso.com", "--endpoint", "http://localhost:1", "--cloud", "dod"}},
	} {
		if got := flagsFor(test.where); !slices.Equal(got, test.want) {
			t.Errorf("flagsFor(%v) = %q, want %q", test.where, got, test.want)
		}
	}
}

// What is kept of a command line has no secret, and all else as it was given.
func TestWithoutSecrets(t *testing.T) {
	for _, test := range []struct{ args, want []string }{
		{[]string{"apply", "users.csv", "--ping", "https://hc-ping.com/KEY"}, []string{"apply", "users.csv", "--ping", "https://hc-ping.com/********"}},
		{[]string{"--ping=https://hc-ping.com/KEY?a=KEY"}, []string{"--ping=https://hc-ping.com/********"}},
		{[]string{"--ping", "KEY"}, []string{"--ping", "********"}},
		{[]string{"--note", "ada@contoso.com: see http://x/p?q=1 now", "--note=at https://u:KEY@x/p, ok"},
			[]string{"--note", "ada@contoso.com: see http://x/p?q=1 now", "--note=at https://********@x/p, ok"}},
		{[]string{"--endpoint", "https://x/p?sig=KEY"}, []string{"--endpoint", "https://x/p?********"}},
		{[]string{"--endpoint=https://u:KEY@x/p#KEY"}, []string{"--endpoint=https://********@x/p?********"}},
		{[]string{"--set", "Url=https://x/p?a=b", "--note", "10:30, ask ada@contoso.com?", "-o", "r.csv"},
			[]string{"--set", "Url=https://x/p?a=b", "--note", "10:30, ask ada@contoso.com?", "-o", "r.csv"}},
	} {
		if got := withoutSecrets(test.args); !slices.Equal(got, test.want) {
			t.Errorf("withoutSecrets(%q) = %q, want %q", test.args, got, test.want)
		}
	}
}

package main

import (
	"strings"

	"rollcall/pipeline"
	"rollcall/pipeline/results"
	"rollcall/report/html"
	"rollcall/tenant/connect"
)

// A followUp has what is needed to suggest commands for the results file of a run.
type followUp struct {
	kind    string // audit, apply or undo
	file    string // the results file, or "" if there is none that can be read
	counts  *pipeline.Counts
	befores bool     // the values before are recorded
	forgets bool     // the tenant is a sandbox in memory, which no longer exists
	tenant  []string // flags that name the tenant of the run
	undoing []string // the same for undo, which reads some of them from the summary
}

// commands returns the command lines that a reader of the report may want to run.
func (f followUp) commands() []html.Command {
	var all []html.Command
	add := func(does string, words, flags []string) {
		all = append(all, html.Command{Does: does, Line: commandLine(append(words, flags...))})
	}
	by := &f.counts.ByStatus
	if f.file == "" {
		return nil
	}
	if f.kind == "audit" {
		if by[pipeline.Differs] > 0 {
			add("Make the change that this audit shows", applyDiff(f.file), f.tenant)
		}
		return all
	}
	if names := triable(by[:]); names != "" && f.kind == "apply" && f.counts.Left() == 0 {
		add("Try again the rows that are "+strings.ReplaceAll(names, ",", ", "), tryAgain(f.file, names), f.tenant)
	}
	changed := f.counts.InProgress
	for _, status := range results.ChangingStatuses {
		if s, err := pipeline.ParseStatus(status); err == nil {
			changed += by[s]
		}
	}
	if changed > 0 && f.befores && !f.forgets {
		add("Put back what this run changed", []string{"undo", f.file, "-o", unused("undone.csv")}, f.undoing)
	}
	return all
}

// applyDiff returns the words of a command that makes the change which the diff of an
// audit shows.
func applyDiff(file string) []string {
	return []string{"apply", file, "--if-unchanged", "-o", unused("results.csv")}
}

// tryAgain returns the words of a command that tries again the rows of a results file
// with one of these statuses.
func tryAgain(file, statuses string) []string {
	return []string{"apply", file, "--only", statuses, "-o", unused("again.csv")}
}

// flagsFor returns the flags that name a recorded tenant. How to sign in to it is not
// recorded.
func flagsFor(w results.Where) []string {
	var words []string
	for _, f := range []struct{ flag, value string }{{"--tenant", w.Tenant}, {"--organization", w.Organization}, {"--endpoint", w.Endpoint}, {"--cloud", w.Cloud}} {
		if f.value != "" && !(f.flag == "--cloud" && f.value == "global") && f.value != connect.Sandbox {
			words = append(words, f.flag, f.value)
		}
	}
	return words
}

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
	roster  string // its roster, or "" if that is not known
	counts  *pipeline.Counts
	befores bool     // the values before are recorded
	forgets bool     // the tenant is a sandbox in memory, which no longer exists
	tenant  []string // flags that name the tenant of the run
	undoing []string // the same for undo, which reads some of them from the summary

	readFirst bool // the run read each user before the set
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
	}
	if words, statuses := f.retry(); words != nil && f.counts.Left() == 0 {
		add("Try again the rows that are "+strings.ReplaceAll(statuses, ",", ", "), words, f.tenant)
	}
	if f.kind == "audit" {
		return all
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

// retry returns the words of a command that tries failed rows again, and their statuses:
// those that may succeed at another try or, if there are none, those that may succeed
// after a change on the tenant. It returns nil if there is no such command.
func (f followUp) retry() (words []string, statuses string) {
	by := f.counts.ByStatus[:]
	if statuses = triable(by); statuses == "" {
		statuses = namesOf(by, pipeline.NotFound, pipeline.Denied, pipeline.Unreadable)
	}
	switch {
	case statuses == "":
		return nil, ""
	case f.kind == "undo" && f.roster != "" && f.roster != "-": // undo passes over the users that it has put back
		return []string{"undo", f.roster, "-o", unused("undone.csv")}, statuses
	case f.kind == "undo", f.file == "":
		return nil, ""
	}
	words = []string{f.kind, f.file, "--only", statuses}
	if f.kind == "apply" && f.readFirst { // otherwise the second run could not be undone
		words = append(words, "--read-first")
	}
	return append(words, "-o", unused("again.csv")), statuses
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

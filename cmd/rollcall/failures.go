package main

import (
	"rollcall/pipeline"
	"rollcall/pipeline/job"
	"rollcall/pipeline/results"
	"rollcall/report"
)

// failures are the first rows that failed, which are listed at the end of a run on a
// terminal. Without a terminal each of them is logged.
type failures struct{ report.Failures }

// Open does nothing.
func (*failures) Open(job.Plan) error { return nil }

// Begin does nothing.
func (*failures) Begin(*pipeline.Run) {}

// End does nothing: [execution.suggest] prints the rows after everything else.
func (*failures) End(*results.Outcome, error) error { return nil }

// suggest prints which rows failed, and which command line the user is likely to want
// next. It prints nothing without a terminal.
func (x *execution) suggest(o *results.Outcome) {
	if !isTerminal(x.app.err) {
		return
	}
	say := x.app.console.Say
	lines := x.failures.Lines(o.Rows.Failed(), x.plan.File)
	between := o.Rows.ByStatus[pipeline.Differs] + o.Rows.ByStatus[pipeline.Applied]
	if x.form() == "text" && isTerminal(x.app.out) && between == 0 {
		lines = nil // they were printed just before, with nothing in between
	}
	for _, line := range lines {
		say("%s", line)
	}
	if o.Rows.Left() > 0 {
		return
	}
	retry, next := x.retry(o), x.next(o)
	if retry != "" && lines != nil {
		say("to try them again: %s", retry)
	}
	if next != "" && next != retry {
		say("next: %s", next)
	}
}

// retry returns the command line that tries failed rows again, or "" if there are none
// for which that may help.
func (x *execution) retry(o *results.Outcome) string {
	file, counts := x.output.file(), o.Rows.ByStatus[:]
	statuses := triable(counts)
	if statuses == "" { // then those that may succeed after a change on the tenant
		statuses = namesOf(counts, pipeline.NotFound, pipeline.Denied, pipeline.Unreadable)
	}
	var words []string
	switch {
	case statuses == "":
		return ""
	case x.undo && !x.audit && x.rosterName != "-": // undo passes over the users that it has put back
		words = []string{"undo", x.rosterName, "-o", unused("undone.csv")}
	case x.undo, file == "":
		return ""
	case x.audit:
		words = []string{"audit", file, "--only", statuses, "-o", unused("again.csv")}
	default:
		words = tryAgain(file, statuses)
	}
	return commandLine(append(words, x.sameTenant()...))
}

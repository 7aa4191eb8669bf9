package main

import (
	"slices"

	"rollcall/pipeline"
	"rollcall/pipeline/job"
	"rollcall/pipeline/results"
	"rollcall/report"
)

// failures are what a person at a terminal is told at the end of the rows that
// failed. Elsewhere each of them is logged.
type failures struct {
	report.Failures
	befores bool // some value before was on record of a user who was changed
}

// Record notes a row.
func (f *failures) Record(r *pipeline.Result) error {
	if r.Status == pipeline.Applied {
		f.befores = f.befores || slices.ContainsFunc(r.Values, func(v pipeline.Value) bool { return v.Before != "" })
	}
	return f.Failures.Record(r)
}

// Journalled is Record of a row that only the journal has.
func (f *failures) Journalled(r *pipeline.Result) { f.Record(r) }

// Open does nothing.
func (*failures) Open(job.Plan) error { return nil }

// Begin does nothing.
func (*failures) Begin(*pipeline.Run) {}

// End does nothing: they are told of below all else.
func (*failures) End(*results.Outcome, error) error { return nil }

// suggest says which rows failed, and what a person would likely want to do next. It
// is for a terminal.
func (x *execution) suggest(o *results.Outcome) {
	if !isTerminal(x.app.err) {
		return
	}
	say := x.app.console.Say
	lines := x.failures.Lines(o.Rows.Failed(), x.plan.File)
	between := o.Rows.ByStatus[pipeline.Differs] + o.Rows.ByStatus[pipeline.Applied]
	if x.form() == "text" && isTerminal(x.app.out) && between == 0 {
		lines = nil // they stand just above, and nothing between them
	}
	for _, line := range lines {
		say("%s", line)
	}
	if o.Rows.Left() > 0 {
		return
	}
	retry := x.retry(o)
	why, next := x.next(o)
	if retry != "" && lines != nil {
		say("to try them again: %s", retry)
	}
	if next != "" && next != retry {
		say("%s: %s", why, next)
	}
}

// retry returns the command line that tries the rows again that failed, as far as
// another try may mend that, or "" if there are none.
func (x *execution) retry(o *results.Outcome) string {
	kind := x.kind()
	if x.audit {
		kind = "audit"
	}
	if x.undo && x.audit { // which is no audit that could be made again
		return ""
	}
	words, _ := followUp{kind: kind, file: x.output.file(), roster: x.rosterName, readFirst: x.readFirst, counts: &o.Rows}.retry()
	if words == nil {
		return ""
	}
	return commandLine(append(words, x.sameTenant()...))
}

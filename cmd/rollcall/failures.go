package main

import (
	"slices"

	"rollcall/pipeline"
	"rollcall/pipeline/job"
	"rollcall/pipeline/results"
	"rollcall/report"
)

// failures are the first rows that failed, which are listed at the end of a run on a
// terminal. Without a terminal each of them is logged.
type failures struct {
	report.Failures
	befores bool // the value before of some user who was changed is recorded
}

// Record adds a row.
func (f *failures) Record(r *pipeline.Result) error {
	if r.Status == pipeline.Applied {
		f.befores = f.befores || slices.ContainsFunc(r.Values, func(v pipeline.Value) bool { return v.Before != "" })
	}
	return f.Failures.Record(r)
}

// Journalled is like Record, for a row that only the journal has.
func (f *failures) Journalled(r *pipeline.Result) { f.Record(r) }

// Open does nothing.
func (*failures) Open(job.Plan) error { return nil }

// Begin does nothing.
func (*failures) Begin(*pipeline.Run) error { return nil }

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
	retry := x.retry(o)
	why, next := x.next(o)
	if retry != "" && lines != nil {
		say("to try them again: %s", retry)
	}
	if next != "" && next != retry {
		say("%s: %s", why, next)
	}
}

// retry returns the command line that tries failed rows again, or "" if there are none
// for which that may help.
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

package main

import (
	"errors"
	"time"

	"rollcall/pipeline"
	"rollcall/report"
)

// summarise says what came of the run, which ended with err. That is told later.
func (x *execution) summarise(run *pipeline.Run, elapsed time.Duration, err error) {
	say := x.app.console.Say
	if x.form() != "text" || x.news != nil || !isTerminal(x.app.out) || !isTerminal(x.app.err) { // or it would stand there twice
		say("%s", report.CountsText(&x.out.counts))
	}
	left := x.out.left()
	if alike := run.Alike(); alike != "" && (run.Stopped() == "" || left == 0) { // or why it stopped says so
		x.app.console.Warn("warning: all rows that were attempted failed alike: %s", alike)
	}
	if found := x.users.Description(); found.PassedOver > 0 {
		say("%s", found.Passed())
	}
	if n := run.Stats.ButCase.Load(); n > 0 {
		say("%s as wanted but for capitals, left as they are (--match-case makes that a difference)", pipeline.Plural(n, "row"))
	}
	say("%s", report.Pace(run, elapsed))
	if x.out.name != "" && x.out.counts.Done() > 0 && (err == nil || errors.Is(err, errInterrupted)) {
		say("results are in %s", x.out.name)
	}
	if next := x.next(); left == 0 && next != "" && isTerminal(x.app.err) {
		say("next: %s", next)
	}
	if left == 0 {
		return
	}
	for _, line := range report.Unfinished(&x.out.counts, !x.audit) {
		say("%s", line)
	}
	switch {
	case x.out.file == nil || x.out.file.Device():
	case errors.Is(err, report.ErrLost):
		say("to go on: move what is left of %s away, then %s", x.out.name, x.app.again())
	default:
		say("to go on: %s", x.app.again())
	}
}

package main

import (
	"errors"
	"time"

	"rollcall/pipeline"
	"rollcall/report"
)

// settleCounts finds out what is recorded, and of how many rows it is not known,
// after a run that ended with err: it may be that the file could not be written,
// and has less than it was given.
func (x *execution) settleCounts(run *pipeline.Run, err error) {
	x.inHand = int(run.Stats.Unrecorded.Load())
	if err == nil || x.out.file == nil || x.interrupts.status() != 0 {
		return
	}
	called, rerr := x.out.recount()
	if rerr != nil {
		x.app.console.Warn("warning: what is in %s could not be counted: %v", x.out.name, rerr)
		return
	}
	x.inHand = int(run.Stats.Called.Load()) - called
}

// summarise says what came of the run, which ended with err. That is told later.
func (x *execution) summarise(run *pipeline.Run, elapsed time.Duration, err error) {
	say := x.app.console.Say
	if x.form() != "text" || x.news != nil || !isTerminal(x.app.out) || !isTerminal(x.app.err) { // or it would stand there twice
		say("%s", x.out.summary.String())
	}
	say("%s", report.Pace(run, elapsed))
	if x.out.name != "" && x.out.summary.Rows > 0 && (err == nil || errors.Is(err, errInterrupted)) {
		say("results are in %s", x.out.name)
	}
	left := x.out.left()
	if next := x.next(); left == 0 && next != "" && isTerminal(x.app.err) {
		say("next: %s", next)
	}
	if left == 0 {
		return
	}
	say("%s not attempted", report.Plural(max(0, left-x.inHand), "row"))
	if x.inHand > 0 {
		say("%s in hand, or done ahead of their turn, and not recorded", report.Plural(x.inHand, "row"))
	}
	if x.out.name != "" {
		say("to go on: %s", x.app.again())
	}
}

package main

import (
	"errors"
	"fmt"
	"time"

	"rollcall/pipeline"
	"rollcall/pipeline/job"
	"rollcall/pipeline/results"
	"rollcall/pipeline/roster"
	"rollcall/report"
	"rollcall/tenant"
	"rollcall/tenant/exchange"
)

// An execution is one run of a job by the command line. It observes the job.
type execution struct {
	*jobFlags
	app        *app
	rosterName string
	interrupts *interrupts
	monitor    *monitor
	plan       *job.Plan     // nil until the roster is read
	run        *pipeline.Run // nil until it begins
	began      time.Time     // when run began
	news       *report.News  // or nil
	progress   func()        // ends the progress line
	page       *page         // the HTML report, or nil
	onward     string        // what goes on with the job, if that is not its own command line
	failures   failures

	recordNamed bool // the results file has a default name, for -o was not given
}

// Observe writes the events of the job to standard error.
func (x *execution) Observe(e job.Event) {
	c := x.app.console
	switch e := e.(type) {
	case job.Connected:
		x.app.greet(e.Tenant, e.Unnamed)
	case job.Opened:
		x.plan = e.Plan
		x.describePast()
		x.app.describe(x.rosterName, e.Users)
	case job.Ready:
		if x.output.resume && e.Counts.Recorded > 0 {
			text := fmt.Sprintf("%s: %s recorded, %d to go", e.File, pipeline.Plural(e.Counts.Recorded, "row"), e.Counts.Left())
			if e.Counts.Recorded == e.Counts.Total {
				text += ": it is complete, and there is nothing to do"
			}
			c.Say("%s", text)
		}
	case job.Counting:
		x.interrupts.says(func() string { return x.stopping(e.Run) })
	case job.Started:
		x.run, x.began = e.Run, time.Now()
		x.interrupts.says(func() string { return x.stopping(e.Run) })
		if x.recordNamed {
			c.Say("no -o was given: the results go to %s", x.output.name)
		}
		x.monitor.begin(x, e)
		x.progress = x.showProgress()
	case job.Stopped:
		x.progress()
	case job.Warning:
		if e.Err != nil {
			e.Text = message(x.explain(e.Err))
		}
		c.Warn("warning: %s", e.Text)
	case job.Note:
		c.Say("%s", e.Text)
	}
}

// showProgress shows the progress of the run until stop is called.
func (x *execution) showProgress() (stop func()) {
	left := x.plan.Counts.Left()
	show := x.console.progress(x.app, x.interrupts, left, x.run, x.monitor.console)
	if x.monitor.file == nil || x.console.stats <= 0 {
		return show
	}
	log := report.LogProgress(x.monitor.fileLog, x.console.stats, left, x.run)
	return func() { show(); log() }
}

// stopping returns the message for the first interrupt of a run.
func (x *execution) stopping(run *pipeline.Run) string {
	if since, _ := run.Outage(); !since.IsZero() {
		// The summary, which follows at once, has their number: some rows have begun, and
		// their first call has not.
		return fmt.Sprintf("the tenant can't be reached since %s: leaving the rows in progress without a result", since.Format(time.TimeOnly))
	}
	text := fmt.Sprintf("finishing %s in progress, %s", pipeline.Plural(run.Stats.InProgress(), "row"), x.interrupts.atMost())
	if d := run.Limiter.PauseLeft(); d > time.Second {
		text += fmt.Sprintf(" (the tenant asked for a pause: %v left)", d.Round(time.Second))
	}
	return text
}

// report writes the closing lines and sends the outcome of the job to the monitors. It
// returns the error of the command.
func (x *execution) report(o *results.Outcome, err error) error {
	cause := err
	err = x.exit(o, err)
	if x.run == nil {
		return x.monitor.conclude(x, o, err)
	}
	_, guarded := errors.AsType[*job.GuardError](cause)
	explained := guarded || errors.Is(cause, tenant.Unauthorized)
	if explained { // it is the cause of everything below, and so comes first
		x.app.explainEnd(err)
	}
	x.summarize(o, cause)
	err = x.monitor.conclude(x, o, err)
	if explained {
		return &exit{status: statusOf(err)}
	}
	return err
}

// sign adds to an outcome what only the program knows: version, user, host and exit
// status.
func (x *execution) sign(o *results.Outcome, err error) {
	o.Version, o.User, o.Host, o.Results = version(), userName(), hostName(), x.output.name
	err = x.exit(o, err)
	o.Exit, o.Cause = statusOf(err), cause(o, err)
	if o.Reason != "" {
		if text := message(err); text != "" {
			o.Reason = text
		}
	}
}

// summarize prints the closing lines of the run, which ended with err.
func (x *execution) summarize(o *results.Outcome, err error) {
	say := x.app.console.Say
	if x.form() != "text" || x.news != nil || !isTerminal(x.app.out) || !isTerminal(x.app.err) { // else standard output has shown them
		say("%s", report.CountsText(&o.Rows))
	}
	left := o.Rows.Left()
	if alike := x.run.Alike(); alike != "" && (x.run.Stopped() == "" || left == 0) { // else the reason of the stop says so
		x.app.console.Warn("warning: all rows that were attempted failed in the same way: %s", alike)
	}
	if found := x.plan.Users.Description(); found.PassedOver > 0 {
		say("%s", found.Passed())
	}
	if n := x.run.Stats.CaseDiffers.Load(); n > 0 {
		say("%s with a difference in capitals only, counted as the same (--match-case counts it as a difference)", pipeline.Plural(n, "row"))
	}
	if nothing := x.nothing(); nothing != "" {
		say("%s", nothing)
	}
	say("%s", report.Pace(x.run, o.Working))
	_, outputFailed := errors.AsType[*job.OutputError](err)
	if x.plan.File != "" && o.Rows.Done() > 0 && (o.Ending != results.Errored || outputFailed) {
		say("results are in %s", x.plan.File)
	}
	if name := x.output.html.name; name != "" && x.page.written {
		say("the report is in %s", name)
	}
	x.suggest(o)
	if left == 0 {
		return
	}
	for _, line := range report.Unfinished(&o.Rows, report.Fate(o.Command, o.MaybeSet)) {
		say("%s", line)
	}
	_, unread := errors.AsType[*roster.Error](err)
	switch {
	case x.plan.File == "" || x.plan.Device || o.ResultsSHA256 == "":
	case unread:
		say("to go on: put %s back as it was, then run %s", x.rosterName, x.again())
	case errors.Is(err, results.ErrLost):
		say("to go on: put %s back as it was, beside its journal, then run %s", x.plan.File, x.again())
		if !exists(x.plan.File + ".journal") {
			break // there is nothing to make it from
		}
		first := ""
		if exists(x.plan.File) {
			first = "move what is there now away, and "
		}
		say("if it is gone for good: %sthe same command makes it again from the journal; the results and values before that were in it are lost", first)
	case errors.Is(err, exchange.ErrNoBatch):
		say("to go on: %s --batch 1", x.again())
	default:
		say("to go on: %s", x.again())
	}
}

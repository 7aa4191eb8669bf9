package main

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"rollcall/pipeline"
	"rollcall/pipeline/fleet"
	"rollcall/pipeline/results"
	"rollcall/report"
)

// conclude writes what there is to say of the fleet, and returns the error of the
// command: with err, of the work itself, or with the worst of the tenants' exit
// statuses.
func (r *fleetRun) conclude(err error) error {
	end := r.verdict(err)
	now := time.Now().UTC()
	status := statusOf(end)
	r.record.Finished, r.record.Exit, r.record.Reason = &now, &status, message(end)
	r.record.State = r.ending(end)
	r.record.Sum()
	for _, write := range []func() error{r.writeAll, r.writePages, r.writeRecord} {
		if werr := write(); werr != nil && (end == nil || statusOf(end) == exitRows || statusOf(end) == exitDiffers) {
			end = werr
		} else if werr != nil {
			r.app.console.Warn("warning: %v", werr)
		}
	}
	r.summarize()
	return end
}

// verdict returns the error that the fleet ends with.
func (r *fleetRun) verdict(err error) error {
	if err != nil && !errors.Is(err, errInterrupted) {
		return err
	}
	left := r.left()
	if status := r.interrupts.status(); status != 0 && len(left) > 0 {
		return &exit{status: status}
	}
	if why := r.record.TooManyFailed(r.flags.failed); why != "" && len(left) > 0 {
		return &exit{status: exitGuard, err: fmt.Errorf("stopped: %s (--max-failed-tenants)", why)}
	}
	worst := exitOK
	for _, t := range r.record.Tenants {
		if t.Exit != nil && worse(*t.Exit, worst) {
			worst = *t.Exit
		}
	}
	refusal := r.refusal()
	switch {
	case refusal != nil && !worse(worst, exitError):
		return refusal
	case worst != exitOK:
		return &exit{status: worst}
	}
	return nil
}

// severity is the order of exit statuses of runs, the worst first.
var severity = []int{exitInterrupted, exitTerminated, exitUsage, exitError, exitHeld, exitGuard, exitRows, exitDiffers, exitOK}

// worse reports whether exit status x says that more is wrong than y.
func worse(x, y int) bool {
	for _, status := range severity {
		if status == x || status == y {
			return status == x && x != y
		}
	}
	return false
}

// ending says in a word how the fleet ended.
func (r *fleetRun) ending(end error) string {
	switch status := statusOf(end); {
	case len(r.left()) == 0 && r.refused() == nil:
		return results.Complete
	case status == exitInterrupted, status == exitTerminated:
		return results.Interrupted
	case status == exitGuard:
		return results.Guarded
	}
	return results.Errored
}

// summarize says in lines what came of the fleet.
func (r *fleetRun) summarize() {
	c := r.app.console
	c.Say("%s", report.FleetText(&r.record))
	c.Say("%s", report.FleetRowsText(&r.record))
	sayReasons(r.app, r.record.Tenants, filepath.Join(r.dir, fleetRecordName))
	c.Say("results are in %s", r.dir)
	if name := r.flags.html.name; name != "" {
		c.Say("the report is in %s", name)
	}
	if len(r.left()) > 0 {
		c.Say("to go on: %s", commandLine(r.app.args))
	}
}

// sayReasons says why tenants have not been carried out, of the first of them. Where
// says where the others are.
func sayReasons(a *app, tenants []fleet.TenantRecord, where string) {
	const most = 10
	said, unsaid := 0, 0
	for _, t := range tenants {
		reason := cmp.Or(t.Refused, t.Reason)
		switch {
		case reason == "" || t.Refused == "" && (t.State == results.Interrupted || t.WithFleet): // the reason of the fleet says that
		case said == most:
			unsaid++
		default:
			said++
			a.console.Warn("%s: %s", t.Name, reason)
		}
	}
	if unsaid > 0 {
		a.console.Warn("and %s more (%s)", pipeline.Plural(unsaid, "tenant"), where)
	}
}

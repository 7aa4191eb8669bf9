package main

import (
	"fmt"

	"rollcall/report"
)

// nothing returns why there was nothing to do, or "" if there was something.
func (x *execution) nothing() string {
	found := x.plan.Users.Description()
	if found.Rows > 0 || found.PassedOver == 0 {
		return ""
	}
	text := fmt.Sprintf("nothing to do: no row of %s has one of the statuses chosen", x.rosterName)
	if x.undo {
		text = fmt.Sprintf("nothing to undo: %s has no row of a user who was changed", x.rosterName)
	}
	if file := x.output.file(); file != "" && !x.output.resume {
		text += "; " + file + " is not written"
	}
	return text
}

// noBeforeHint returns how to record values before, for an undo of rows without them, or
// "" if every row has them.
func (x *execution) noBeforeHint() string {
	if x.undo && x.plan.Source.LacksBefore() {
		return "apply records the values before with --read-first, or if its FILE is the diff of an audit"
	}
	return ""
}

// describePast prints which run wrote the roster, if it is a results file, and what is
// not certain about it.
func (x *execution) describePast() {
	source, say := x.plan.Source, x.app.console
	if source == nil {
		return
	}
	taken := x.plan.Kind == "apply" && x.plan.Befores && !x.readFirst
	if taken && source.Manifest() == nil {
		say.Warn("warning: %s has no summary beside it: of which tenant its values before are is not known; --read-first reads those of this one", x.plan.Users.Name())
	}
	past := source.Past
	if past == nil {
		return
	}
	if m := past.Manifest; m != nil {
		text := fmt.Sprintf("%s: of the %s of %s on the %s", past.Name, m.Run, m.Change, m.Tenant)
		if past.By != "" {
			text += ", " + past.By
		}
		say.Say("%s: %s", text, report.CountsText(&past.Counts))
		lines := report.Unfinished(&past.Counts, report.Fate(m.Run, !past.Untouched))
		if past.Unaccounted || past.Running {
			lines = nil // one of past.Doubts says so
		}
		for _, line := range lines {
			say.Say("%s: %s", past.Name, line)
		}
	} else if past.Unknown && x.undo {
		say.Warn("warning: %s has no summary beside it: it is not known whether it holds all users of its run", past.Name)
	}
	for _, doubt := range past.Doubts {
		say.Warn("warning: %s", doubt)
	}
	if taken && !x.plan.Change.Expects() {
		say.Say("%s: values before are taken from it, where it has them; --if-unchanged or --read-first looks whether somebody has changed them since", past.Name)
	}
}

package main

import (
	"fmt"

	"rollcall/report"
)

// nothing says why there was nothing to do, and returns "" if there was something.
func (x *execution) nothing() string {
	found := x.plan.Users.Description()
	if found.Rows > 0 || found.PassedOver == 0 {
		return ""
	}
	text := fmt.Sprintf("nothing to do: no row of %s has a status that is wanted", x.rosterName)
	if x.undo {
		text = fmt.Sprintf("nothing to undo: no row of %s is of a user who was changed", x.rosterName)
	}
	if file := x.output.file(); file != "" && !x.output.resume {
		text += ", and " + file + " is not written"
	}
	return text
}

// noBeforeHint says what would have made it possible to put back what can't be, or
// returns "" if all can be.
func (x *execution) noBeforeHint() string {
	if x.undo && x.plan.Source.LacksBefore() {
		return "apply records the values before with --read-first, or when it is given the diff of an audit"
	}
	return ""
}

// describePast says of which run a roster is the results file, and what is not certain of it.
func (x *execution) describePast() {
	if x.plan.Source == nil || x.plan.Source.Past == nil {
		return
	}
	past := x.plan.Source.Past
	say := x.app.console
	if m := past.Manifest; m != nil {
		text := fmt.Sprintf("%s: of the %s of %s on the %s", past.Name, m.Run, m.Change, m.Tenant)
		if past.By != "" {
			text += ", " + past.By
		}
		say.Say("%s: %s", text, report.CountsText(&past.Counts))
		lines := report.Unfinished(&past.Counts, m.Run != "audit")
		if past.Unaccounted {
			lines = nil // a doubt says so
		}
		for _, line := range lines {
			say.Say("%s: %s", past.Name, line)
		}
	} else if past.Unknown && x.undo {
		say.Warn("warning: %s: no summary stands beside it: whether all users of its run are in it is not known", past.Name)
	}
	for _, doubt := range past.Doubts {
		say.Warn("warning: %s", doubt)
	}
}

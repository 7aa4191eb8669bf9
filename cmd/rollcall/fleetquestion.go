package main

import (
	"fmt"
	"slices"
	"strings"

	"rollcall/pipeline"
)

// approve asks once whether the fleet is meant, if it writes to a real tenant.
func (r *fleetRun) approve(left []*fleetJob) error {
	real := slices.DeleteFunc(slices.Clone(left), func(j *fleetJob) bool { return !j.found.Real })
	if r.flags.yes || r.plan.Run == "audit" || len(real) == 0 {
		return nil
	}
	return r.app.confirm(r.interrupts, fleetQuestion(real, r.dir))
}

// fleetQuestion asks for the changes of jobs on real tenants, and says what they
// change besides and whether that can be undone.
func fleetQuestion(jobs []*fleetJob, dir string) string {
	var changes, moved, names, lost []string
	users := 0
	for _, j := range jobs {
		names = append(names, j.Name)
		changes = append(changes, j.found.Change)
		moved = append(moved, j.found.Moved...)
		users += j.found.Roster.Users
		if !j.found.Befores {
			lost = append(lost, j.Name)
		}
	}
	unique := func(list []string) []string {
		slices.Sort(list)
		return slices.Compact(list)
	}
	text := fmt.Sprintf("Set %s for %s on %s (%s)?", some(unique(changes)), pipeline.Plural(users, "user"), pipeline.Plural(len(jobs), "tenant"), some(names))
	if moved = unique(moved); moved != nil {
		text += fmt.Sprintf(" That changes %s as well.", strings.Join(moved, ", "))
	}
	if lost != nil {
		return text + fmt.Sprintf(" No value before is read or recorded on %s, so that can't be undone there (read-first).", some(lost))
	}
	return text + " The values before are recorded in " + dir + ", from which undo puts them back."
}

package main

import (
	"slices"

	"rollcall/pipeline/fleet/queue"
)

// unended returns those of the tenants of a fleet that have not ended, and says of the
// others that they have: no names are those of all. If none is left, there is nothing to
// be done.
func unended(a *app, st *queue.FleetState, names []string) (left []string, ended bool) {
	over := func(j *queue.TenantState) bool { return j.State == queue.Ended || j.State == queue.Lost }
	left = chosen(st, names, func(j *queue.TenantState) bool { return !over(j) })
	if len(names) == 0 {
		if len(left) == 0 {
			a.console.Say("fleet %s has ended already", st.ID)
			return nil, true
		}
		return nil, false // all, those included that come back
	}
	for _, name := range chosen(st, names, over) {
		a.console.Say("fleet %s: %s has ended already", st.ID, name)
	}
	return left, len(left) == 0
}

// isPaused reports whether a tenant is paused, or is about to be: rows in progress are
// finished first.
func isPaused(st *queue.FleetState, j *queue.TenantState) bool {
	wanted := st.Paused || slices.Contains(st.PausedTenants, j.Tenant)
	return j.State == queue.Paused || j.State == queue.Running && wanted
}

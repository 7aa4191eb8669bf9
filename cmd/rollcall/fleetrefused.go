package main

import (
	"fmt"

	"rollcall/pipeline/fleet"
	"rollcall/pipeline/results"
)

// hasResults reports whether rows of a tenant are recorded, or were begun.
func (r *fleetRun) hasResults(tenant string) bool {
	name := r.resultsName(tenant)
	rows, err := fleet.CountRows(name)
	return err != nil || rows.Recorded > 0 || exists(name+".journal")
}

// recount has the record of a tenant that is refused count the rows in its results file,
// if the last run of it was killed: that one has not written what it did.
func (r *fleetRun) recount(t *fleet.TenantRecord) {
	if t.State != fleet.Waiting && t.State != results.Running {
		return
	}
	t.State = fleet.Waiting
	rows, err := fleet.CountRows(r.resultsName(t.Name))
	if err != nil { // all.csv can't be written then, either, which is said
		return
	}
	rows.Total = t.Rows.Total
	t.Rows = rows
}

// refused returns the names of the tenants that were.
func (r *fleetRun) refused() (names []string) {
	for _, t := range r.record.Tenants {
		if t.Refused != "" {
			names = append(names, t.Name)
		}
	}
	return names
}

// refusal returns the error of tenants that were refused, or nil.
func (r *fleetRun) refusal() error {
	names := r.refused()
	if names == nil {
		return nil
	}
	return &exit{status: exitError, err: fmt.Errorf("results directory %s: what it has of %s is of another roster, change or tenant", r.dir, some(names)),
		hint: "--results DIR names another one, which need not be there; with the fleet file and the rosters as they were this one goes on"}
}

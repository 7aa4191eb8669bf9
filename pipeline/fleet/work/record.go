package work

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"rollcall/pipeline/fleet"
	"rollcall/pipeline/fleet/queue"
	"rollcall/pipeline/results"
)

// RecordOf returns what there is to say of a fleet in the queue, as far as the queue
// knows it: not Version, User, Host, Finished, Exit and Reason.
func RecordOf(s *queue.FleetState) (*fleet.Record, error) {
	r := &fleet.Record{Schema: fleet.RecordSchema, Name: s.Name, Run: s.Run, Started: s.Submitted, State: results.Running}
	for i := range s.Jobs {
		t, err := tenantOf(&s.Jobs[i])
		if err != nil {
			return nil, err
		}
		r.Tenants = append(r.Tenants, t)
	}
	r.Sum()
	return r, nil
}

// tenantOf returns what there is to say of a tenant.
func tenantOf(s *queue.TenantState) (fleet.TenantRecord, error) {
	t := fleet.TenantRecord{Name: s.Tenant, Profile: s.Profile, Tenant: s.Target, Noun: s.Noun, Change: s.Change,
		Roster: s.Roster, RosterSHA256: s.RosterSHA256, Results: s.Tenant + ".csv",
		Outcome: fleet.Outcome{State: s.State, Rows: fleet.Rows{Total: s.Rows, ByStatus: map[string]int{}}}}
	switch {
	case s.Outcome != nil:
		if err := json.Unmarshal(s.Outcome, &t.Outcome); err != nil {
			return t, fmt.Errorf("read the outcome of %s: %w", s.Tenant, err)
		}
	case s.Progress != nil:
		p := fleet.Progress{Rows: t.Rows}
		if err := json.Unmarshal(s.Progress, &p); err != nil {
			return t, fmt.Errorf("read the progress of %s: %w", s.Tenant, err)
		}
		t.Rows = p.Rows
	}
	return t, nil
}

// Results writes into dir, which has to be there, what fleet run leaves in its results
// directory: the results of each tenant of a fleet, and all of them in one file. It
// returns the record of the fleet, for the caller to complete and to write there.
func Results(ctx context.Context, q *queue.Queue, s *queue.FleetState, dir string) (*fleet.Record, error) {
	r, err := RecordOf(s)
	if err != nil {
		return nil, err
	}
	for _, t := range r.Tenants {
		if _, err := download(ctx, q, s.ID, t.Name, dir); err != nil {
			return nil, err
		}
	}
	return r, r.WriteAll(dir, slices.ContainsFunc(s.Jobs, func(t queue.TenantState) bool { return isExcel(t.Flags) }))
}

// isExcel reports whether the flags of a job have its results be for Excel.
func isExcel(flags []queue.Flag) bool {
	return slices.ContainsFunc(flags, func(f queue.Flag) bool {
		on, err := strconv.ParseBool(strings.Join(f.Values, ","))
		return f.Name == "excel" && err == nil && on
	})
}

package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"rollcall/pipeline/fleet"
	"rollcall/pipeline/fleet/queue"
	"rollcall/pipeline/results"
	"rollcall/report"
)

// fleetStatus returns how far a fleet on a server is, as it is shown.
func fleetStatus(st *queue.FleetState) *report.FleetStatus {
	s := &report.FleetStatus{ID: st.ID, Name: st.Name, Run: st.Run, By: st.By, Note: st.Note, Schedule: st.Schedule, Submitted: st.Submitted,
		Parallel: st.Parallel, Takeover: st.Takeover.Seconds()}
	stopped := false
	for i := range st.Jobs {
		t := tenantStatus(&st.Jobs[i])
		if t.State == queue.Ended && t.WithFleet {
			t.State, stopped = report.FleetStopped, true
		}
		s.Tenants = append(s.Tenants, t)
	}
	s.Sum()
	switch {
	case !st.Accepted:
		s.Reason = "it was not submitted as a whole: no worker takes it"
	case st.Stopped != "":
		s.Reason = "stopped: " + st.Stopped
	case st.Cancelled:
		s.Reason = "cancelled"
	case st.Paused:
		s.Reason = "paused"
	}
	if s.Ended() {
		status := worstOf(s)
		if stopped {
			status = exitGuard
		}
		s.Exit = &status
	}
	return s
}

// tenantStatus returns how far a tenant is.
func tenantStatus(j *queue.TenantState) report.FleetTenantStatus {
	t := report.FleetTenantStatus{Name: j.Tenant, State: j.State, Worker: j.Worker, Epoch: j.Epoch, Profile: j.Profile, Tenant: j.Target,
		Noun: j.Noun, Change: j.Change, Roster: j.Roster}
	t.Outcome = fleet.Outcome{State: fleet.Waiting}
	switch j.State {
	case queue.Ended:
		if err := json.Unmarshal(j.Outcome, &t.Outcome); err != nil {
			t.Outcome = unreadable(err)
		}
	case queue.Lost:
		status := exitError
		t.Outcome = fleet.Outcome{State: results.Errored, Reason: "the server has lost the job: rollcall fleet continue submits it again", Exit: &status}
	case queue.Running:
		t.Outcome.State = results.Running
		if silent := j.Silent.Seconds(); silent > 0 {
			t.Silent = &silent
		}
		fallthrough
	default:
		var p fleet.Progress
		if j.Progress != nil && json.Unmarshal(j.Progress, &p) == nil {
			t.Rows = p.Rows
			if j.State == queue.Running {
				t.RowsPerSecond = &p.RowsPerSecond
			}
		}
	}
	if j.State == queue.Waiting {
		t.Reason = waitingReason(j)
	}
	if t.Rows.Total == 0 {
		t.Rows.Total = j.Rows
	}
	if t.Rows.ByStatus == nil {
		t.Rows.ByStatus = map[string]int{}
	}
	return t
}

// waitingReason says what a tenant waits for, if that is not its turn.
func waitingReason(j *queue.TenantState) string {
	var reasons []string
	switch j.Ending {
	case queue.StopCancelled:
		reasons = append(reasons, "cancelled; what was done waits for a worker (rollcall fleet work) to store it")
	case queue.StopFleet:
		reasons = append(reasons, "stopped with the fleet; what was done waits for a worker (rollcall fleet work) to store it")
	}
	if j.Rejections != nil {
		reasons = append(reasons, "handed back by "+strings.Join(j.Rejections, "; "))
	}
	return strings.Join(reasons, "; ")
}

// unreadable is the outcome in place of one that can't be read.
func unreadable(err error) fleet.Outcome {
	status := exitError
	return fleet.Outcome{State: results.Errored, Reason: fmt.Sprintf("read its outcome: %v", err), Exit: &status}
}

// worstOf returns the exit status of a fleet that has ended: the worst of its tenants'.
func worstOf(s *report.FleetStatus) int {
	worst := exitOK
	for i := range s.Tenants {
		if e := s.Tenants[i].Exit; e != nil && worse(*e, worst) {
			worst = *e
		}
	}
	return worst
}

// fleetRecord completes the record of a fleet on a server.
func fleetRecord(r *fleet.Record, s *report.FleetStatus) {
	r.Version, r.ID, r.Reason, r.Exit = version(), s.ID, s.Reason, s.Exit
	r.User, r.Host, _ = strings.Cut(s.By, "@")
	for i := range s.Tenants {
		t := &s.Tenants[i]
		r.Tenants[i].Outcome = t.Outcome
		if f := t.Finished; s.Ended() && f != nil && (r.Finished == nil || f.After(*r.Finished)) {
			r.Finished = f
		}
	}
	r.State = fleetEnding(s)
	r.Sum()
}

// fleetEnding says in a word how a fleet ended, if it did.
func fleetEnding(s *report.FleetStatus) string {
	switch {
	case !s.Ended():
		return results.Running
	case !slices.ContainsFunc(s.Tenants, func(t report.FleetTenantStatus) bool { return !t.Complete() }):
		return results.Complete
	case *s.Exit == exitInterrupted, *s.Exit == exitTerminated:
		return results.Interrupted
	case *s.Exit == exitGuard:
		return results.Guarded
	}
	return results.Errored
}

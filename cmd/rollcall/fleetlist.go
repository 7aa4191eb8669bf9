package main

import (
	"context"
	"errors"
	"slices"

	"rollcall/pipeline/fleet/queue"
	"rollcall/report"
)

// A fleetList says how far all fleets of a server are, as often as it is asked. What has
// not changed since is not found out again. It may be used by one goroutine at a time.
type fleetList struct {
	queue *queue.Queue
	view  *queue.View
	short bool // of fleets that have ended, the tenants are left out

	known map[string]knownFleet // by ID
}

// A knownFleet is how far a fleet was at a version of the view.
type knownFleet struct {
	version uint64
	status  *report.FleetStatus
}

// all returns how far the fleets are, the newest last.
func (l *fleetList) all(ctx context.Context) (all []*report.FleetStatus, err error) {
	fleets, err := l.queue.Fleets(ctx)
	if err != nil {
		return nil, err
	}
	known := make(map[string]knownFleet)
	for _, f := range fleets {
		k := knownFleet{version: l.view.Version(f.ID)}
		if was, ok := l.known[f.ID]; ok && was.version == k.version && k.version != 0 {
			k = was
		} else if k.status, err = l.status(ctx, f.ID); err != nil {
			return nil, err
		}
		if k.status != nil {
			known[f.ID] = k
			all = append(all, k.status)
		}
	}
	l.known = known
	return all, nil
}

// status returns how far a fleet is, or nil if it was removed meanwhile.
func (l *fleetList) status(ctx context.Context, id string) (*report.FleetStatus, error) {
	st := l.view.State(id)
	if st == nil || slices.ContainsFunc(st.Jobs, func(j queue.TenantState) bool { return j.State == queue.Lost }) { // or the view is behind
		var err error
		st, err = l.queue.State(ctx, id)
		if _, gone := errors.AsType[*queue.NotFoundError](err); gone {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
	}
	s := fleetStatus(st)
	if l.short && s.Ended() {
		s.Tenants = nil
	}
	return s, nil
}

package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// Control changes what people want of a fleet. Change may be called several times, if
// others change it at the same time.
func (q *Queue) Control(ctx context.Context, id string, change func(*Control)) error {
	_, err := q.change(ctx, id, func(r *fleetRecord) { change(&r.Control) })
	return err
}

// change changes the record of a fleet that was accepted.
func (q *Queue) change(ctx context.Context, id string, change func(*fleetRecord)) (fleetRecord, error) {
	for {
		r, rev, err := q.record(ctx, id)
		if err == nil && !r.Accepted {
			err = &NotFoundError{What: "fleet", Name: id}
		}
		if err != nil {
			return r, err
		}
		change(&r)
		b, err := json.Marshal(r)
		if err == nil {
			_, err = q.swap(ctx, q.fleets, id, b, rev)
		}
		if errors.Is(err, errChanged) {
			continue
		}
		if err != nil {
			return r, fmt.Errorf("change fleet %s: %w", id, err)
		}
		return r, nil
	}
}

// jobsOf returns all jobs of a fleet, or a NotFoundError if there is no such fleet, or
// none of its tenants has one of the names.
func (q *Queue) jobsOf(ctx context.Context, id string, names []string) ([]Job, error) {
	if _, _, err := q.record(ctx, id); err != nil {
		return nil, err
	}
	jobs, err := q.list(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if !slices.ContainsFunc(jobs, func(j Job) bool { return j.Tenant == name }) {
			var all []string
			for _, j := range jobs {
				all = append(all, j.Tenant)
			}
			return nil, notFound("tenant", name, all)
		}
	}
	return jobs, nil
}

// Cancel cancels tenants of a fleet, or all if there are none: those at work are stopped
// softly, and those that no worker ever had end with outcome, which has to be JSON. What
// workers had and is free waits for one, which ends it with what its log has.
func (q *Queue) Cancel(ctx context.Context, id string, tenants []string, outcome any) error {
	raw, err := json.Marshal(outcome)
	if err != nil {
		return fmt.Errorf("cancel fleet %s: %w", id, err)
	}
	if _, err := q.jobsOf(ctx, id, tenants); err != nil {
		return fmt.Errorf("cancel fleet %s: %w", id, err)
	}
	r, err := q.change(ctx, id, func(r *fleetRecord) {
		r.CancelOutcome = raw
		if len(tenants) == 0 {
			r.Cancelled, r.CancelledTenants = true, nil
		} else if !r.Cancelled {
			r.CancelledTenants = union(r.CancelledTenants, tenants)
		}
	})
	if err == nil {
		err = q.endFresh(ctx, r)
	}
	if err != nil {
		return fmt.Errorf("cancel fleet %s: %w", id, err)
	}
	return nil
}

// Stop stops a fleet for a reason, unless it is stopped already: its tenants end as those
// that are cancelled do, with outcome.
func (q *Queue) Stop(ctx context.Context, id, reason string, outcome any) error {
	raw, err := json.Marshal(outcome)
	if err != nil {
		return fmt.Errorf("stop fleet %s: %w", id, err)
	}
	r, err := q.change(ctx, id, func(r *fleetRecord) {
		if r.Stopped == "" {
			r.Stopped, r.StopOutcome = reason, raw
		}
	})
	if err == nil {
		err = q.endFresh(ctx, r)
	}
	if err != nil {
		return fmt.Errorf("stop fleet %s: %w", id, err)
	}
	return nil
}

// endFresh ends what is to end of a fleet and was never taken. The others are a worker's.
func (q *Queue) endFresh(ctx context.Context, r fleetRecord) error {
	entries, _, err := q.entriesAndOutcomes(ctx, r.ID)
	if err != nil {
		return err
	}
	for _, e := range entries {
		reason := r.stopReason(e.Tenant)
		switch {
		case !ends(reason) || e.held():
			continue
		case e.Ended:
			err = q.finish(ctx, e.entry, e.revision)
		case e.taken():
			continue
		default:
			err = q.end(ctx, e.entry, e.revision, r.endOutcome(reason))
		}
		if err = ignoreChanged(err); err != nil { // who changed it has seen, or will see, that it is to end
			return err
		}
	}
	return nil
}

// Pause pauses tenants, or all if there are none.
func (c *Control) Pause(tenants []string) {
	if len(tenants) == 0 {
		c.Paused = true
	}
	c.PausedTenants = union(c.PausedTenants, tenants)
}

// Continue has tenants of a fleet, which has all, be neither paused nor cancelled nor
// stopped; none stands for all. What the others were they stay: those of a fleet that
// was stopped are paused.
func (c *Control) Continue(all, tenants []string) {
	if len(tenants) == 0 {
		*c = Control{}
		return
	}
	c.takeUp(all, tenants)
	if c.Paused {
		c.Paused, c.PausedTenants = false, all
	}
	c.PausedTenants = without(c.PausedTenants, tenants)
}

// takeUp is Continue for those that were cancelled or stopped: who is paused stays so.
func (c *Control) takeUp(all, tenants []string) {
	if len(tenants) == 0 {
		tenants = all
	}
	others := without(all, tenants)
	if c.Stopped != "" {
		c.Stopped, c.PausedTenants = "", union(c.PausedTenants, others)
	}
	if c.Cancelled {
		c.Cancelled, c.CancelledTenants = false, others
	}
	c.CancelledTenants = without(c.CancelledTenants, tenants)
}

// union returns the names of two lists, in order and each once.
func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// without returns the names of a that are not in b.
func without(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(name string) bool { return slices.Contains(b, name) })
}

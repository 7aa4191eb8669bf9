package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Again puts jobs of a fleet in the queue again, of some tenants or of all if there are
// none: those that have an outcome which is not complete, and those that are lost. They
// are neither cancelled nor stopped from then on; if the fleet was stopped or cancelled
// its other tenants are paused, or cancelled, one by one. If another fleet has one of
// them the error is a HeldError, and the queue is as it was.
func (q *Queue) Again(ctx context.Context, id string, tenants []string) error {
	return q.again(ctx, id, tenants, (*Control).takeUp)
}

// Continue has tenants of a fleet, or all if there are none, go on: it is Again for them,
// and they are not paused from then on, either.
func (q *Queue) Continue(ctx context.Context, id string, tenants []string) error {
	return q.again(ctx, id, tenants, (*Control).Continue)
}

func (q *Queue) again(ctx context.Context, id string, tenants []string, change func(c *Control, all, tenants []string)) error {
	if err := q.requeueAll(ctx, id, tenants, change); err != nil {
		return fmt.Errorf("put fleet %s in the queue again: %w", id, err)
	}
	return nil
}

func (q *Queue) requeueAll(ctx context.Context, id string, tenants []string, change func(c *Control, all, tenants []string)) error {
	jobs, err := q.jobsOf(ctx, id, tenants)
	if err != nil {
		return err
	}
	now, err := q.serverTime(ctx)
	if err != nil {
		return err
	}
	all := make([]string, len(jobs))
	todo := make(map[string]*requeue)
	for i, j := range jobs {
		all[i] = j.Tenant
		if len(tenants) > 0 && !slices.Contains(tenants, j.Tenant) {
			continue
		}
		if todo[j.Tenant], err = q.prepareRequeue(ctx, j, now); err != nil { // ahead of any change
			return err
		}
	}
	if _, err := q.change(ctx, id, func(r *fleetRecord) { change(&r.Control, all, tenants) }); err != nil {
		return err
	}
	for _, j := range jobs {
		a, wanted := todo[j.Tenant]
		if wanted && a == nil { // it may have ended ahead of the change: as it was to
			a, err = q.prepareRequeue(ctx, j, now)
		}
		for a != nil && err == nil {
			if _, err = q.putEntry(ctx, a.entry, a.revision); err == nil {
				break
			}
			if errors.Is(err, errChanged) { // another was faster
				a, err = q.prepareRequeue(ctx, j, now)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// A requeue is the entry that a job is to be put in the queue with, if there is nothing
// since revision.
type requeue struct {
	entry
	revision uint64
}

// prepareRequeue returns how a job can be put in the queue again, or nil if it is there, or is
// complete; what it meets that was left by others is judged at now, by the server's
// clock. The revision is read ahead of the outcome: so the job has not been in the
// queue since, when it can be put there at that revision.
func (q *Queue) prepareRequeue(ctx context.Context, j Job, now time.Time) (*requeue, error) {
	for {
		was, rev, err := q.marker(ctx, q.jobs, j.Key)
		if err != nil {
			return nil, err
		}
		var e entry
		if was != nil && was.Operation() == jetstream.KeyValuePut {
			if err := json.Unmarshal(was.Value(), &e); err != nil {
				return nil, err
			}
			switch {
			case e.Ended:
				if err := ignoreChanged(q.finish(ctx, e, rev)); err != nil {
					return nil, err
				}
				continue
			case e.Fleet == j.Fleet:
				return nil, nil
			}
			held := q.checkFree(ctx, j, was, now)
			if held == nil {
				continue
			}
			if o, err := q.readOutcome(ctx, j); err != nil || o != nil && isComplete(o.Outcome) {
				return nil, err
			}
			return nil, held
		}
		a := &requeue{entry{Job: j, Epoch: 1}, rev} // of one that is lost there may be a log
		a.free()
		o, err := q.readOutcome(ctx, j)
		switch {
		case err != nil:
			return nil, err
		case o == nil:
		case isComplete(o.Outcome):
			return nil, nil
		default:
			a.Epoch, a.Fresh = o.Epoch+1, o.Fresh || o.Epoch == 0 // later than what ended so
			if !a.Fresh {
				a.Progress = o.Outcome // which says how far it was
			}
		}
		return a, nil
	}
}

// readOutcome returns what came of a job, or nil if nothing is on record.
func (q *Queue) readOutcome(ctx context.Context, j Job) (*keptOutcome, error) {
	found, _, err := q.marker(ctx, q.outcomes, outcomeKey(j.Fleet, j.Tenant))
	if err != nil || found == nil || found.Operation() != jetstream.KeyValuePut {
		return nil, err
	}
	o := new(keptOutcome)
	return o, json.Unmarshal(found.Value(), o)
}

// Restart has a fleet be what f and jobs say, and puts the jobs of left in the queue,
// whatever has become of them; outcomes of the others stay. It is for who is alone on
// the store, and takes from workers that are gone what they had. Cut short, it can be
// made again.
func (q *Queue) Restart(ctx context.Context, f Fleet, jobs []Job, left []string) error {
	if err := f.check(jobs); err != nil {
		return fmt.Errorf("restart fleet %s: %w", f.ID, err)
	}
	if err := q.restart(ctx, f, jobs, left); err != nil {
		return fmt.Errorf("restart fleet %s: %w", f.ID, err)
	}
	return nil
}

func (q *Queue) restart(ctx context.Context, f Fleet, jobs []Job, left []string) error {
	_, rev, err := q.marker(ctx, q.fleets, f.ID)
	if err != nil {
		return err
	}
	r := fleetRecord{Fleet: f}
	write := func() error {
		b, err := json.Marshal(r)
		if err == nil {
			rev, err = q.swap(ctx, q.fleets, f.ID, b, rev)
		}
		return err
	}
	if err := write(); err != nil { // nobody takes a job from here on
		return err
	}
	entries, outcomes, err := q.entriesAndOutcomes(ctx, f.ID)
	if err != nil {
		return err
	}
	epochs := make(map[string]uint64) // that the tenants have had
	for tenant, o := range outcomes {
		epochs[tenant] = o.Epoch
	}
	for key, e := range entries {
		epochs[e.Tenant] = max(e.Epoch, epochs[e.Tenant])
		if e.Ended {
			if err := q.keep(ctx, e.entry); err != nil {
				return err
			}
		}
		if err := q.remove(ctx, q.jobs, key, e.revision); err != nil {
			return err
		}
	}
	if err := q.putList(ctx, f.ID, jobs); err != nil {
		return err
	}
	var todo []entry
	for _, j := range jobs {
		if slices.Contains(left, j.Tenant) {
			e := entry{Job: j, Epoch: epochs[j.Tenant] + 1}
			e.free()
			todo = append(todo, e)
		}
	}
	now, _, err := q.marker(ctx, q.fleets, f.ID)
	if err != nil {
		return err
	}
	if now == nil {
		return errStale
	}
	if err := q.create(ctx, todo, now.Created()); err != nil {
		return err
	}
	r.Accepted, r.Order, r.Submitted = true, rev, now.Created()
	return write()
}

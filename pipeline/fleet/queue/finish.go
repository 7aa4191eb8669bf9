package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// end ends a job that nobody holds.
func (q *Queue) end(ctx context.Context, e entry, rev uint64, raw json.RawMessage) error {
	e.Ended, e.Outcome, e.Since = true, raw, time.Now().UTC()
	rev, err := q.putEntry(ctx, e, rev)
	if err != nil {
		return err
	}
	return q.finish(ctx, e, rev)
}

// finish takes a job that has ended, and whose entry is at revision rev, out of the
// queue: its outcome is kept, then the log of a complete job is removed, then the entry,
// so that whoever meets the entry does what is left. Several may do that for one job at
// once.
func (q *Queue) finish(ctx context.Context, e entry, rev uint64) error {
	if err := q.keep(ctx, e); err != nil {
		return err
	}
	if isComplete(e.Outcome) {
		if err := q.purgeLog(ctx, e.Fleet, e.Tenant); err != nil {
			return err
		}
	}
	if err := q.remove(ctx, q.jobs, e.Key, rev); err != nil {
		return fmt.Errorf("remove the job of %s: %w", e.Tenant, err)
	}
	return nil
}

// Fleet returns the fleet with an ID, or a NotFoundError.
func (q *Queue) Fleet(ctx context.Context, id string) (*Fleet, error) {
	r, _, err := q.record(ctx, id)
	return &r.Fleet, err
}

// Outcomes returns what came of those tenants of a fleet that have ended and were not put
// in the queue again since. It has all that was on record when it was called.
func (q *Queue) Outcomes(ctx context.Context, id string) (map[string]json.RawMessage, error) {
	v, err := q.sharedView(ctx)
	if err != nil {
		return nil, err
	}
	found, err := values[keptOutcome](ctx, q, q.outcomes, outcomeKey(id, "*"))
	if err != nil {
		return nil, fmt.Errorf("read the outcomes of fleet %s: %w", id, err)
	}
	again := v.epochs(id) // an entry that is about to be removed is older than its outcome
	outcomes := make(map[string]json.RawMessage)
	for key, o := range found {
		if tenant := key[len(id)+1:]; o.value.Epoch >= again[tenant] {
			outcomes[tenant] = o.value.Outcome
		}
	}
	return outcomes, nil
}

// keep keeps the outcome of a job that has ended, unless there is a later one.
func (q *Queue) keep(ctx context.Context, e entry) error {
	b, err := json.Marshal(keptOutcome{Epoch: e.Epoch, Fresh: e.Fresh, Worker: e.Worker, Since: e.Since, Outcome: e.Outcome})
	if err != nil {
		return err
	}
	key := outcomeKey(e.Fleet, e.Tenant)
	for look := e.Epoch > 1; ; look = true { // most jobs have no outcome of before
		var was jetstream.KeyValueEntry
		var rev uint64
		var err error
		if look {
			was, rev, err = q.marker(ctx, q.outcomes, key)
		}
		if was != nil {
			var o keptOutcome
			if was.Operation() == jetstream.KeyValuePut && json.Unmarshal(was.Value(), &o) == nil && o.Epoch >= e.Epoch {
				return nil
			}
		}
		if err == nil {
			_, err = q.swap(ctx, q.outcomes, key, b, rev)
		}
		if errors.Is(err, errChanged) {
			continue
		}
		if err != nil {
			return fmt.Errorf("keep the outcome of %s: %w", e.Tenant, err)
		}
		return nil
	}
}

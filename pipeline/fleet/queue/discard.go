package queue

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"github.com/nats-io/nats.go/jetstream"
)

// discard removes all there is of a fleet that is not accepted. One that is accepted
// meanwhile stays as it is.
func (q *Queue) discard(ctx context.Context, id string) error {
	r, rev, err := q.revoke(ctx, id)
	if err != nil || r.Accepted || rev == 0 {
		return err
	}
	return q.clear(ctx, id, rev, func(*entry) bool { return true })
}

// revoke sees to it that a fleet that is not accepted never is. It returns what there is
// of the fleet, and its revision, which is 0 if there is nothing.
func (q *Queue) revoke(ctx context.Context, id string) (r fleetRecord, rev uint64, err error) {
	for {
		r, rev, err = q.record(ctx, id)
		if _, gone := errors.AsType[*NotFoundError](err); gone {
			return fleetRecord{}, 0, nil
		}
		if err != nil || r.Accepted {
			return r, rev, err
		}
		r.Cancelled, r.Note = true, "submit was cut short"
		b, err := json.Marshal(r)
		if err == nil {
			rev, err = q.swap(ctx, q.fleets, id, b, rev)
		}
		if !errors.Is(err, errChanged) {
			return r, rev, err
		}
	}
}

// clear removes those jobs of a fleet that match, and then its list and its record, if
// that is at a revision. Without a record, a revision of 0, there may be another of the
// same ID soon, whose list that is.
func (q *Queue) clear(ctx context.Context, id string, rev uint64, match func(*entry) bool) error {
	there, err := q.snapshot(ctx, q.jobs, jetstream.AllKeys)
	if err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(there)) {
		var e entry
		found := there[key]
		if found.Operation() != jetstream.KeyValuePut || json.Unmarshal(found.Value(), &e) != nil || e.Fleet != id || !match(&e) {
			continue
		}
		if err := ignoreChanged(q.remove(ctx, q.jobs, key, found.Revision())); err != nil {
			return err
		}
	}
	if rev == 0 {
		return nil
	}
	if err := q.Delete(ctx, listName(id)); err != nil {
		return err
	}
	return ignoreChanged(q.remove(ctx, q.fleets, id, rev))
}

package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// create creates entries, or returns a HeldError for the first whose key another has.
// Those that it has created by then stay.
func (q *Queue) create(ctx context.Context, entries []entry, now time.Time) error {
	there, err := q.snapshot(ctx, q.jobs, jetstream.AllKeys)
	if err != nil {
		return err
	}
	for _, e := range entries { // most of what can be wrong is found ahead of a change
		if err := q.checkFree(ctx, e.Job, there[e.Key], now); err != nil {
			return err
		}
	}
	revs := make([]uint64, len(entries))
	for i, e := range entries {
		if was := there[e.Key]; was != nil && was.Operation() != jetstream.KeyValuePut {
			revs[i] = was.Revision()
		}
	}
	const window = 256 // sent and not answered yet
	acks := make([]jetstream.PubAckFuture, len(entries))
	for i := 0; i < len(entries)+window; i++ {
		if i < len(entries) {
			if acks[i], err = q.createLater(entries[i], revs[i]); err != nil {
				acks[i] = nil // and the slow way is taken
			}
		}
		if k := i - window; k >= 0 && k < len(entries) {
			if err := q.created(ctx, entries[k], revs[k], acks[k], now); err != nil {
				await(acks[k+1:])
				return err
			}
		}
	}
	return nil
}

// await waits until what was sent has an answer, for a while: until then it can still
// be carried out.
func await(acks []jetstream.PubAckFuture) {
	over := time.After(callTimeout)
	for _, ack := range acks {
		if ack == nil {
			continue
		}
		select {
		case <-ack.Ok():
		case <-ack.Err():
		case <-over:
			return
		}
	}
}

// createLater begins to create an entry at a revision.
func (q *Queue) createLater(e entry, rev uint64) (jetstream.PubAckFuture, error) {
	b, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	m := &nats.Msg{Subject: "$KV." + q.jobs.Bucket() + "." + e.Key, Data: b, Header: nats.Header{}}
	m.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(rev, 10))
	return q.js.PublishMsgAsync(m, jetstream.WithRetryAttempts(0))
}

// created waits until an entry is created. Whatever the answer was, or if there was
// none, it is created a second time: the revision makes that harmless.
func (q *Queue) created(ctx context.Context, e entry, rev uint64, ack jetstream.PubAckFuture, now time.Time) error {
	if ack != nil {
		select {
		case <-ack.Ok():
			return nil
		case <-ack.Err():
		case <-time.After(callTimeout):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	for {
		_, err := q.putEntry(ctx, e, rev)
		if !errors.Is(err, errChanged) {
			return err
		}
		was, _, err := q.marker(ctx, q.jobs, e.Key)
		if err == nil {
			err = q.checkFree(ctx, e.Job, was, now)
		}
		if err == nil {
			_, rev, err = q.marker(ctx, q.jobs, e.Key)
		}
		if err != nil {
			return err
		}
	}
}

// checkFree returns a HeldError if what is found under the key of a job is another's.
// What is over, or was left by a Submit that was cut short, is taken away.
func (q *Queue) checkFree(ctx context.Context, j Job, found jetstream.KeyValueEntry, now time.Time) error {
	if found == nil || found.Operation() != jetstream.KeyValuePut {
		return nil
	}
	var holder entry
	if err := json.Unmarshal(found.Value(), &holder); err != nil {
		return fmt.Errorf("read the job of %s: %w", j.Tenant, err)
	}
	held := &HeldError{Job: j, Holder: holder.Job, Since: holder.Since}
	if holder.Ended {
		return ignoreChanged(q.finish(ctx, holder, found.Revision()))
	}
	if now.Sub(found.Created()) < abandonedAfter || holder.Worker != "" {
		return held
	}
	of, _, err := q.record(ctx, holder.Fleet)
	switch _, gone := errors.AsType[*NotFoundError](err); {
	case gone:
		return ignoreChanged(q.remove(ctx, q.jobs, holder.Key, found.Revision()))
	case err != nil:
		return err
	case of.Accepted:
		return held
	}
	return q.discard(ctx, holder.Fleet)
}

// ignoreChanged is err, or nil for errChanged.
func ignoreChanged(err error) error {
	if errors.Is(err, errChanged) {
		return nil
	}
	return err
}

package queue

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A HeldError says that another fleet works on what a job is for.
type HeldError struct {
	Job, Holder Job
	Since       time.Time // that it was submitted, or taken last
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("%s: %s is that of tenant %s of the fleet %s", e.Job.Tenant, cmp.Or(e.Job.Holds, "what it works on"), e.Holder.Tenant, e.Holder.Fleet)
}

// abandonedAfter is how long a fleet may be on its way into the queue, by the server's
// clock: what is not accepted by then can be cleared away by others.
const abandonedAfter = time.Minute

// errExists says that a fleet's ID is that of another, or of itself.
var errExists = errors.New("there is one of that ID")

// plainToken is what names can be that stand in keys and subjects.
var plainToken = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)

// listName is what the list of the jobs of a fleet is called in the store.
func listName(id string) string { return "fleets/" + id }

// Submit puts the jobs of a fleet in the queue, all or none. Of a fleet that has
// another's tenant it returns a HeldError.
//
// Until all jobs are there the fleet is not accepted, and nobody works on it. What a
// Submit leaves that was cut short is cleared away by Submit of what it holds, and by
// Clear.
func (q *Queue) Submit(ctx context.Context, f Fleet, jobs []Job) error {
	if err := f.check(jobs); err != nil {
		return fmt.Errorf("submit fleet %s: %w", f.ID, err)
	}
	if err := q.submit(ctx, f, jobs); err != nil {
		return fmt.Errorf("submit fleet %s: %w", f.ID, err)
	}
	return nil
}

// check returns an error if f can't be a fleet of jobs, whose fleet it sets.
func (f *Fleet) check(jobs []Job) error {
	switch {
	case !plainToken.MatchString(f.ID):
		return fmt.Errorf("ID %q: want letters, digits, - and _", f.ID)
	case f.Parallel < 1:
		return fmt.Errorf("parallel %d: want 1 or more", f.Parallel)
	case f.Takeover < time.Second:
		return fmt.Errorf("takeover %v: want 1s or more", f.Takeover)
	case len(jobs) == 0:
		return errors.New("it has no tenants")
	}
	tenants, keys := make(map[string]bool), make(map[string]string)
	for i := range jobs {
		j := &jobs[i]
		j.Fleet = f.ID
		switch {
		case !plainToken.MatchString(j.Tenant):
			return fmt.Errorf("tenant %q: want letters, digits, - and _", j.Tenant)
		case !plainToken.MatchString(j.Key):
			return fmt.Errorf("tenant %s: key %q: want letters, digits, - and _", j.Tenant, j.Key)
		case tenants[j.Tenant]:
			return fmt.Errorf("tenant %s: it is there twice", j.Tenant)
		case keys[j.Key] != "":
			return fmt.Errorf("tenant %s: %s is that of tenant %s", j.Tenant, j.Holds, keys[j.Key])
		}
		tenants[j.Tenant], keys[j.Key] = true, j.Tenant
	}
	f.Tenants, f.Accepted = len(jobs), false
	return nil
}

func (q *Queue) submit(ctx context.Context, f Fleet, jobs []Job) (err error) {
	record := fleetRecord{Fleet: f}
	b, err := json.Marshal(record)
	if err != nil {
		return err
	}
	var was jetstream.KeyValueEntry
	if err := q.repeat(ctx, callTimeout, func(ctx context.Context) (err error) { was, err = q.latest(ctx, q.fleets, f.ID); return err }); err != nil {
		return err
	}
	var rev uint64
	if was != nil {
		if was.Operation() == jetstream.KeyValuePut {
			return errExists
		}
		rev = was.Revision()
	}
	if rev, err = q.swap(ctx, q.fleets, f.ID, b, rev); errors.Is(err, errChanged) {
		return errExists
	} else if err != nil {
		return err
	}
	defer func() {
		if err != nil { // also if ctx is over
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 8*callTimeout)
			defer cancel()
			err = errors.Join(err, q.discard(ctx, f.ID))
		}
	}()
	var mine jetstream.KeyValueEntry
	if err := q.repeat(ctx, callTimeout, func(ctx context.Context) (err error) { mine, err = q.latest(ctx, q.fleets, f.ID); return err }); err != nil {
		return err
	}
	if mine == nil || mine.Revision() != rev {
		return errStale
	}
	if err := q.putList(ctx, f.ID, jobs); err != nil {
		return err
	}
	entries := make([]entry, len(jobs))
	for i, j := range jobs {
		entries[i] = entry{Job: j, Since: mine.Created()}
	}
	if err := q.create(ctx, entries, mine.Created()); err != nil {
		return err
	}
	record.Accepted, record.Order, record.Submitted = true, rev, mine.Created()
	if b, err = json.Marshal(record); err != nil {
		return err
	}
	if _, err := q.swap(ctx, q.fleets, f.ID, b, rev); errors.Is(err, errChanged) {
		return fmt.Errorf("it took longer than %v, and was cleared away", abandonedAfter)
	} else if err != nil {
		return err
	}
	return nil
}

// putList stores the list of a fleet's jobs.
func (q *Queue) putList(ctx context.Context, id string, jobs []Job) error {
	b, err := json.Marshal(jobs)
	if err != nil {
		return err
	}
	return q.Put(ctx, listName(id), bytes.NewReader(b))
}

// list returns the jobs of a fleet, in their order.
func (q *Queue) list(ctx context.Context, id string) (jobs []Job, err error) {
	var b bytes.Buffer
	if err := q.Get(ctx, listName(id), &b); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b.Bytes(), &jobs); err != nil {
		return nil, fmt.Errorf("read the jobs of fleet %s: %w", id, err)
	}
	return jobs, nil
}

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
		var was jetstream.KeyValueEntry
		if err := q.repeat(ctx, callTimeout, func(ctx context.Context) (err error) { was, err = q.latest(ctx, q.jobs, e.Key); return err }); err != nil {
			return err
		}
		if err := q.checkFree(ctx, e.Job, was, now); err != nil {
			return err
		}
		if was, rev, err = q.marker(ctx, e.Key); err != nil {
			return err
		}
	}
}

// marker returns the last entry of a key, and the revision at which it can be created.
func (q *Queue) marker(ctx context.Context, key string) (was jetstream.KeyValueEntry, rev uint64, err error) {
	err = q.repeat(ctx, callTimeout, func(ctx context.Context) (err error) { was, err = q.latest(ctx, q.jobs, key); return err })
	if was != nil {
		rev = was.Revision()
	}
	return was, rev, err
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

// discard removes all there is of a fleet that is not accepted. One that is accepted
// meanwhile stays as it is.
func (q *Queue) discard(ctx context.Context, id string) error {
	r, rev, err := q.record(ctx, id)
	if _, gone := errors.AsType[*NotFoundError](err); gone {
		return nil
	}
	if err != nil {
		return err
	}
	if r.Accepted {
		return nil
	}
	// It can't be accepted any more from here on.
	r.Cancelled, r.Note = true, "submit was cut short"
	b, err := json.Marshal(r)
	if err == nil {
		rev, err = q.swap(ctx, q.fleets, id, b, rev)
	}
	if err != nil {
		return ignoreChanged(err)
	}
	there, err := q.snapshot(ctx, q.jobs, jetstream.AllKeys)
	if err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(there)) {
		var e entry
		if found := there[key]; found.Operation() == jetstream.KeyValuePut && json.Unmarshal(found.Value(), &e) == nil && e.Fleet == id {
			if err := ignoreChanged(q.remove(ctx, q.jobs, key, found.Revision())); err != nil {
				return err
			}
		}
	}
	if err := q.Delete(ctx, listName(id)); err != nil {
		return err
	}
	return ignoreChanged(q.remove(ctx, q.fleets, id, rev))
}

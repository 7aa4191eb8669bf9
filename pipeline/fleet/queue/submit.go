package queue

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

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

// ErrMaybeSubmitted is the cause of the error of a fleet that was submitted for all that
// can be known: the server did not answer.
var ErrMaybeSubmitted = errors.New("it may have been submitted")

// giveUpTimeout is how long a Submit tries to clear away what it has done.
const giveUpTimeout = 8 * callTimeout

// plainToken is what names can be that stand in keys and subjects.
var plainToken = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)

// listName is what the list of the jobs of a fleet is called in the store.
func listName(id string) string { return "fleets/" + id }

// Submit puts the jobs of a fleet in the queue, all or none. Of a fleet that has
// another's tenant it returns a HeldError. Whatever the error is, nothing was submitted,
// unless it is ErrMaybeSubmitted.
//
// Until all jobs are there the fleet is not accepted, and nobody works on it. What a
// Submit leaves that was cut short is cleared away by Submit of what it holds, and by
// the server.
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

func (q *Queue) submit(ctx context.Context, f Fleet, jobs []Job) error {
	rev, at, err := q.announce(ctx, f)
	if err != nil {
		return err
	}
	tried := false
	if err = q.fill(ctx, f.ID, jobs, at); err == nil {
		tried, err = true, q.accept(ctx, f, rev, at)
	}
	if err == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveUpTimeout)
	defer cancel()
	return q.giveUp(ctx, f.ID, rev, at, tried, err)
}

// announce creates the record of a fleet that is not accepted yet, and returns its
// revision and the time of the server.
func (q *Queue) announce(ctx context.Context, f Fleet) (rev uint64, at time.Time, err error) {
	was, rev, err := q.marker(ctx, q.fleets, f.ID)
	if err != nil {
		return 0, at, err
	}
	if was != nil && was.Operation() == jetstream.KeyValuePut {
		return 0, at, errExists
	}
	b, err := json.Marshal(fleetRecord{Fleet: f})
	if err != nil {
		return 0, at, err
	}
	if rev, err = q.swap(ctx, q.fleets, f.ID, b, rev); errors.Is(err, errChanged) {
		return 0, at, errExists
	} else if err != nil {
		return 0, at, err
	}
	mine, now, err := q.marker(ctx, q.fleets, f.ID)
	if err != nil {
		return 0, at, err
	}
	if now != rev {
		return 0, at, errStale
	}
	return rev, mine.Created(), nil
}

// fill puts the list and the jobs of a fleet in the store.
func (q *Queue) fill(ctx context.Context, id string, jobs []Job, at time.Time) error {
	if err := q.putList(ctx, id, jobs); err != nil {
		return err
	}
	entries := make([]entry, len(jobs))
	for i, j := range jobs {
		entries[i] = entry{Job: j, Since: at}
	}
	return q.create(ctx, entries, at)
}

// accept has a fleet be worked on that was announced at a revision.
func (q *Queue) accept(ctx context.Context, f Fleet, rev uint64, at time.Time) error {
	f.Accepted, f.Submitted = true, at
	b, err := json.Marshal(fleetRecord{Fleet: f, Order: rev})
	if err != nil {
		return err
	}
	_, err = q.swap(ctx, q.fleets, f.ID, b, rev)
	if errors.Is(err, errChanged) {
		return fmt.Errorf("it took longer than %v, and was cleared away", abandonedAfter)
	}
	return err
}

// giveUp clears away a fleet that was announced at a revision, and returns err, which is
// why. If accept was tried the fleet may be accepted after all: then it returns nil, and
// if that can't be found out ErrMaybeSubmitted.
func (q *Queue) giveUp(ctx context.Context, id string, rev uint64, at time.Time, tried bool, err error) error {
	r, now, rerr := q.revoke(ctx, id)
	switch {
	case rerr != nil && tried:
		return fmt.Errorf("%w: %w", ErrMaybeSubmitted, err)
	case rerr != nil:
		return errors.Join(err, rerr)
	case r.Accepted && r.Order == rev:
		return nil
	case r.Accepted: // another's, of the same ID
		return err
	}
	return errors.Join(err, q.clear(ctx, id, now, func(e *entry) bool { return now != 0 || e.Since.Equal(at) }))
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

package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// garbageAge is how old what nothing needs has to be, to be removed: who stores a roster
// needs it only when the fleet is submitted.
const garbageAge = 24 * time.Hour

// A collector removes what nothing in the store needs any more: rosters of fleets that were
// removed, parts of files that were replaced, markers of keys that were deleted, and what
// those left whose processes were killed, or who did not know yet that their fleet was
// gone. It goes only if it was not needed the time before, either.
type collector struct {
	q      *Queue
	unused map[string]bool // the time before; names of files, or subjects
	now    map[string]bool // this time
}

func newCollector(q *Queue) *collector { return &collector{q: q} }

// run collects once; files that were stored since a time of the server's clock stay.
func (c *collector) run(ctx context.Context, before time.Time) error {
	c.now = make(map[string]bool)
	needed, err := c.q.needed(ctx)
	errs := []error{err}
	if err == nil {
		errs = append(errs, c.files(ctx, needed, before), c.entries(ctx, needed, before))
	}
	if needed != nil { // all fleets are known at least
		errs = append(errs,
			c.parts(ctx, before),
			c.markers(ctx, "KV_fleets", c.q.fleets, nil, before),
			c.subjects(ctx, journalStream, journalSubject, needed),
			c.subjects(ctx, "KV_outcomes", "$KV.outcomes.", needed))
	}
	c.unused = c.now
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("collect the garbage of the store: %w", cause(err))
	}
	return nil
}

// unusedTwice notes that nothing needs something, and reports whether that was so before.
func (c *collector) unusedTwice(name string) bool {
	c.now[name] = true
	return c.unused[name]
}

// files removes files that nothing needs.
func (c *collector) files(ctx context.Context, needed *needs, before time.Time) error {
	names, err := c.q.fileNames(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		id, _ := ownerOf(name)
		if needed.files[name] || needed.fleets[id] || !c.unusedTwice(name) {
			continue
		}
		h, err := c.q.head(ctx, name)
		if err == nil && h.seq != 0 && h.since.Before(before) {
			_, err = c.q.deleteHead(ctx, h) // unless somebody asked for it since
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// parts removes parts of files that have no head.
func (c *collector) parts(ctx context.Context, before time.Time) error {
	subjects, err := c.q.subjects(ctx, filesStream, partSubject+">")
	if err != nil || len(subjects) == 0 {
		return err
	}
	names, err := c.q.fileNames(ctx)
	if err != nil {
		return err
	}
	heads := make(map[string]bool)
	for _, name := range names {
		h, err := c.q.head(ctx, name)
		if err != nil {
			return err
		}
		heads[h.ID] = true
	}
	for _, subject := range subjects {
		id, _, _ := strings.Cut(strings.TrimPrefix(subject, partSubject), ".")
		if heads[id] || !c.unusedTwice(subject) {
			continue
		}
		m, err := c.q.message(ctx, subject)
		if err == nil && m.Time.Before(before) {
			err = c.q.purge(ctx, filesStream, jetstream.WithPurgeSubject(subject))
		}
		if err != nil && !errors.Is(err, ErrNoFile) {
			return err
		}
	}
	return nil
}

// entries removes entries of jobs whose fleet there is none of, as a Submit leaves that
// was too slow, and markers of keys that no fleet has.
func (c *collector) entries(ctx context.Context, needed *needs, before time.Time) error {
	there, err := c.q.snapshot(ctx, c.q.jobs, jetstream.AllKeys)
	if err != nil {
		return err
	}
	for key, found := range there {
		var e entry
		if found.Operation() != jetstream.KeyValuePut || json.Unmarshal(found.Value(), &e) != nil {
			continue
		}
		if needed.fleets[e.Fleet] || !c.unusedTwice("$KV.jobs."+key) || !found.Created().Before(before) {
			continue
		}
		if err := ignoreChanged(c.q.remove(ctx, c.q.jobs, key, found.Revision())); err != nil {
			return err
		}
	}
	return c.markers(ctx, "KV_jobs", c.q.jobs, needed.keys, before)
}

// markers removes the markers of keys that were deleted long ago, but for those to keep:
// who has found a key at a revision can't change it at that any more.
func (c *collector) markers(ctx context.Context, stream string, kv jetstream.KeyValue, keep map[string]bool, before time.Time) error {
	there, err := c.q.snapshot(ctx, kv, jetstream.AllKeys)
	if err != nil {
		return err
	}
	for key, e := range there {
		if e.Operation() == jetstream.KeyValuePut || keep[key] || !e.Created().Before(before) {
			continue
		}
		// What was put under the key meanwhile stays.
		err := c.q.purge(ctx, stream, jetstream.WithPurgeSubject("$KV."+kv.Bucket()+"."+key), jetstream.WithPurgeSequence(e.Revision()+1))
		if err != nil {
			return err
		}
	}
	return nil
}

// subjects removes what a stream has of fleets that there are not, by subjects that
// have the fleet's ID behind prefix.
func (c *collector) subjects(ctx context.Context, stream, prefix string, needed *needs) error {
	subjects, err := c.q.subjects(ctx, stream, prefix+">")
	if err != nil {
		return err
	}
	for _, subject := range subjects {
		id, _, _ := strings.Cut(strings.TrimPrefix(subject, prefix), ".")
		if needed.fleets[id] || !c.unusedTwice(subject) {
			continue
		}
		if err := c.q.purge(ctx, stream, jetstream.WithPurgeSubject(subject)); err != nil {
			return err
		}
	}
	return nil
}

package queue

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

const (
	callTimeout     = 2 * time.Second // of one call to the server, which is then made again
	tryTimeout      = 5 * time.Second // of one that takes longer
	snapshotTimeout = 30 * time.Second
	retryWait       = 100 * time.Millisecond // between two calls
)

// errChanged says that what was to be changed is not at the revision it was expected at.
var errChanged = errors.New("it was changed meanwhile")

// swap puts value under key if what is there is still at revision rev, which is 0 for a
// key that never was. It returns the revision of the value, or errChanged.
//
// A call that was not answered may have been carried out. It is made again, which the
// revision makes harmless, and what is then found says whether it was: so the error is
// never in doubt, but for the error of ctx.
func (q *Queue) swap(ctx context.Context, kv jetstream.KeyValue, key string, value []byte, rev uint64) (uint64, error) {
	var got uint64
	err := q.repeat(ctx, callTimeout, func(ctx context.Context) (err error) {
		got, err = kv.Update(ctx, key, value, rev)
		return q.judge(ctx, kv, key, rev, err, func(e jetstream.KeyValueEntry) bool {
			if e == nil || e.Operation() != jetstream.KeyValuePut || e.Revision() <= rev || !bytes.Equal(e.Value(), value) {
				return false
			}
			got = e.Revision()
			return true
		})
	})
	return got, err
}

// remove deletes key if it is still at revision rev. That it is deleted already is
// no error.
func (q *Queue) remove(ctx context.Context, kv jetstream.KeyValue, key string, rev uint64) error {
	return q.repeat(ctx, callTimeout, func(ctx context.Context) error {
		err := kv.Delete(ctx, key, jetstream.LastRevision(rev))
		return q.judge(ctx, kv, key, rev, err, func(e jetstream.KeyValueEntry) bool {
			return e == nil || e.Operation() != jetstream.KeyValuePut
		})
	})
}

// judge returns what the error of a change of key at revision rev means: nil, if the
// change is what is found, which done reports.
func (q *Queue) judge(ctx context.Context, kv jetstream.KeyValue, key string, rev uint64, err error, done func(jetstream.KeyValueEntry) bool) error {
	if !isChanged(err) {
		return err
	}
	e, err := q.latest(ctx, kv, key)
	switch {
	case err != nil:
		return err
	case done(e):
		return nil
	case e == nil && rev == 0, e != nil && e.Revision() <= rev:
		return errStale
	}
	return errChanged
}

// errStale says that a node of the server answered with what was there before.
var errStale = errors.New("the server is behind")

// latest returns the last entry of key, which may be the marker of a deletion, or nil if
// there never was one.
func (q *Queue) latest(ctx context.Context, kv jetstream.KeyValue, key string) (jetstream.KeyValueEntry, error) {
	e, err := kv.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyDeleted) || errors.Is(err, jetstream.ErrKeyNotFound) {
		// A watch tells the revision of the marker.
		all, err := q.snapshot(ctx, kv, key)
		return all[key], err
	}
	return e, err
}

// marker returns the last entry of key, as latest does, and the revision at which it can
// be changed.
func (q *Queue) marker(ctx context.Context, kv jetstream.KeyValue, key string) (was jetstream.KeyValueEntry, rev uint64, err error) {
	err = q.repeat(ctx, callTimeout, func(ctx context.Context) (err error) { was, err = q.latest(ctx, kv, key); return err })
	if was != nil {
		rev = was.Revision()
	}
	return was, rev, err
}

// serverTime returns what time it is for the server, which entries have from it.
func (q *Queue) serverTime(ctx context.Context) (t time.Time, err error) {
	err = q.repeat(ctx, callTimeout, func(ctx context.Context) error {
		s, err := q.js.Stream(ctx, "KV_"+q.jobs.Bucket())
		if err == nil {
			t = s.CachedInfo().TimeStamp
		}
		return err
	})
	return t, err
}

// snapshot returns the last entries of all keys that match filter, markers of deletions
// as well.
func (q *Queue) snapshot(ctx context.Context, kv jetstream.KeyValue, filter string) (map[string]jetstream.KeyValueEntry, error) {
	all := make(map[string]jetstream.KeyValueEntry)
	prefix := "$KV." + kv.Bucket() + "."
	for want := []string{filter}; len(want) > 0; {
		if err := q.read(ctx, kv, want, all); err != nil {
			return nil, err
		}
		// An entry that is changed while it is read can be missing: the engine then
		// says too early that there are no more.
		subjects, err := q.subjects(ctx, "KV_"+kv.Bucket(), prefix+filter)
		if err != nil {
			return nil, err
		}
		want = want[:0]
		for _, s := range subjects {
			if key := strings.TrimPrefix(s, prefix); all[key] == nil {
				want = append(want, key)
			}
		}
	}
	return all, nil
}

// read adds to all the last entries of the keys that match one of filters, of which those
// may be missing that are changed meanwhile.
func (q *Queue) read(ctx context.Context, kv jetstream.KeyValue, filters []string, all map[string]jetstream.KeyValueEntry) error {
	return q.repeat(ctx, snapshotTimeout, func(ctx context.Context) error {
		w, err := kv.WatchFiltered(ctx, slices.Clone(filters)) // which changes them
		if err != nil {
			return err
		}
		defer w.Stop()
		for {
			select {
			case e, ok := <-w.Updates():
				if !ok {
					return nats.ErrTimeout
				}
				if e == nil {
					return nil
				}
				all[e.Key()] = e
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	})
}

// A versioned value is at a revision.
type versioned[T any] struct {
	value    T
	revision uint64
}

// values returns the values of all keys of a bucket that match filter.
func values[T any](ctx context.Context, q *Queue, kv jetstream.KeyValue, filter string) (map[string]versioned[T], error) {
	found, err := q.snapshot(ctx, kv, filter)
	if err != nil {
		return nil, err
	}
	all := make(map[string]versioned[T])
	for key, e := range found {
		v := versioned[T]{revision: e.Revision()}
		if e.Operation() != jetstream.KeyValuePut {
			continue
		}
		if err := json.Unmarshal(e.Value(), &v.value); err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		all[key] = v
	}
	return all, nil
}

// repeat calls f until it has an answer of the server, or ctx ends. A call that has none
// ends after timeout, or with the connection; it may have been carried out: f has to be
// such that it can be called again.
func (q *Queue) repeat(ctx context.Context, timeout time.Duration, f func(context.Context) error) error {
	for begin, said := time.Now(), false; ; {
		call, cancel := context.WithTimeout(ctx, timeout)
		unlink := context.AfterFunc(q.connection(), cancel)
		err := f(call)
		unlink()
		cancel()
		switch {
		case err == nil || !isUnanswered(err):
			return err
		case ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)):
			return context.Cause(ctx)
		case ctx.Err() != nil:
			return fmt.Errorf("%w (%w)", context.Cause(ctx), cause(err))
		case q.conn.IsClosed():
			return err
		}
		if !said && time.Since(begin) > tryTimeout {
			said = true
			q.log.Warn("the server does not do what it is asked, trying again", zap.Error(cause(err)))
		}
		wait(ctx, retryWait)
	}
}

// retry is repeat for what takes longer.
func (q *Queue) retry(ctx context.Context, f func(context.Context) error) error {
	return q.repeat(ctx, tryTimeout, f)
}

// isChanged reports whether err says that a revision was not as expected.
func isChanged(err error) bool {
	return errors.Is(err, jetstream.ErrKeyRevisionMismatch) || errors.Is(err, jetstream.ErrKeyExists)
}

// isUnanswered reports whether err leaves open what the server has done, or says that
// it can't do anything right now.
func isUnanswered(err error) bool { return errors.Is(err, errStale) || away(err) }

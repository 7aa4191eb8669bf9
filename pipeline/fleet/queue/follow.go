package queue

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

// follow has set called with all that is in a bucket, and with each change of it, until
// the view is closed or the client is. It sends on caughtUp when all was seen once.
func (v *View) follow(kv jetstream.KeyValue, set func(key string, e jetstream.KeyValueEntry), caughtUp chan<- struct{}) {
	known := make(map[string]bool)
	for v.ctx.Err() == nil && !v.q.conn.IsClosed() {
		connection := v.q.connection() // a server that comes back knows of no watch
		w, err := kv.WatchAll(v.ctx)
		if err == nil {
			if v.readWatch(connection, w, set, known, caughtUp) {
				caughtUp = nil
			}
			w.Stop()
		} else if errors.Is(err, nats.ErrConnectionClosed) {
			break
		} else {
			v.q.log.Debug("watch", zap.String("bucket", kv.Bucket()), zap.Error(err))
		}
		select {
		case <-v.ctx.Done():
		case <-time.After(retryWait):
		}
	}
	v.cancel()
}

// readWatch is follow for one watch, which ends with the connection, and reports whether that
// has caught up. Known are the keys that there are.
func (v *View) readWatch(connection context.Context, w jetstream.KeyWatcher, set func(key string, e jetstream.KeyValueEntry), known map[string]bool, caughtUp chan<- struct{}) bool {
	begun := make(map[string]bool) // keys of this watch; nil when it has caught up
	for {
		var e jetstream.KeyValueEntry
		var ok bool
		select {
		case e, ok = <-w.Updates():
			if !ok {
				return begun == nil
			}
		case <-v.ctx.Done():
			return begun == nil
		case <-connection.Done():
			return begun == nil
		}
		v.mu.Lock()
		switch {
		case e == nil:
			for key := range known { // what went while nobody watched
				if begun != nil && !begun[key] {
					set(key, nil)
					delete(known, key)
				}
			}
			begun = nil
			if caughtUp != nil {
				caughtUp <- struct{}{}
				caughtUp = nil
			}
		case e.Operation() == jetstream.KeyValuePut:
			known[e.Key()] = true
			set(e.Key(), e)
			if begun != nil {
				begun[e.Key()] = true
			}
		default:
			delete(known, e.Key())
			set(e.Key(), nil)
		}
		if e != nil && e.Bucket() == v.q.jobs.Bucket() {
			v.revision = max(v.revision, e.Revision())
		}
		close(v.nextChange)
		v.nextChange = make(chan struct{})
		v.mu.Unlock()
		select {
		case v.changed <- struct{}{}:
		default:
		}
	}
}

// fleet returns what the view has of a fleet, and makes it if there is nothing.
func (v *View) fleet(id string) *seenFleet {
	f := v.fleets[id]
	if f == nil {
		f = new(seenFleet)
		v.fleets[id] = f
	}
	return f
}

// note notes that something of a fleet has changed.
func (v *View) note(id string) {
	v.count++
	if f := v.fleets[id]; f != nil {
		f.version = v.count
	}
}

// setFleet takes note of a fleet, or that it is no more.
func (v *View) setFleet(id string, e jetstream.KeyValueEntry) {
	f := v.fleet(id)
	f.fleetRecord = fleetRecord{}
	v.note(id)
	if e != nil {
		f.revision = e.Revision()
	} else {
		if delete(v.lists, id); len(f.jobs) == 0 {
			delete(v.fleets, id)
		}
		return
	}
	if err := json.Unmarshal(e.Value(), &f.fleetRecord); err != nil {
		v.q.log.Error("read a fleet", zap.String("fleet", id), zap.Error(err))
		return
	}
}

// byIndex is the order of the jobs of a fleet.
func byIndex(a, b *seenJob) int {
	return cmp.Or(cmp.Compare(a.Index, b.Index), cmp.Compare(a.Key, b.Key))
}

// setJob takes note of a job's entry, or that it is no more.
func (v *View) setJob(key string, e jetstream.KeyValueEntry) {
	was := v.jobs[key]
	if was != nil && e != nil && was.revision == e.Revision() { // seen before
		return
	}
	if was != nil {
		f := v.fleet(was.Fleet)
		if i, ok := slices.BinarySearchFunc(f.jobs, was, byIndex); ok {
			f.jobs = slices.Delete(f.jobs, i, i+1)
		}
		v.note(was.Fleet)
		if len(f.jobs) == 0 {
			delete(v.lists, was.Fleet)
		}
		if delete(v.jobs, key); len(f.jobs) == 0 && f.ID == "" {
			delete(v.fleets, was.Fleet)
		}
	}
	if e == nil {
		return
	}
	j := &seenJob{revision: e.Revision(), seen: time.Now()}
	if err := json.Unmarshal(e.Value(), &j.entry); err != nil {
		v.q.log.Error("read a job", zap.String("key", key), zap.Error(err))
		return
	}
	j.Key = key
	f := v.fleet(j.Fleet)
	i, _ := slices.BinarySearchFunc(f.jobs, j, byIndex)
	f.jobs = slices.Insert(f.jobs, i, j)
	v.jobs[key] = j
	v.note(j.Fleet)
}

// setOutcome takes note of an outcome, or that it is no more.
func (v *View) setOutcome(key string, e jetstream.KeyValueEntry) {
	var o keptOutcome
	id, _, _ := strings.Cut(key, ".")
	v.note(id)
	if e == nil {
		delete(v.outcomes, key)
	} else if err := json.Unmarshal(e.Value(), &o); err != nil {
		v.q.log.Error("read an outcome", zap.String("key", key), zap.Error(err))
	} else {
		v.outcomes[key] = o
	}
}

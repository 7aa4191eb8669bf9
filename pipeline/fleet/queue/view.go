package queue

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

// A View is what is in the queue, kept up to date until Close. It may be behind, and
// then it is as the queue was.
type View struct {
	q       *Queue
	ctx     context.Context
	cancel  context.CancelFunc
	gone    sync.WaitGroup
	changed chan struct{}

	mu       sync.Mutex
	fleets   map[string]*seenFleet  // by ID; without a record yet they are not accepted
	jobs     map[string]*seenJob    // by key
	outcomes map[string]keptOutcome // by outcomeKey
	lists    map[string][]Job       // of all jobs of a fleet at work, as far as they were asked for
	count    uint64                 // of changes
	revision uint64                 // of bucket jobs, which the view has come to
	turn     chan struct{}          // closed with the next change
}

// Watch returns a View, which has all that was in the queue when it was called.
func (q *Queue) Watch(ctx context.Context) (*View, error) { return q.watch(ctx, true) }

// watch returns a View, with the outcomes or without them.
func (q *Queue) watch(ctx context.Context, outcomes bool) (*View, error) {
	v := &View{q: q, changed: make(chan struct{}, 1), turn: make(chan struct{}),
		fleets: make(map[string]*seenFleet), jobs: make(map[string]*seenJob), outcomes: make(map[string]keptOutcome), lists: make(map[string][]Job)}
	v.ctx, v.cancel = context.WithCancel(context.WithoutCancel(ctx))
	first := make(chan struct{}, 3)
	follow := []func(){
		func() { v.follow(q.fleets, v.setFleet, first) },
		func() { v.follow(q.jobs, v.setJob, first) },
	}
	if outcomes {
		follow = append(follow, func() { v.follow(q.outcomes, v.setOutcome, first) })
	}
	for _, f := range follow {
		v.gone.Go(f)
	}
	for range follow {
		select {
		case <-first:
		case <-ctx.Done():
			v.Close()
			return nil, context.Cause(ctx)
		}
	}
	return v, nil
}

// Changed returns a channel that has something when the view has changed.
func (v *View) Changed() <-chan struct{} { return v.changed }

// Close ends the view.
func (v *View) Close() {
	v.cancel()
	v.gone.Wait()
}

// follow has set called with all that is in a bucket, and with each change of it, until
// the view is closed or the client is. It sends on first when all was seen once.
func (v *View) follow(kv jetstream.KeyValue, set func(key string, e jetstream.KeyValueEntry), first chan<- struct{}) {
	known := make(map[string]bool)
	for v.ctx.Err() == nil && !v.q.conn.IsClosed() {
		connection := v.q.connection() // a server that comes back knows of no watch
		w, err := kv.WatchAll(v.ctx)
		if err == nil {
			if v.drain(connection, w, set, known, first) {
				first = nil
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

// drain is follow for one watch, which ends with the connection, and reports whether that
// has caught up. Known are the keys that there are.
func (v *View) drain(connection context.Context, w jetstream.KeyWatcher, set func(key string, e jetstream.KeyValueEntry), known map[string]bool, first chan<- struct{}) bool {
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
			if first != nil {
				first <- struct{}{}
				first = nil
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
		close(v.turn)
		v.turn = make(chan struct{})
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
	if e == nil {
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

// next returns what a worker is to do next. If that is nothing, there may be something
// after the next change or at wake.
func (v *View) next(worker string, skip func(*seenJob) bool) (c choice, wake time.Time, change <-chan struct{}) {
	v.mu.Lock()
	defer v.mu.Unlock()
	fleets := make([]*seenFleet, 0, len(v.fleets))
	for _, f := range v.fleets {
		fleets = append(fleets, f)
	}
	c, wake = pick(fleets, worker, time.Now(), skip)
	if c.fleet != nil { // it goes on changing
		f := *c.fleet
		c.fleet = &f
	}
	return c, wake, v.turn
}

// ahead returns how many jobs of a fleet were taken ahead of the one with a key, which
// was at revision rev, and are held. The view has to have come to rev, which ahead
// waits for.
func (v *View) ahead(ctx context.Context, fleet, key string, rev uint64) (n int, err error) {
	for {
		v.mu.Lock()
		if v.revision >= rev {
			defer v.mu.Unlock()
			for _, j := range v.fleet(fleet).jobs {
				if j.Key != key && j.held() && cmp.Or(j.Taken, j.revision) < rev {
					n++
				}
			}
			return n, nil
		}
		turn := v.turn
		v.mu.Unlock()
		select {
		case <-turn:
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
}

// epochs returns the epochs of the entries of a fleet, by tenant.
func (v *View) epochs(id string) map[string]uint64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	epochs := make(map[string]uint64)
	if f := v.fleets[id]; f != nil {
		for _, j := range f.jobs {
			epochs[j.Tenant] = j.Epoch
		}
	}
	return epochs
}

// stopReason returns why the job of a tenant is to be stopped, or "".
func (v *View) stopReason(fleet, tenant string) (reason string, change <-chan struct{}) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.fleet(fleet).stopReason(tenant), v.turn
}

// Version returns a number that is another one whenever something of a fleet has changed,
// or 0 if there is no such fleet.
func (v *View) Version(id string) uint64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	if f := v.fleets[id]; f != nil && f.ID != "" {
		return f.version
	}
	return 0
}

// State returns how far a fleet is, or nil if there is none, or it can't be read.
func (v *View) State(id string) *FleetState {
	v.mu.Lock()
	f, list := v.fleets[id], v.lists[id]
	v.mu.Unlock()
	if f == nil {
		return nil
	}
	if list == nil {
		var b bytes.Buffer
		if err := v.q.Get(v.ctx, listName(id), &b); err != nil || json.Unmarshal(b.Bytes(), &list) != nil {
			return nil
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if f = v.fleets[id]; f == nil || f.ID == "" {
		return nil
	}
	if f.Accepted && len(f.jobs) > 0 {
		v.lists[id] = list
	}
	return compose(f.Fleet, list, func(key string) *entry {
		if j := v.jobs[key]; j != nil {
			return &j.entry
		}
		return nil
	}, func(tenant string) (keptOutcome, bool) {
		o, ok := v.outcomes[outcomeKey(id, tenant)]
		return o, ok
	})
}

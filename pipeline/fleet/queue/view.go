package queue

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"sync"
	"time"
)

// A View is what is in the queue, kept up to date until Close. It may be behind, and
// then it is as the queue was.
type View struct {
	q       *Queue
	ctx     context.Context
	cancel  context.CancelFunc
	gone    sync.WaitGroup
	changed chan struct{}

	mu         sync.Mutex
	fleets     map[string]*seenFleet  // by ID; without a record yet they are not accepted
	jobs       map[string]*seenJob    // by key
	outcomes   map[string]keptOutcome // by outcomeKey
	lists      map[string][]Job       // of all jobs of a fleet at work, as far as they were asked for
	count      uint64                 // of changes
	revision   uint64                 // of bucket jobs, which the view has come to
	nextChange chan struct{}          // closed with the next change
}

// Watch returns a View, which has all that was in the queue when it was called.
func (q *Queue) Watch(ctx context.Context) (*View, error) { return q.watch(ctx, true) }

// watch returns a View, with the outcomes or without them.
func (q *Queue) watch(ctx context.Context, outcomes bool) (*View, error) {
	v := &View{q: q, changed: make(chan struct{}, 1), nextChange: make(chan struct{}),
		fleets: make(map[string]*seenFleet), jobs: make(map[string]*seenJob), outcomes: make(map[string]keptOutcome), lists: make(map[string][]Job)}
	v.ctx, v.cancel = context.WithCancel(context.WithoutCancel(ctx))
	caughtUp := make(chan struct{}, 3)
	follow := []func(){
		func() { v.follow(q.fleets, v.setFleet, caughtUp) },
		func() { v.follow(q.jobs, v.setJob, caughtUp) },
	}
	if outcomes {
		follow = append(follow, func() { v.follow(q.outcomes, v.setOutcome, caughtUp) })
	}
	for _, f := range follow {
		v.gone.Go(f)
	}
	for range follow {
		select {
		case <-caughtUp:
		case <-ctx.Done():
			v.Close()
			return nil, context.Cause(ctx)
		}
	}
	v.learnSilences(ctx)
	return v, nil
}

// Changed returns a channel that has something when the view has changed.
func (v *View) Changed() <-chan struct{} { return v.changed }

// Close ends the view.
func (v *View) Close() {
	v.cancel()
	v.gone.Wait()
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
	return c, wake, v.nextChange
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
		next := v.nextChange
		v.mu.Unlock()
		select {
		case <-next:
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
}

// reach waits until the view has come to revision rev of the record of a fleet.
func (v *View) reach(ctx context.Context, id string, rev uint64) error {
	for {
		v.mu.Lock()
		f, next := v.fleets[id], v.nextChange
		reached := f == nil || f.ID == "" || f.revision >= rev
		v.mu.Unlock()
		if reached {
			return nil
		}
		select {
		case <-next:
		case <-ctx.Done():
			return context.Cause(ctx)
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
	return v.fleet(fleet).stopReason(tenant), v.nextChange
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
	return compose(f.Fleet, list, func(key string) (*entry, time.Duration) {
		if j := v.jobs[key]; j != nil {
			return &j.entry, time.Since(j.seen)
		}
		return nil, 0
	}, func(tenant string) (keptOutcome, bool) {
		o, ok := v.outcomes[outcomeKey(id, tenant)]
		return o, ok
	})
}

package pipeline

import (
	"context"
	"sync/atomic"
	"time"
)

// A pool is a number of places. A worker holds one place while it works. It gives the
// place back when it has nothing to do, and when its row has to wait: then another
// worker goes on with other rows.
type pool struct {
	places  chan struct{} // a token for each free place
	waiting atomic.Int32  // parked tasks that want a place again
	busy    *atomic.Int64 // workers that have a row, or look for one
	replace func()        // starts another worker
	idle    func()        // is called when a worker has no row any more
}

func newPool(places int, busy *atomic.Int64, replace, idle func()) *pool {
	p := &pool{places: make(chan struct{}, places), busy: busy, replace: replace, idle: idle}
	for range places {
		p.leave()
	}
	return p
}

// begin is called by a worker that is going to look for rows, and end when it has none.
func (p *pool) begin() {
	p.enter()
	p.busy.Add(1)
}

func (p *pool) end() {
	p.busy.Add(-1)
	p.idle()
	p.leave()
}

// enter blocks until there is a free place, and takes it.
func (p *pool) enter() { <-p.places }

// leave gives a place back.
func (p *pool) leave() { p.places <- struct{}{} }

// receive receives from jobs. It holds no place while jobs is empty: a parked task may
// need one before the next job can come.
func (p *pool) receive(jobs <-chan *task) (t *task, ok bool) {
	select {
	case t, ok = <-jobs:
	default:
		p.end()
		t, ok = <-jobs
		p.begin()
	}
	return t, ok
}

// yield lets a parked task go on, if one waits for a place. Those who wait get places
// in the order in which they asked.
func (p *pool) yield() {
	if p.waiting.Load() > 0 {
		p.leave()
		p.enter()
	}
}

// park waits for d in the middle of t, or until ctx ends or over is closed. It holds no
// place meanwhile. The first time for a task it starts a new worker for the other rows;
// the old worker has to end when t is done.
func (p *pool) park(ctx context.Context, t *task, d time.Duration, over <-chan struct{}) error {
	p.leave()
	if !t.parked {
		t.parked = true
		p.replace()
	}
	err := sleep(ctx, d, over)
	p.waiting.Add(1)
	p.enter()
	p.waiting.Add(-1)
	return err
}

// sleep waits for d, or until ctx ends or over is closed. over may be nil.
func sleep(ctx context.Context, d time.Duration, over <-chan struct{}) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-over:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"rollcall/pipeline"
	"rollcall/pipeline/fleet"
	"rollcall/pipeline/fleet/queue"
	"rollcall/pipeline/fleet/work"
	"rollcall/report"
)

// A fleetState is how far a fleet has come.
type fleetState struct {
	mu      sync.Mutex
	record  fleet.Record
	running map[string]*fleetProgress // by tenant
	todo    int                       // jobs that have not ended
	stopped bool                      // no further row is to be begun
}

// A fleetProgress is how far the job of a tenant has come. Before its run begins that
// is nowhere.
type fleetProgress struct {
	before int // rows that were recorded already
	run    *pipeline.Run
}

// recordEvery is how often the record is brought up to date while a fleet is at work.
const recordEvery = 5 * time.Second

// left returns the jobs that are not done, and are to be.
func (r *fleetRun) left() (left []*fleetJob) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, j := range r.plan.jobs {
		if t := &r.record.Tenants[i]; !t.Complete() && t.Refused == "" {
			left = append(left, j)
		}
	}
	return left
}

// work does n jobs, several at once, or those that can be begun until it is stopped, or ctx
// ends. Every goroutine it starts has returned by the time it does.
func (r *fleetRun) work(ctx context.Context, n int) error {
	if n == 0 {
		return nil
	}
	r.running, r.todo = make(map[string]*fleetProgress), n
	r.interrupts.says(func() string {
		r.mu.Lock()
		defer r.mu.Unlock()
		return fmt.Sprintf("finishing the rows in progress on %s, %s", pipeline.Plural(len(r.running), "tenant"), r.interrupts.atMost())
	})
	over := make(chan struct{})
	var listen sync.WaitGroup
	listen.Go(func() {
		select {
		case <-r.interrupts.stop:
			r.halt()
		case <-over:
		}
	})
	defer func() { close(over); listen.Wait() }()
	defer r.showProgress()()
	defer report.Every(recordEvery, func() {
		if err := r.writeRecord(); err != nil {
			r.log.Debug("record", zap.Error(err)) // the end says so
		}
	}, func() {})()
	w := &work.Worker{Queue: r.queue, Name: "fleet run", Slots: min(n, r.plan.Parallel), Dir: r.dir,
		Prepare: r.prepare, Exit: r.exitOf, Observer: r, Log: r.log}
	err := w.Run(ctx, r.stop)
	if broken, ok := errors.AsType[*queue.BrokenError](context.Cause(ctx)); ok {
		return broken
	}
	return err
}

// halt has no further row begun on any tenant.
func (r *fleetRun) halt() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.stopped {
		r.stopped = true
		r.end()
	}
}

// end ends the work. The caller holds mu.
func (r *fleetRun) end() {
	select {
	case <-r.stop:
	default:
		close(r.stop)
	}
}

// exitOf returns the exit status of a job that ended with err, and why in words.
func (r *fleetRun) exitOf(err error) (status int, reason string) {
	switch status = r.interrupts.status(); {
	case !errors.Is(err, work.ErrDrained):
		return statusOf(err), message(err)
	case status == 0:
		return exitGuard, "stopped with the fleet"
	}
	return status, "interrupted"
}

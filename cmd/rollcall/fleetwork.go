package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"rollcall/pipeline"
	"rollcall/pipeline/fleet"
	"rollcall/pipeline/fleet/queue"
	"rollcall/pipeline/results"
	"rollcall/report"
)

// A fleetState is how far a fleet has come.
type fleetState struct {
	mu      sync.Mutex
	record  fleet.Record
	running map[string]*fleetProgress // by tenant
	stopped bool                      // stop is closed
}

// A fleetProgress is how far the job of a tenant has come. Before its run begins that
// is nowhere.
type fleetProgress struct {
	before int // rows that were recorded already
	run    *pipeline.Run
}

// recordEvery is how often the record is brought up to date while a fleet is at work.
const recordEvery = 5 * time.Second

// left returns the jobs that are not done.
func (r *fleetRun) left() (left []*fleetJob) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, j := range r.plan.jobs {
		if !r.record.Tenants[i].Complete() {
			left = append(left, j)
		}
	}
	return left
}

// work does n jobs, several at once, or those that can be begun until it is stopped.
// Every goroutine it starts has returned by the time it does.
func (r *fleetRun) work(n int) error {
	r.running = make(map[string]*fleetProgress)
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

	ctx, cancel := r.waits()
	defer cancel()
	todo := make(chan struct{}, n)
	for range n {
		todo <- struct{}{}
	}
	close(todo)
	var g errgroup.Group
	for range min(n, r.plan.Parallel) {
		g.Go(func() error {
			for range todo {
				lease, err := r.queue.Next(ctx, hostName())
				if errors.Is(err, errInterrupted) {
					return nil
				}
				if err == nil {
					err = r.carryOut(lease)
				}
				if err != nil {
					r.halt()
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// halt has no further row begun on any tenant.
func (r *fleetRun) halt() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.stopped {
		r.stopped = true
		close(r.stop)
	}
}

// carryOut does the job of a lease, and keeps what came of it.
func (r *fleetRun) carryOut(lease *queue.Lease) error {
	i := slices.IndexFunc(r.plan.jobs, func(j *fleetJob) bool { return j.Name == lease.Tenant })
	if i < 0 {
		return fmt.Errorf("the queue has a job for the tenant %q, which is none of the fleet's", lease.Tenant)
	}
	j := r.plan.jobs[i]
	began := time.Now().UTC()
	r.mu.Lock()
	r.running[j.Name] = new(fleetProgress)
	r.record.Tenants[i].State, r.record.Tenants[i].Started = results.Running, &began
	r.mu.Unlock()

	o := r.runTenant(j, lease)
	now := time.Now().UTC()
	o.Started, o.Finished = &began, &now

	r.mu.Lock()
	delete(r.running, j.Name)
	r.record.Tenants[i].Outcome = o
	r.mu.Unlock()
	fields := []zap.Field{zap.String("name", j.Name), zap.String("outcome", o.State), zap.Int("exit", *o.Exit), zap.Int("rows", o.Rows.Recorded), zap.Int("failed", o.Rows.Failed)}
	if o.Reason != "" {
		fields = append(fields, zap.String("reason", o.Reason))
	}
	r.log.Info("tenant ended", fields...)
	if r.tooManyFailed() != "" {
		r.halt()
	}
	select {
	case <-lease.Lost(): // another may have the job by now
		return fmt.Errorf("%s: the queue in %s was not told for too long that its job is at work", j.Name, filepath.Join(r.dir, storeName))
	default:
	}
	if o.State == results.Interrupted {
		return lease.Return(context.WithoutCancel(r.interrupts.ctx))
	}
	return lease.Done(context.WithoutCancel(r.interrupts.ctx), o)
}

// tooManyFailed says why there are more failed tenants than the fleet may have, or
// nothing. A tenant has failed whose run was not carried out to its end.
func (r *fleetRun) tooManyFailed() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	failed := 0
	for _, t := range r.record.Tenants {
		if t.State == results.Errored || t.State == results.Guarded {
			failed++
		}
	}
	if !r.flags.failed.Exceeded(failed, len(r.record.Tenants)) {
		return ""
	}
	return fmt.Sprintf("%d of %s failed, more than %v", failed, pipeline.Plural(len(r.record.Tenants), "tenant"), r.flags.failed)
}

// Package work is what a machine does for fleets: a [Worker] takes jobs out of the queue
// and does them in its own process.
//
//	lease ─▶ own directory ─▶ files ─▶ log, fenced ─▶ job.Run ─▶ results ─▶ outcome ─▶ entry deleted
//	                                                  │   ▲
//	                           each call on a tenant ─┘   └─ each message of the log
//	                           needs a valid lease           needs the last fence
//
// A job that is cut short at any point can be taken by another Worker, which goes on
// where the log ends: a value before is in the log ahead of its set. Whoever loses a lease
// makes no further call, and stores nothing of what it has.
//
// The package knows no profile, no flag and no exit status: its caller turns a job into
// [job.Options], and an error into a status.
package work

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"rollcall/pipeline/fleet/queue"
	"rollcall/pipeline/job"
)

// A Worker does the jobs of a queue. Its fields must be set before Run, and not changed
// after.
type Worker struct {
	Queue *queue.Queue
	Name  string // as others see it; no two Workers have the same
	Slots int    // how many jobs it does at once, at least 1

	// Dir is where the results are, if not Remote: in files called TENANT.csv. Otherwise
	// each job has a new directory in it, which is removed after the job.
	Dir string

	// Remote has files come out of the store, and results and journals go into it: what
	// is in Dir can be lost with the machine.
	Remote bool

	// Prepare returns what a job comes to on this machine, with its files in dir, and its
	// results to be there. The Worker replaces Roster, if Remote, and Results, Resume and
	// what goes with them. If there is an error another Worker may be able to do the job,
	// and it is handed back; after any but an ErrUnknownProfile the next job has to wait a
	// while. If not Remote, any other ends the job as failed. Prepare is called from
	// several goroutines at once.
	Prepare func(j queue.Job, dir string) (job.Options, error)

	// Exit returns the exit status of a process whose run ended with err, and the reason
	// in words. The err is one of Prepare, or of this package.
	Exit func(err error) (status int, reason string)

	Observer Observer    // or nil
	Log      *zap.Logger // or nil
}

// ErrUnknownProfile is the cause of the error of a Prepare for a job whose profile this
// machine does not have.
var ErrUnknownProfile = errors.New("unknown profile")

const (
	retryWait     = time.Second      // between two tries at the queue
	maxRetryWait  = 15 * time.Second // the same after many
	faultWait     = 15 * time.Second // between a job that can't be done here and the next
	shutdownGrace = 5 * time.Second  // for telling the queue how things are after ctx has ended
)

// Run takes jobs and does them, until stop is closed. Then the jobs at work are stopped
// softly, and those that are not done are given back. When ctx ends, rows in progress are
// not finished. The error is nil, unless the directory can't be used or, if not Remote,
// the queue fails.
//
// Every goroutine it starts has returned by the time Run does.
func (w *Worker) Run(ctx context.Context, stop <-chan struct{}) error {
	r := &workerState{Worker: w, log: w.Log}
	if r.log == nil {
		r.log = zap.NewNop()
	}
	if w.Remote {
		own, err := createWorkDir(ctx, w.Dir, w.Name)
		if err != nil {
			return fmt.Errorf("worker %s: %w", w.Name, err)
		}
		defer own.remove()
		r.workDir = own.dir
	}
	soft, end := context.WithCancelCause(ctx)
	defer end(nil)
	r.soft, r.end = soft, end
	var all sync.WaitGroup
	defer all.Wait()
	over := make(chan struct{})
	defer close(over)
	all.Go(func() {
		select {
		case <-stop:
			end(ErrDrained)
		case <-over:
		}
	})
	errs := make(chan error, w.Slots)
	for range w.Slots {
		all.Go(func() { errs <- r.slot(ctx) })
	}
	var first error
	for range w.Slots {
		if err := <-errs; err != nil && first == nil {
			first = err
		}
	}
	return first
}

// A workerState is a Worker at work.
type workerState struct {
	*Worker
	log     *zap.Logger
	workDir string                  // where jobs get their directories, if Remote
	soft    context.Context         // ends when no further row is to be begun
	end     context.CancelCauseFunc // of soft
}

// slot does one job after the other.
func (r *workerState) slot(ctx context.Context) error {
	for failures := 0; ; {
		lease, err := r.Queue.Next(r.soft, r.Name)
		switch {
		case r.soft.Err() != nil:
			if err == nil {
				r.giveBack(ctx, lease)
			}
			return nil
		case err != nil && !r.Remote:
			r.end(err)
			return err
		case err != nil:
			failures++
			r.log.Warn("no job could be taken", zap.Error(err))
			sleep(r.soft, waitAfter(failures))
			continue
		}
		failures = 0
		switch err := r.carryOut(ctx, lease); {
		case err != nil && !r.Remote:
			r.end(err)
			return err
		case err != nil:
			r.logOf(lease).Warn("what came of the job may not be on record", zap.Error(err))
		}
	}
}

// logOf returns the log for what is done with a lease.
func (r *workerState) logOf(lease *queue.Lease) *zap.Logger {
	if r.Remote {
		return r.log.With(zap.String("fleet", lease.Fleet), zap.String("name", lease.Tenant))
	}
	return r.log.With(zap.String("name", lease.Tenant))
}

// giveBack returns a lease, even if ctx has ended. If that fails, the lease ends by
// itself, later. If another has the job the error is [queue.ErrLost].
func (r *workerState) giveBack(ctx context.Context, lease *queue.Lease) error {
	ctx, cancel := lasting(ctx)
	defer cancel()
	err := lease.Return(ctx)
	if err != nil && !errors.Is(err, queue.ErrLost) {
		r.logOf(lease).Warn("the job could not be given back; it is free when its lease ends", zap.Error(err))
	}
	return err
}

// lasting returns a context that ends a while after ctx, for telling the queue how things
// are.
func lasting(ctx context.Context) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		time.AfterFunc(shutdownGrace, func() { cancel(context.Cause(ctx)) })
	})
	return longer, func() { stop(); cancel(nil) }
}

// waitAfter returns how long to wait after so many failures in a row.
func waitAfter(failures int) time.Duration {
	return min(maxRetryWait, retryWait<<min(failures-1, 10))
}

// sleep waits for d, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

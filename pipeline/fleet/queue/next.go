package queue

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"go.uber.org/zap"
)

// takeTimeout bounds what it takes to have a job, or to give it back.
const takeTimeout = 10 * time.Second

// workerState is what the calls of Next of a Queue share.
type workerState struct {
	mu   sync.Mutex // held while a job is chosen and taken
	view *View
}

// sharedView returns the View that all leases of q use.
func (q *Queue) sharedView(ctx context.Context) (*View, error) {
	q.work.mu.Lock()
	defer q.work.mu.Unlock()
	if q.work.view == nil || q.work.view.ctx.Err() != nil {
		v, err := q.watch(ctx, false)
		if err != nil {
			return nil, err
		}
		q.work.view = v
	}
	return q.work.view, nil
}

// Next waits for a job that is free, and takes it for the worker of that name. It is
// free if it waits, or if its holder did not renew its lease for the takeover time, as
// this process has seen, or a server that was there before. Never are more jobs of a
// fleet held than it may have at once, whoever asks.
//
// Meanwhile it tidies up what workers that are gone have left. Its error is that of
// ctx, or of the engine.
func (q *Queue) Next(ctx context.Context, worker string) (*Lease, error) {
	tried := make(map[string]uint64) // revisions at which others were faster
	skip := func(j *seenJob) bool { return tried[j.Key] == j.revision }
	for {
		v, err := q.sharedView(ctx)
		if err != nil {
			return nil, err
		}
		q.work.mu.Lock()
		c, wake, change := v.next(worker, skip)
		var l *Lease
		if c.action != doNothing {
			if l, err = q.perform(v, c, worker); err == nil && l == nil || errors.Is(err, errChanged) {
				tried[c.job.Key] = c.job.revision
			}
		}
		q.work.mu.Unlock()
		switch {
		case ctx.Err() != nil && l != nil:
			short, cancel := context.WithTimeout(context.WithoutCancel(ctx), takeTimeout)
			defer cancel()
			return nil, errors.Join(context.Cause(ctx), l.Return(short))
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case l != nil:
			return l, nil
		case q.conn.IsClosed():
			return nil, errors.New("wait for a job: the client is closed")
		case isUnanswered(err):
			change, wake = nil, time.Now().Add(retryWait)
		case err != nil && !errors.Is(err, errChanged) && !errors.Is(err, errBehind):
			return nil, fmt.Errorf("wait for a job: %w", err)
		case c.action != doNothing:
			continue
		}
		var timer <-chan time.Time
		if !wake.IsZero() {
			timer = time.After(time.Until(wake))
		}
		select {
		case <-change:
		case <-timer:
		case <-v.ctx.Done():
		case <-ctx.Done():
		}
	}
}

// recoverAbandoned deals with what workers that are gone have left, if no worker does, until
// ctx ends.
func (q *Queue) recoverAbandoned(ctx context.Context) {
	for ctx.Err() == nil && !q.conn.IsClosed() {
		if _, err := q.Next(ctx, ""); err != nil && ctx.Err() == nil {
			q.log.Warn("tidy up", zap.Error(err))
			wait(ctx, time.Second)
		}
	}
}

// perform carries out what was chosen, and returns the lease if that was to take a job. It
// can't be interrupted, since that would leave open who has the job, but has an end.
func (q *Queue) perform(v *View, c choice, worker string) (*Lease, error) {
	ctx, end := context.WithTimeout(context.Background(), min(takeTimeout, c.fleet.Takeover/2))
	defer end()
	e := c.job.entry
	switch c.action {
	case doTake:
		return q.take(ctx, v, c, worker)
	case doFinish:
		return nil, q.finish(ctx, e, c.job.revision)
	case doCancel:
		return nil, q.end(ctx, e, c.job.revision, c.fleet.endOutcome(c.fleet.stopReason(e.Tenant)))
	}
	e.free()
	_, err := q.putEntry(ctx, e, c.job.revision)
	return nil, err
}

// errBehind says that a choice was made by a view that was behind, and no longer is.
var errBehind = errors.New("people want something else by now")

// take takes a job, unless people do not want that any more. If there are as many of its
// fleet as there may be it is given back, and the lease is nil: of those who take at once,
// the server says who was first.
func (q *Queue) take(ctx context.Context, v *View, c choice, worker string) (*Lease, error) {
	e := c.job.entry
	r, revision, err := q.record(ctx, e.Fleet)
	_, removed := errors.AsType[*NotFoundError](err)
	if removed {
		revision = math.MaxUint64 // which is never reached, but the removal is
	}
	reason := r.stopReason(e.Tenant)
	ending := ends(reason) && e.taken()
	if removed || err == nil && reason != "" && !ending {
		if err = v.reach(ctx, e.Fleet, revision); err == nil {
			err = errBehind
		}
	}
	if err != nil {
		return nil, err
	}
	e.Worker, e.LeaseID, e.Taken, e.Epoch, e.Since = worker, rand.Text(), 0, e.Epoch+1, time.Now().UTC()
	e.Fresh = false
	began := time.Now()
	rev, err := q.putEntry(ctx, e, c.job.revision)
	if err != nil {
		return nil, err
	}
	n, err := v.ahead(ctx, e.Fleet, e.Key, rev)
	e.Taken = rev
	if err != nil || n >= c.fleet.Parallel {
		e.free()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), min(takeTimeout, c.fleet.Takeover/2))
		defer cancel()
		_, err = q.putEntry(ctx, e, rev)
		return nil, err
	}
	l := &Lease{Job: e.Job, Epoch: e.Epoch, q: q, takeover: c.fleet.Takeover, lost: make(chan struct{}), stop: make(chan struct{}), quit: make(chan struct{}),
		entry: e, revision: rev, renewed: began, progress: e.Progress}
	l.ctx, l.cancel = context.WithCancelCause(context.Background())
	l.gone.Go(l.renew)
	if ending {
		l.reason = reason
		close(l.stop)
	} else {
		l.gone.Go(func() { l.watchControl(v) })
	}
	return l, nil
}

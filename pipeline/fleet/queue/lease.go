package queue

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

// ErrLost is the cause of the error of a Lease that could not be renewed in time, or
// that another worker has.
var ErrLost = errors.New("the lease is lost")

// A Lease is a job that nobody else has, until Done, Return or Reject, or until it is
// lost. It renews itself; what it is worth is judged by the server alone: each renewal
// is a swap of the entry, and so is each way to end it. Methods may be called by
// several goroutines at once, but for those that end it.
//
// Nobody else can take it within the takeover time of its last renewal. After three
// quarters of that time without one it is lost.
type Lease struct {
	Job
	Epoch uint64 // how often the job was taken

	q        *Queue
	takeover time.Duration
	ctx      context.Context
	cancel   context.CancelCauseFunc
	lost     chan struct{}
	stop     chan struct{}
	quit     chan struct{} // closed when there is nothing left to renew
	gone     sync.WaitGroup
	over     sync.Once

	mu       sync.Mutex
	entry    entry
	revision uint64
	renewed  time.Time // when the renewal was sent that succeeded last
	progress json.RawMessage
	reason   string // of stop
}

// takeTimeout bounds what it takes to have a job, or to give it back.
const takeTimeout = 10 * time.Second

// working is what the calls of Next of a Queue share.
type working struct {
	mu   sync.Mutex // held while a job is chosen and taken
	view *View
}

// shared returns the View that all leases of q use.
func (q *Queue) shared(ctx context.Context) (*View, error) {
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
// this process's clock says. Never are more jobs of a fleet held than it may have at
// once, whoever asks.
//
// Meanwhile it tidies up what workers that are gone have left. Its error is that of
// ctx, or of the engine.
func (q *Queue) Next(ctx context.Context, worker string) (*Lease, error) {
	tried := make(map[string]uint64) // revisions at which others were faster
	skip := func(j *seenJob) bool { return tried[j.Key] == j.revision }
	for {
		v, err := q.shared(ctx)
		if err != nil {
			return nil, err
		}
		q.work.mu.Lock()
		c, wake, change := v.next(worker, skip)
		var l *Lease
		if c.deed != doNothing {
			if l, err = q.do(v, c, worker); err == nil && l == nil || errors.Is(err, errChanged) {
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
		case err != nil && !errors.Is(err, errChanged):
			return nil, fmt.Errorf("wait for a job: %w", err)
		case c.deed != doNothing:
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

// tidy tidies up what workers that are gone have left, if no worker does, until ctx ends.
func (q *Queue) tidy(ctx context.Context) {
	for ctx.Err() == nil && !q.conn.IsClosed() {
		if _, err := q.Next(ctx, ""); err != nil && ctx.Err() == nil {
			q.log.Warn("tidy up", zap.Error(err))
			wait(ctx, time.Second)
		}
	}
}

// do carries out what was chosen, and returns the lease if that was to take a job. It
// can't be interrupted, since that would leave open who has the job, but has an end.
func (q *Queue) do(v *View, c choice, worker string) (*Lease, error) {
	ctx, end := context.WithTimeout(context.Background(), min(takeTimeout, c.fleet.Takeover/2))
	defer end()
	e := c.job.entry
	switch c.deed {
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

// take takes a job. If there are as many of its fleet as there may be it is given back,
// and the lease is nil: of those who take at once, the server says who was first.
func (q *Queue) take(ctx context.Context, v *View, c choice, worker string) (*Lease, error) {
	e := c.job.entry
	e.Worker, e.Token, e.Taken, e.Epoch, e.Since = worker, rand.Text(), 0, e.Epoch+1, time.Now().UTC()
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
	if reason := c.fleet.stopReason(e.Tenant); ends(reason) {
		l.reason = reason
		close(l.stop)
	} else {
		l.gone.Go(func() { l.obey(v) })
	}
	return l, nil
}

// putEntry swaps the entry of a job.
func (q *Queue) putEntry(ctx context.Context, e entry, rev uint64) (uint64, error) {
	b, err := json.Marshal(e)
	if err != nil {
		return 0, err
	}
	return q.swap(ctx, q.jobs, e.Key, b, rev)
}

// entryOf returns the entry of a job as it is now, or a marker of its deletion, with its
// revision.
func (q *Queue) entryOf(ctx context.Context, key string) (e entry, rev uint64, err error) {
	var found jetstream.KeyValueEntry
	err = q.repeat(ctx, callTimeout, func(ctx context.Context) (err error) {
		found, err = q.latest(ctx, q.jobs, key)
		return err
	})
	if err != nil || found == nil {
		return e, 0, err
	}
	if found.Operation() == jetstream.KeyValuePut {
		err = json.Unmarshal(found.Value(), &e)
	}
	return e, found.Revision(), err
}

// renew says that the holder is alive, often enough to keep the lease, until it is over
// or lost.
func (l *Lease) renew() {
	for {
		l.mu.Lock()
		e, rev, last := l.entry, l.revision, l.renewed
		e.Progress = l.progress
		l.mu.Unlock()
		select {
		case <-l.quit:
			return
		case <-time.After(time.Until(last.Add(l.takeover / 4))):
		}
		ctx, cancel := context.WithDeadline(l.ctx, last.Add(l.worth()))
		now := time.Now()
		l.mu.Lock()
		e.Progress = l.progress
		l.mu.Unlock()
		rev, err := l.q.putEntry(ctx, e, rev)
		cancel()
		if err == nil && !l.isFresh(last) { // Valid has said so, and its caller has given up
			err = errLate
		}
		if err == nil {
			l.mu.Lock()
			l.entry, l.revision, l.renewed = e, rev, now
			l.mu.Unlock()
			continue
		}
		select {
		case <-l.quit: // which has ended the call
			return
		default:
		}
		l.q.log.Warn("lease lost", zap.String("fleet", l.Fleet), zap.String("tenant", l.Tenant), zap.Uint64("epoch", l.Epoch), zap.Error(err))
		close(l.lost)
		l.cancel(ErrLost)
		return
	}
}

// errLate says that a renewal succeeded when the one before it was no longer good.
var errLate = errors.New("the server answered too late")

// worth is how long a renewal is good for.
func (l *Lease) worth() time.Duration { return l.takeover / 4 * 3 }

// isFresh reports whether a renewal that was sent at a time is still good.
func (l *Lease) isFresh(sent time.Time) bool {
	now := time.Now()
	// A machine that slept has a clock that did as well; the other one did not.
	return now.Sub(sent) < l.worth() && now.Round(0).Sub(sent.Round(0)) < l.worth()
}

// obey closes stop when that is wanted of the job.
func (l *Lease) obey(v *View) {
	for {
		reason, change := v.stopReason(l.Fleet, l.Tenant)
		if reason != "" {
			l.mu.Lock()
			l.reason = reason
			l.mu.Unlock()
			close(l.stop)
			return
		}
		select {
		case <-change:
		case <-l.ctx.Done():
			return
		case <-l.quit:
			return
		}
	}
}

// Context returns a context that ends when the lease is lost or over.
func (l *Lease) Context() context.Context { return l.ctx }

// Lost returns a channel that is closed when the lease is lost.
func (l *Lease) Lost() <-chan struct{} { return l.lost }

// Valid reports whether the lease is sure to be held right now. It asks nobody, and is
// false in a process that was stopped for too long, as soon as that goes on.
func (l *Lease) Valid() bool {
	l.mu.Lock()
	last := l.renewed
	l.mu.Unlock()
	return l.ctx.Err() == nil && l.isFresh(last)
}

// Stop returns a channel that is closed when the job is to be stopped softly. It is
// closed from the beginning if the job was cancelled, or stopped with its fleet, since
// another worker had it: then the holder has to end it, with what the log has.
func (l *Lease) Stop() <-chan struct{} { return l.stop }

// The reasons for which a job is stopped softly.
const (
	StopPaused    = "paused"
	StopCancelled = "cancelled"
	StopFleet     = "stopped" // Control.Stopped says why
)

// StopReason returns why Stop is closed, or "".
func (l *Lease) StopReason() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reason
}

// IsEnding reports whether the job is cancelled now, or stopped with its fleet, as the
// server has it: people may have changed their minds since Stop was closed.
func (l *Lease) IsEnding(ctx context.Context) (bool, error) {
	r, _, err := l.q.record(ctx, l.Fleet)
	return err == nil && ends(r.stopReason(l.Tenant)), err
}

// Progress has v, which has to be JSON, go with the next renewal.
func (l *Lease) Progress(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		l.q.log.Error("progress", zap.Error(err))
		return
	}
	l.mu.Lock()
	l.progress = b
	l.mu.Unlock()
}

// end ends the renewals, and returns the entry as it is.
func (l *Lease) end() (e entry, rev uint64) {
	l.over.Do(func() {
		close(l.quit)
		l.cancel(context.Canceled) // it is no longer the holder's
		l.gone.Wait()
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	e = l.entry
	e.Progress = l.progress
	return e, l.revision
}

// last makes the last change of the entry, as end has it, that the holder makes.
func (l *Lease) last(ctx context.Context, what string, e entry, rev uint64) (uint64, error) {
	for {
		got, err := l.q.putEntry(ctx, e, rev)
		if errors.Is(err, errChanged) {
			// It may have been a renewal that end has cut short.
			var now entry
			if now, rev, err = l.q.entryOf(ctx, l.Key); err == nil && now.Token == l.entry.Token {
				continue
			} else if err == nil {
				err = ErrLost
			}
		}
		if err != nil {
			return 0, fmt.Errorf("%s %s: %w", what, l.Tenant, err)
		}
		return got, nil
	}
}

// Done keeps what came of the job, which has to be JSON, and then takes the job out
// of the queue. If the server can't be reached it goes on trying until ctx ends. It is
// an error, ErrLost, if another has the job; then the outcome is not kept.
func (l *Lease) Done(ctx context.Context, outcome any) error {
	b, err := json.Marshal(outcome)
	if err != nil {
		return fmt.Errorf("end %s: %w", l.Tenant, err)
	}
	e, rev := l.end()
	e.Ended, e.Outcome, e.Since = true, b, time.Now().UTC()
	if rev, err = l.last(ctx, "end", e, rev); err != nil {
		return err
	}
	l.revision, l.entry = rev, e
	if err := l.q.finish(ctx, e, rev); err != nil {
		return fmt.Errorf("end %s: %w", l.Tenant, err)
	}
	return nil
}

// Return has the job be free again. If it was cancelled, or stopped with its fleet, it is
// free for who ends it.
func (l *Lease) Return(ctx context.Context) error {
	e, rev := l.end()
	e.free()
	_, err := l.last(ctx, "return", e, rev)
	return err
}

// maxRejections is after how many a job is not offered any more.
const maxRejections = 3

// A RejectedError says that a job was rejected so often that it is the holder's to
// end it as failed: it still has the lease.
type RejectedError struct {
	Workers []string
	Reason  string // of the last
}

func (e *RejectedError) Error() string {
	return fmt.Sprintf("rejected by %s: %s", strings.Join(e.Workers, ", "), e.Reason)
}

// Reject hands back a job that this worker can't do. It is given to another; to this
// one again if none takes it for the takeover time. The third time the error is a
// RejectedError.
func (l *Lease) Reject(ctx context.Context, reason string) error {
	l.mu.Lock()
	rejections := append(slices.Clone(l.entry.Rejections), rejection{l.entry.Worker, reason})
	l.mu.Unlock()
	if len(rejections) >= maxRejections {
		e := &RejectedError{Reason: reason}
		for _, r := range rejections {
			if !slices.Contains(e.Workers, r.Worker) {
				e.Workers = append(e.Workers, r.Worker)
			}
		}
		return e
	}
	e, rev := l.end()
	e.free()
	e.Rejections = rejections
	_, err := l.last(ctx, "reject", e, rev)
	return err
}

package queue

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

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
		ctx, cancel := context.WithDeadline(l.ctx, last.Add(l.validFor()))
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

// validFor is how long a renewal is good for.
func (l *Lease) validFor() time.Duration { return l.takeover / 4 * 3 }

// isFresh reports whether a renewal that was sent at a time is still good.
func (l *Lease) isFresh(sent time.Time) bool {
	now := time.Now()
	// A machine that slept has a clock that did as well; the other one did not.
	return now.Sub(sent) < l.validFor() && now.Round(0).Sub(sent.Round(0)) < l.validFor()
}

// watchControl closes stop when that is wanted of the job.
func (l *Lease) watchControl(v *View) {
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

// Last sets v to what Progress was called with last, by this holder or by the one before;
// if there was none, v is as it was.
func (l *Lease) Last(v any) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.progress == nil {
		return nil
	}
	return json.Unmarshal(l.progress, v)
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

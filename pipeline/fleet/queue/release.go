package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

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

// swapOwned makes the last change of the entry, as end has it, that the holder makes.
func (l *Lease) swapOwned(ctx context.Context, what string, e entry, rev uint64) (uint64, error) {
	for {
		got, err := l.q.putEntry(ctx, e, rev)
		if errors.Is(err, errChanged) {
			// It may have been a renewal that end has cut short.
			var now entry
			if now, rev, err = l.q.entryOf(ctx, l.Key); err == nil && now.LeaseID == l.entry.LeaseID {
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
	if rev, err = l.swapOwned(ctx, "end", e, rev); err != nil {
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
	_, err := l.swapOwned(ctx, "return", e, rev)
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
	_, err := l.swapOwned(ctx, "reject", e, rev)
	return err
}

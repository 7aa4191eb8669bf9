package queue

import "context"

// A Lease is a job that nobody else has, until Done, Return or Reject, or until it is
// lost.
type Lease struct {
	Job
	Epoch uint64

	q *Queue
}

// Next waits for a job that is free, and takes it for the worker of that name.
func (q *Queue) Next(ctx context.Context, worker string) (*Lease, error) { return nil, errSkeleton }

// Context returns a context that ends when the lease is lost or over.
func (l *Lease) Context() context.Context { return nil }

// Lost returns a channel that is closed when the lease is lost.
func (l *Lease) Lost() <-chan struct{} { return nil }

// Valid reports whether the lease is sure to be held right now.
func (l *Lease) Valid() bool { return false }

// Stop returns a channel that is closed when the job is to be stopped softly.
func (l *Lease) Stop() <-chan struct{} { return nil }

// The reasons for which a job is stopped softly.
const (
	StopPaused    = "paused"
	StopCancelled = "cancelled"
	StopFleet     = "stopped" // Control.Stopped says why
)

// StopReason returns why Stop is closed, or "".
func (l *Lease) StopReason() string { return "" }

// Progress has v, which has to be JSON, go with the next renewal.
func (l *Lease) Progress(v any) {}

// Done keeps what came of the job, which has to be JSON, and then takes the job out
// of the queue.
func (l *Lease) Done(ctx context.Context, outcome any) error { return errSkeleton }

// Return has the job be free again.
func (l *Lease) Return(ctx context.Context) error { return errSkeleton }

// A RejectedError says that a job was rejected so often that it is the holder's to
// end it as failed: it still has the lease.
type RejectedError struct {
	Workers []string
	Reason  string
}

func (e *RejectedError) Error() string { return "" }

// Reject hands back a job that this worker can't do. It is not given to the worker
// again. If no other is likely to do it the error is a RejectedError.
func (l *Lease) Reject(ctx context.Context, reason string) error { return errSkeleton }

package queue

import (
	"context"
	"errors"
	"iter"
)

// ErrFenced is the cause of the error of a Log that another one was opened after.
var ErrFenced = errors.New("another worker has the job now")

// A Log is the journal of a job: messages that outlive the machine that wrote them.
// Only the Log that was opened last can be appended to.
type Log struct{}

// OpenLog reads the log of a tenant's job and fences all that was opened before.
func (q *Queue) OpenLog(ctx context.Context, fleet, tenant string) (*Log, error) {
	return nil, errSkeleton
}

// Log opens the log of the job.
func (l *Lease) Log(ctx context.Context) (*Log, error) { return l.q.OpenLog(ctx, l.Fleet, l.Tenant) }

// Messages returns all that was appended before the log was opened, in order.
func (l *Log) Messages() iter.Seq[[]byte] { return func(func([]byte) bool) {} }

// Append adds a message, which has to be shorter than MaxMessage and not empty. It
// returns when the message is safe, or ErrFenced. After an error the Log is of no use.
func (l *Log) Append(b []byte) error { return errSkeleton }

// MaxMessage is how long a message of a Log can be.
const MaxMessage = 512 << 10

// PurgeLog removes the log of a tenant's job.
func (q *Queue) PurgeLog(ctx context.Context, fleet, tenant string) error { return errSkeleton }

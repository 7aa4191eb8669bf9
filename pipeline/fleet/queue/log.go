package queue

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ErrFenced is the cause of the error of a Log that another one was opened after.
var ErrFenced = errors.New("another worker has the job now")

// MaxMessage is how long a message of a Log can be.
const MaxMessage = 512 << 10

// Headers of a message, which say who wrote it. A fence is a message of no more.
const (
	writerHeader = "Rollcall-Writer" // a name that no other Log has
	numberHeader = "Rollcall-Number" // of the message, of that writer
)

// A Log is the journal of a job: messages that outlive the machine that wrote them.
// Only the Log that was opened last can be appended to. It may be used by several
// goroutines at once.
type Log struct {
	q       *Queue
	ctx     context.Context
	subject string
	writer  string
	fence   uint64 // sequence of its fence

	mu     sync.Mutex
	last   uint64 // sequence of the last message of the subject, if nobody else has written
	number int    // of the last message that was tried
	err    error  // that ended it
}

// OpenLog fences all Logs of the tenant's job that were opened before, and returns one
// that can be appended to until ctx ends, and read.
func (q *Queue) OpenLog(ctx context.Context, fleet, tenant string) (*Log, error) {
	l := &Log{q: q, ctx: ctx, subject: journalSubject + fleet + "." + tenant, writer: rand.Text()}
	for {
		last, err := l.lastMessage()
		if err == nil {
			l.last = last.seq
			err = l.append(nil)
		}
		switch {
		case err == nil:
			l.fence = l.last
			return l, nil
		case !errors.Is(err, ErrFenced): // that is: somebody wrote meanwhile
			return nil, fmt.Errorf("open the log of %s: %w", tenant, cause(err))
		}
	}
}

// Log opens the log of the job, which can be appended to until ctx ends or the lease
// does.
func (l *Lease) Log(ctx context.Context) (*Log, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	context.AfterFunc(l.Context(), func() { cancel(context.Cause(l.Context())) })
	return l.q.OpenLog(ctx, l.Fleet, l.Tenant)
}

// Append adds a message, which has to be no longer than MaxMessage and not empty. It
// returns when the message is safe, or an error, after which the Log is of no use: if
// its cause is ErrFenced another has the job. While there is no server it goes on
// trying.
func (l *Log) Append(b []byte) error {
	if len(b) == 0 || len(b) > MaxMessage {
		return fmt.Errorf("append to the log: a message of %d bytes", len(b))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		if err := l.append(b); err != nil {
			l.err = fmt.Errorf("append to the log: %w", cause(err))
		}
	}
	return l.err
}

// staleReads is how often a node may say that there is less than was acknowledged,
// before that is believed: it may just have begun to decide.
const staleReads = 5

// append adds a message by compare and set on the sequence of the last one. An attempt
// without an answer may have been heard: the next one is then refused, and the last
// message of the subject says whose it was.
func (l *Log) append(b []byte) error {
	l.number++
	m := nats.NewMsg(l.subject)
	m.Data = b
	m.Header.Set(writerHeader, l.writer)
	m.Header.Set(numberHeader, strconv.Itoa(l.number))
	for stale := 0; ; {
		refused := false
		err := l.q.retry(l.ctx, func(ctx context.Context) error {
			ack, err := l.q.js.PublishMsg(ctx, m, jetstream.WithExpectLastSequencePerSubject(l.last))
			if err == nil {
				l.last = ack.Sequence
			}
			if refused = wrongSequence(err); refused {
				return nil
			}
			return err
		})
		if err != nil || !refused {
			return err
		}
		last, err := l.lastMessage()
		switch {
		case err != nil:
			return err
		case last.writer == l.writer && last.number == m.Header.Get(numberHeader):
			l.last = last.seq
			return nil
		case last.seq > l.last:
			return ErrFenced
		case last.seq < l.last: // it was purged
			if stale++; stale > staleReads {
				return ErrFenced
			}
		}
		// Otherwise the attempt before is still on its way.
		if err := wait(l.ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}

// wrongSequence reports whether err says that a compare and set was refused.
func wrongSequence(err error) bool {
	e, ok := errors.AsType[*jetstream.APIError](err)
	return ok && (e.ErrorCode == 10071 || e.ErrorCode == 10164)
}

// A lastMessage is the last message of a subject; all zero if there is none.
type lastMessage struct {
	seq            uint64
	writer, number string
}

// lastMessage asks the node that decides for the last message of the log.
func (l *Log) lastMessage() (last lastMessage, err error) {
	err = l.q.retry(l.ctx, func(ctx context.Context) error {
		m, err := l.q.journals.GetLastMsgForSubject(ctx, l.subject)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			last = lastMessage{}
			return nil
		}
		if err == nil {
			last = lastMessage{m.Sequence, m.Header.Get(writerHeader), m.Header.Get(numberHeader)}
		}
		return err
	})
	return last, err
}

// purgeLog removes the log of a tenant's job.
func (q *Queue) purgeLog(ctx context.Context, fleet, tenant string) error {
	err := q.retry(ctx, func(ctx context.Context) error {
		return q.journals.Purge(ctx, jetstream.WithPurgeSubject(journalSubject+fleet+"."+tenant))
	})
	if err != nil {
		return fmt.Errorf("remove the log of %s: %w", tenant, cause(err))
	}
	return nil
}

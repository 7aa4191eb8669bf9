package queue

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

// Messages returns all that was appended before the log was opened, in order. After an
// error there is no more.
func (l *Log) Messages() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		if err := l.read(yield); err != nil {
			yield(nil, fmt.Errorf("read the log: %w", cause(err)))
		}
	}
}

// readHeartbeat is how often the server says that it has no message; after twice that
// time without a word the log is asked for again. In a cluster a request is lost now and
// then, when the node that is to answer it is still making what it reads with.
const readHeartbeat = 500 * time.Millisecond

// readAttempts is how often in a row reading may fail without a message.
const readAttempts = 20

// read yields the messages ahead of the fence.
func (l *Log) read(yield func([]byte, error) bool) error {
	next := uint64(1) // sequence from which on nothing was read
	for failures := 0; ; failures++ {
		from := next
		err := l.readFrom(&next, yield)
		if err == nil || l.ctx.Err() != nil {
			return err
		}
		if next > from {
			failures = 0
		}
		if failures == readAttempts {
			return err
		}
		if err := wait(l.ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}

// consumerTimeout is how long the server keeps what a log is read with, and is not any
// more: the connection may be cut before it is deleted.
const consumerTimeout = 30 * time.Second

// errGap says that a message did not arrive.
var errGap = errors.New("a message is missing")

// readFrom is read from a sequence on, which it moves behind what was yielded. Nothing of
// it is left on the server, which allows a stream some thousand consumers and no more.
func (l *Log) readFrom(next *uint64, yield func([]byte, error) bool) error {
	config := jetstream.ConsumerConfig{Name: rand.Text(), FilterSubject: l.subject, DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: *next,
		AckPolicy: jetstream.AckNonePolicy, MaxDeliver: 1, MemoryStorage: true, Replicas: 1, InactiveThreshold: consumerTimeout}
	defer l.deleteConsumer(config.Name)
	var messages jetstream.MessagesContext
	if err := l.q.retry(l.ctx, func(ctx context.Context) error {
		c, err := l.q.js.CreateOrUpdateConsumer(ctx, journalStream, config)
		if err == nil {
			messages, err = c.Messages(jetstream.PullMaxMessages(32), jetstream.PullHeartbeat(readHeartbeat))
		}
		return err
	}); err != nil {
		return err
	}
	defer messages.Stop()
	for delivered := uint64(1); ; delivered++ {
		m, err := messages.Next(jetstream.NextContext(l.ctx))
		if err != nil {
			return err
		}
		at, err := m.Metadata()
		if err != nil {
			return err
		}
		if at.Sequence.Consumer != delivered {
			return errGap
		}
		if at.Sequence.Stream >= l.fence {
			return nil
		}
		*next = at.Sequence.Stream + 1
		if len(m.Data()) > 0 && !yield(m.Data(), nil) {
			return nil
		}
	}
}

// deleteConsumer deletes what a log was read with. If it can't, the server does so by
// itself, after consumerTimeout.
func (l *Log) deleteConsumer(name string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.ctx), callTimeout)
	defer cancel()
	unlink := context.AfterFunc(l.q.connection(), cancel)
	defer unlink()
	if err := l.q.js.DeleteConsumer(ctx, journalStream, name); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		l.q.log.Debug("delete the consumer of a log", zap.Error(err))
	}
}

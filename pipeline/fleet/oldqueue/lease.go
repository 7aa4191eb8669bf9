package oldqueue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A Lease is a job that nobody else has, until Done or Return: one of them has to be
// called, once. Until then it renews itself.
type Lease struct {
	Job
	q    *Queue
	msg  jetstream.Msg
	over chan struct{} // closed when there is nothing left to renew
	gone sync.WaitGroup
}

// Next waits for a job that nobody holds, and takes it. Its error is that of ctx, or
// of the engine. A job that is done, and whose message outlived the last process, is
// passed over.
func (q *Queue) Next(ctx context.Context) (*Lease, error) {
	// The engine wants to know a deadline, and minds one that is near.
	wait, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	for {
		msg, err := q.consumer.Next(jetstream.FetchContext(wait))
		switch {
		case ctx.Err() != nil:
			if err == nil {
				msg.Nak()
			}
			return nil, context.Cause(ctx)
		case errors.Is(err, nats.ErrTimeout): // each request to wait has its own end
			continue
		case err != nil:
			return nil, fmt.Errorf("wait for a job: %w", err)
		}
		l := &Lease{q: q, msg: msg, over: make(chan struct{})}
		if err := json.Unmarshal(msg.Data(), &l.Job); err != nil {
			msg.Term()
			return nil, fmt.Errorf("read a job: %w", err)
		}
		done, err := q.Outcome(ctx, l.Job)
		if err != nil {
			return nil, err
		}
		if done != nil {
			if err := msg.DoubleAck(ctx); err != nil {
				return nil, fmt.Errorf("end %s: %w", l.Tenant, err)
			}
			continue
		}
		l.gone.Go(l.renew)
		return l, nil
	}
}

// renew says that the holder is alive, often enough to keep the lease.
func (l *Lease) renew() {
	tick := time.NewTicker(l.q.takeover / 4)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			l.msg.InProgress() // if it is not heard the next one is
		case <-l.over:
			return
		}
	}
}

func (l *Lease) end() {
	close(l.over)
	l.gone.Wait()
}

// Done keeps what came of the job, which has to be JSON, and then takes the job out
// of the queue.
func (l *Lease) Done(ctx context.Context, outcome any) error {
	l.end()
	b, err := json.Marshal(outcome)
	if err == nil {
		_, err = l.q.outcomes.Put(ctx, l.key(), b)
	}
	if err == nil {
		err = l.msg.DoubleAck(ctx)
	}
	if err != nil {
		return fmt.Errorf("keep the outcome of %s: %w", l.Tenant, err)
	}
	return nil
}

// Return puts the job back.
func (l *Lease) Return() error {
	l.end()
	if err := l.msg.Nak(); err != nil && !errors.Is(err, jetstream.ErrMsgAlreadyAckd) {
		return fmt.Errorf("return %s: %w", l.Tenant, err)
	}
	return nil
}

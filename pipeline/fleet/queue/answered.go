package queue

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// WhileAnswered returns a context for what is asked of the server: it ends, with an error
// that says so, when the server has not answered for longer than patience. Cancel ends it
// as well, and has to be called.
func (q *Queue) WhileAnswered(ctx context.Context, patience time.Duration) (asking context.Context, cancel context.CancelFunc) {
	ctx, end := context.WithCancelCause(ctx)
	go func() {
		for last := time.Now(); wait(ctx, time.Second) == nil; {
			err := q.answers(ctx)
			switch {
			case err == nil:
				last = time.Now()
			case time.Since(last) > patience:
				end(fmt.Errorf("the fleet server has not answered for %v", patience))
			}
		}
	}()
	return ctx, func() { end(nil) }
}

// answers returns nil if there is a server which has, or is with, those that decide.
func (q *Queue) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	info, err := q.journals.Info(ctx)
	if err == nil && info.Cluster != nil && info.Cluster.Leader == "" && len(info.Cluster.Replicas) > 0 {
		err = errors.New("there are too few nodes")
	}
	return err
}

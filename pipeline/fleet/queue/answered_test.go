package queue

import (
	"context"
	"strings"
	"testing"
	"time"
)

// What is asked of a server that is away ends after a time, with a reason; as long as the
// server is there it does not.
func TestWhileAnswered(t *testing.T) {
	t.Parallel()
	s := serve(t, ServerOptions{})
	p := newProxy(t, strings.TrimPrefix(s.URL(), "nats://"))
	q := dialed(t, Options{URL: "nats://" + p.addr})
	ctx, cancel := q.WhileAnswered(t.Context(), time.Second)
	defer cancel()
	if err := wait(ctx, 4*time.Second); err != nil {
		t.Fatalf("it ends while the server answers: %v", err)
	}
	p.deaf.Store(true)
	begin := time.Now()
	_, err := q.Fleets(ctx)
	says(t, err, "the fleet server has not answered for 1s")
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
	ctx, cancel = q.WhileAnswered(t.Context(), time.Second)
	if cancel(); ctx.Err() != context.Canceled {
		t.Errorf("it goes on when it is over: %v", ctx.Err())
	}
}

package pipeline

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"rollcall/pipeline/pace"
	"rollcall/tenant"
)

// lastAnswers is how long a run that the tenant refuses waits for the answers to calls
// that are on their way.
const lastAnswers = 2 * time.Second

// A refusal makes a run that ends because the tenant refuses every call begin no other
// call, and first wait for the answers to those on their way: whose set was refused, too,
// is not changed.
type refusal struct{ refused atomic.Bool }

// begin is called ahead of a call, once the Limiter counts it. If the run is ending, it
// waits for the end and returns an error.
func (f *refusal) begin(ctx context.Context, l *pace.Limiter, turn pace.Turn) error {
	if !f.refused.Load() {
		return nil
	}
	l.Observe(turn, context.Canceled)
	<-ctx.Done()
	return ctx.Err()
}

// end is called after a call that ended with err, once the Limiter no longer counts it.
func (f *refusal) end(ctx context.Context, l *pace.Limiter, err error) {
	if err == nil || !errors.Is(err, tenant.Unauthorized) {
		return
	}
	f.refused.Store(true)
	for late := time.Now().Add(lastAnswers); l.UnderWay() > 0 && time.Now().Before(late) && ctx.Err() == nil; {
		time.Sleep(5 * time.Millisecond)
	}
}

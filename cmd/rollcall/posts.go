package main

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"rollcall/pipeline/results"
	"rollcall/report"
)

// hurriedPost is how long a post may still take once nothing else is left to wait for:
// the ping of the start when the run has ended, and any post when it is to stop at once.
const hurriedPost = 3 * time.Second

// Causes of the end of a post.
var (
	errRunEnded = fmt.Errorf("no answer within %v of the end of the run", hurriedPost)
	errStopping = fmt.Errorf("no answer within %v, and the run is to stop at once", hurriedPost)
)

// A startPing is the ping of the start of a run, which is sent while the run works.
type startPing struct {
	cancel context.CancelCauseFunc
	done   chan struct{} // closed when it was answered or has failed
}

// pingStart sends the ping of the start of a run, without waiting for the answer.
func (m *monitor) pingStart(x *execution) {
	if m.ping == nil {
		return
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	m.start = &startPing{cancel, make(chan struct{})}
	go func() {
		defer close(m.start.done)
		m.pingAt(ctx, x, "start", "")
	}()
}

// wait waits for the answer, for a moment at most, until ctx ends or the run is to stop at
// once: what time is left then is for the last ping.
func (s *startPing) wait(ctx context.Context, i *interrupts) {
	if s == nil {
		return
	}
	select {
	case <-s.done:
	case <-time.After(hurriedPost):
		s.end(errRunEnded)
	case <-ctx.Done():
		s.end(context.Cause(ctx))
	case <-i.ctx.Done():
		s.end(context.Cause(i.ctx))
	}
}

// end ends the ping if it has no answer yet: cause is why.
func (s *startPing) end(cause error) {
	if s == nil {
		return
	}
	s.cancel(cause)
	<-s.done
}

// post sends the outcome of a job by the webhook and the last ping.
//
// An interrupt before it has stopped the run, and the outcome is sent all the same. One
// that comes meanwhile, be it the first or the second, finds nothing else to finish, and
// ends the waiting for answers.
func (m *monitor) post(x *execution, o *results.Outcome) {
	x.interrupts.saysNothing()
	later, cancel := hurried(x.interrupts.ctx)
	defer cancel()
	ctx, end := x.interrupts.next(later)
	defer end()
	// At the same time: a webhook that does not answer must not keep the ping back.
	sent := make(chan error, 1)
	go func() { sent <- m.webhook.send(ctx, o) }()
	m.start.wait(ctx, x.interrupts) // its ping must not come after the last one
	point := ""
	if o.Exit != exitOK {
		point = "fail"
	}
	m.pingAt(ctx, x, point, report.OutcomeText(o))
	if err := <-sent; err != nil {
		x.app.console.Warn("warning: %v", err)
		m.fileLog.Warn("webhook failed", zap.String("host", m.webhook.url.Host), zap.Error(err))
	}
}

// pingAt pings. A failure is a warning: it neither ends the run nor ends --quiet.
func (m *monitor) pingAt(ctx context.Context, x *execution, point, body string) {
	if err := m.ping.ping(ctx, point, body); err != nil {
		x.app.console.Warn("warning: %v", err)
		m.fileLog.Warn("ping failed", zap.String("host", m.ping.url.Host), zap.Error(err))
	}
}

// hurried returns a context that ends a little after ctx.
func hurried(ctx context.Context) (context.Context, context.CancelFunc) {
	later, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(hurriedPost, func() { cancel(errStopping) }) })
	return later, func() { stop(); cancel(nil) }
}

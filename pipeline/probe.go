package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"rollcall/tenant"
)

// errUnreachable ends a run during an outage. The rows in progress get no result.
var errUnreachable = errors.New("the tenant can't be reached")

// Outage returns when the current outage began, or zero if there is none that is
// certain, and how long all outages were together. It may be called at any time.
func (r *Run) Outage() (since time.Time, total time.Duration) {
	o := &r.outages
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.confirmed {
		return o.since, o.total + time.Since(o.since)
	}
	return time.Time{}, o.total
}

// noteReachable notes whether a call of c for t, which began at m and ended with err, reached
// the tenant. If it did not, it returns the failure. It returns an error if the run has
// to stop waiting for the tenant.
func (r *Run) noteReachable(ctx context.Context, m callStart, t *task, c *tenant.Cmdlet, err error) (*failure, error) {
	if !r.Outages || err != nil && ctx.Err() != nil {
		return nil, nil
	}
	e, ok := errors.AsType[*tenant.Error](err)
	switch {
	case err != nil && !ok, // it may not have been sent
		errors.Is(err, tenant.Unauthorized): // the run is over
		return nil, nil
	case err == nil || !e.Unreachable:
		r.logOutageEnd(r.outages.answered(m, c))
		return nil, nil
	}
	was, _ := r.Outage()
	f, probe := r.outages.failed(m, c, t)
	if !probe {
		return f, nil
	}
	return f, r.keepWaiting(was.IsZero(), err)
}

// logOutageEnd logs that an outage is over, unless took is 0.
func (r *Run) logOutageEnd(took time.Duration) {
	if took > 0 {
		r.Log.Warn("outage over", zap.Float64("seconds", took.Round(time.Millisecond).Seconds()))
	}
}

// keepWaiting is called when a probe of an outage failed with err; first says that it is the
// first one. It returns an error if the run has to stop waiting for the tenant.
func (r *Run) keepWaiting(first bool, err error) error {
	o := &r.outages
	o.mu.Lock()
	since, reached := o.since, o.reached()
	o.mu.Unlock()
	if first {
		r.Log.Warn("outage", zap.Time("since", since), zap.NamedError("reason", err))
	}
	switch {
	case r.stopped():
	case r.RowTimeout > 0 && time.Since(since) >= r.RowTimeout:
		r.trip("row-timeout", fmt.Sprintf("the tenant could not be reached for %v, since %s: %v", r.RowTimeout, since.Format(time.RFC3339), err))
	case !reached && time.Since(since) >= maxFirstOutage:
		r.trip("", fmt.Sprintf("the tenant could not be reached from the start: %v", err))
	default:
		return nil
	}
	return &runError{errUnreachable}
}

// noOtherRow reports whether all rows that could make a call have failures whose cause is
// not known.
func (r *Run) noOtherRow() bool {
	return r.Stats.InProgress() <= int64(r.outages.undecidedRows()) && (len(r.jobs) == 0 || r.stopped())
}

// wakeIfAlone is called when a worker has no row any more. If only rows that wait for the
// end of an outage are left, it wakes them, so that one of them calls askTenant.
func (r *Run) wakeIfAlone() {
	if o := &r.outages; o.lastUndecided.Load() != 0 && o.active() && r.noOtherRow() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.wakeRows()
	}
}

// askTenant finds out whether the tenant can be reached when no other row makes calls. It
// sends a read that the tenant has answered before, or one of t's user. Any answer will
// do. In an outage it sends it again until the outage is over or there is another row.
// One row does this at a time, and the others wait for it.
func (r *Run) askTenant(ctx context.Context, t *task) error {
	o := &r.outages
	o.mu.Lock()
	if asking := o.asking; asking != nil {
		o.mu.Unlock()
		select {
		case <-asking:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	o.asking = make(chan struct{})
	known := o.answeredRead
	o.mu.Unlock()
	defer func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		close(o.asking)
		o.asking = nil
	}()
	own := r.Change.get.For(t.Row.UPN)
	if known.Name == "" {
		known = own
	}
	for c := known; ; c, known, own = own, own, known {
		turn, err := r.Limiter.Wait(ctx)
		if err != nil {
			return err
		}
		m := o.callStart()
		r.Stats.Calls.Add(1)
		_, failure := r.Tenant.Run(ctx, c)
		answered := true
		if e, ok := errors.AsType[*tenant.Error](failure); ok && e.Unreachable {
			answered = false
		}
		switch {
		case failure != nil && ctx.Err() != nil:
			err = context.Cause(ctx)
		case errors.Is(failure, tenant.Unauthorized): // the run is over
			err = failure
		case answered:
			r.logOutageEnd(o.askAnswered(m, &c))
		default:
			was, _ := r.Outage()
			o.askFailed()
			err = r.keepWaiting(was.IsZero(), failure)
		}
		r.observe(turn, failure)
		if answered || err != nil || !r.noOtherRow() {
			return err
		}
	}
}

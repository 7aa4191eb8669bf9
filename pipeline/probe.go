package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"rollcall/tenant"
)

// errLeft ends a run that leaves the rows in progress to another one.
var errLeft = errors.New("the tenant can't be reached")

// Outage returns since when the tenant can't be reached, or zero if it can or that
// is not certain, and for how long it could not be in all. It may be called at any
// time.
func (r *Run) Outage() (since time.Time, total time.Duration) {
	o := &r.outages
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.said {
		return o.since, o.total + time.Since(o.since)
	}
	return time.Time{}, o.total
}

// learn takes what a call of c for t, which began at m and ended with err, says of
// whether the tenant can be reached. It returns the failure that it was, if it did
// not get through, and an error if the run is not to wait for the tenant any longer.
func (r *Run) learn(ctx context.Context, m mark, t *task, c *tenant.Cmdlet, err error) (*failure, error) {
	if !r.Outages || err != nil && ctx.Err() != nil {
		return nil, nil
	}
	e, ok := errors.AsType[*tenant.Error](err)
	switch {
	case err != nil && !ok, // it may not have been sent
		errors.Is(err, tenant.Unauthorized): // the run is over
		return nil, nil
	case err == nil || !e.Unreachable:
		r.over(r.outages.answered(m, c))
		return nil, nil
	}
	was, _ := r.Outage()
	f, probe := r.outages.failed(m, c, t)
	if !probe {
		return f, nil
	}
	return f, r.await(was.IsZero(), err)
}

// over says that an outage is over, if it took any time.
func (r *Run) over(took time.Duration) {
	if took > 0 {
		r.Log.Warn("outage over", zap.Float64("seconds", took.Round(time.Millisecond).Seconds()))
	}
}

// await is called when a probe of an outage has failed with err, for the first time or
// again. It returns an error if the run is not to wait any longer.
func (r *Run) await(first bool, err error) error {
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
		r.trip("row-timeout", fmt.Sprintf("the tenant could not be reached since %s, for %v: %v", since.Format(time.RFC3339), r.RowTimeout, err))
	case !reached && time.Since(since) >= firstOutage:
		r.trip("", fmt.Sprintf("the tenant could not be reached from the start: %v", err))
	default:
		return nil
	}
	return &runError{errLeft}
}

// alone reports whether there is no row to make a call but those of which it is not
// known whose failures they had.
func (r *Run) alone() bool {
	return r.Stats.InProgress() <= int64(r.outages.inDoubt()) && (len(r.jobs) == 0 || r.stopped())
}

// left is called when a row is done. If there is an outage, and now no row but those
// that wait for its end, one of them has to ask.
func (r *Run) left() {
	if o := &r.outages; o.doubt.Load() != 0 && o.on() && r.alone() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.wake()
	}
}

// ask finds out whose the failures are when there is no other row to tell by: it
// asks the tenant for what it has answered before, or for the setting of t's user.
// What the answer is does not matter. In an outage it asks again until that is over
// or there is another row. One row asks at a time, and the others wait for it.
func (r *Run) ask(ctx context.Context, t *task) error {
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
	known := o.known
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
		m := o.mark()
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
			r.over(o.told(m, &c))
		default:
			was, _ := r.Outage()
			o.untold()
			err = r.await(was.IsZero(), failure)
		}
		r.observe(turn, failure)
		if answered || err != nil || !r.alone() {
			return err
		}
	}
}

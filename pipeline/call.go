package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v4"
	"go.uber.org/zap"

	"rollcall/pipeline/pace"
	"rollcall/tenant"
)

// get runs the cmdlet that reads the setting of t's user.
func (r *Run) get(ctx context.Context, t *task) (tenant.Object, error) {
	objects, err := r.call(ctx, t, r.Change.get)
	if err != nil {
		return nil, err
	}
	if len(objects) != 1 {
		return nil, fmt.Errorf("%s %s: the tenant returned %d objects, want 1", r.Change.get.Name, t.Row.UPN, len(objects))
	}
	// A text without an @ is an object ID: it can't be compared with a UPN.
	if about := r.Change.Setting.UserOf(objects[0]); about != "" && about != t.Row.UPN && strings.Contains(t.Row.UPN, "@") && !strings.EqualFold(about, t.Row.UPN) {
		return nil, fmt.Errorf("%s %s: the tenant returned another user, %q", r.Change.get.Name, t.Row.UPN, tenant.Clean(about))
	}
	return objects[0], nil
}

// call runs c for t's user, and runs it again while the failure is transient.
// It returns the last failure when r.Retries or r.RowTimeout is used up. If the call
// did not reach the tenant, it first waits until the cause is known, and it does not
// give up the row if the cause is the tenant.
func (r *Run) call(ctx context.Context, t *task, c tenant.Cmdlet) ([]tenant.Object, error) {
	c = c.For(t.Row.UPN)
	retry := retryState{run: r, task: t}
	defer retry.end()
	for {
		objects, f, err := r.attempt(ctx, t, &c)
		if err == nil {
			return objects, nil
		}
		e, ok := errors.AsType[*tenant.Error](err)
		if !ok || !e.Transient() || ctx.Err() != nil {
			return nil, err
		}
		switch {
		case e.Class == tenant.Throttled: // the Limiter waits, for all workers
			err = retry.throttled(err)
		case f == nil:
			err = retry.failed(ctx, err)
		default:
			err = retry.notReached(ctx, f, err)
		}
		if err != nil {
			return nil, err
		}
		t.retries++
	}
}

// attempt runs c once. If c did not reach the tenant, it also returns the failure,
// whose cause is not known yet.
func (r *Run) attempt(ctx context.Context, t *task, c *tenant.Cmdlet) ([]tenant.Object, *failure, error) {
	if err := r.commit(t, c); err != nil { // ahead of the turn, which would be held meanwhile
		return nil, nil, err
	}
	turn, err := r.Limiter.Wait(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err := r.refusal.begin(ctx, r.Limiter, turn); err != nil {
		return nil, nil, err
	}
	m := r.outages.callStart()
	t.Attempts++
	objects, err := r.Tenant.Run(ctx, *c)
	if !c.Reads() {
		t.noteSet(ctx, err)
	}
	f, ended := r.noteReachable(ctx, m, t, c, err)
	r.observe(turn, err)
	r.refusal.end(ctx, r.Limiter, err)
	if ended != nil {
		return nil, f, ended
	}
	return objects, f, err
}

// observe tells the Limiter how a call ended.
func (r *Run) observe(turn pace.Turn, err error) {
	if pause := r.Limiter.Observe(turn, err); pause > 0 {
		r.Log.Info("pause", zap.Float64("seconds", pause.Round(time.Millisecond).Seconds()), zap.NamedError("reason", err))
	}
}

// A retryState is what is known of the failed attempts of one cmdlet for one row.
type retryState struct {
	run       *Run
	task      *task
	waits     *backoff.ExponentialBackOff
	used      int        // retries for failures that the row certainly caused
	unreached []*failure // calls that did not reach the tenant, since the last outage

	anyUnreached bool // unreached was not empty at some time
}

// throttled returns an error if the row's time is over.
func (t *retryState) throttled(err error) error {
	if t.timeOver(0) {
		return t.tooLate(err)
	}
	return t.logRetry(err, 0)
}

// failed waits for the next attempt, or returns an error if there is none.
func (t *retryState) failed(ctx context.Context, err error) error {
	t.used++
	_, rows := t.run.outages.judge(t.unreached)
	if t.used+rows > t.run.Retries {
		return t.tooMany(err)
	}
	wait := t.wait()
	if t.timeOver(wait) {
		return t.tooLate(err)
	}
	t.logRetry(err, wait)
	return t.run.park(ctx, t.task, wait, nil)
}

// notReached is like failed, for an attempt that did not reach the tenant. During an
// outage, or before it gives the row up, it also waits until the cause is known.
func (t *retryState) notReached(ctx context.Context, f *failure, err error) error {
	r := t.run
	t.unreached, t.anyUnreached = append(t.unreached, f), true
	wait := t.wait()
	late := t.timeOver(wait)
	last := late || t.used+len(t.unreached) > r.Retries
	if last {
		wait = min(wait, time.Second) // by then other calls will have been answered
	}
	t.logRetry(err, wait)
	for waited := false; ; waited = true {
		changed := r.outages.change()
		cause, rows := r.outages.judge(t.unreached)
		var stop error
		switch {
		case cause == causeTenant:
			t.waits, t.unreached = nil, nil
			return nil
		case t.used+rows > r.Retries:
			return t.tooMany(err)
		case late && cause == causeRow:
			return t.tooLate(err)
		case !waited:
			stop = r.park(ctx, t.task, wait, changed)
		case cause == causeRow:
			return nil
		case r.noOtherRow():
			stop = r.askTenant(ctx, t.task)
		case r.outages.active(): // other rows make the probes
			stop = r.park(ctx, t.task, maxPark, changed)
		case last: // the call of another row, which is under way, will show the cause
			stop = r.park(ctx, t.task, time.Second, changed)
		default:
			return nil
		}
		if stop != nil {
			return stop
		}
	}
}

// wait returns how long to wait before the next attempt.
func (t *retryState) wait() time.Duration {
	if t.waits == nil {
		t.waits = retryWaits(time.Minute)
	}
	return t.waits.NextBackOff()
}

// timeOver reports whether the row's time will be over after a wait of that length.
func (t *retryState) timeOver(wait time.Duration) bool {
	r := t.run
	if r.RowTimeout <= 0 {
		return false
	}
	now := r.outages.now()
	if t.task.failed.IsZero() {
		t.task.failed = now
	}
	return now.Sub(t.task.failed)+max(wait, r.Limiter.PauseLeft()) > r.RowTimeout
}

func (t *retryState) tooMany(err error) error {
	return fmt.Errorf("%w (gave up: all %d retries are used)", err, t.run.Retries)
}

func (t *retryState) tooLate(err error) error {
	return fmt.Errorf("%w (gave up after %v)", err, t.run.RowTimeout)
}

// logRetry logs that there will be another attempt. It returns nil.
func (t *retryState) logRetry(err error, wait time.Duration) error {
	t.run.Log.Debug("retry", zap.Int("line", t.task.Row.Line), zap.Duration("wait", wait), zap.Error(err))
	return nil
}

// end is called after the last attempt.
func (t *retryState) end() {
	if t.anyUnreached {
		t.run.outages.drop(t.task, t.unreached)
	}
}

// fatal returns the error that ends the run, if err concerns all rows, or nil if it
// concerns one row.
func (r *Run) fatal(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, tenant.Unauthorized), errors.Is(err, tenant.ErrReadOnly):
		return err
	}
	if e, ok := errors.AsType[*runError](err); ok {
		return e.error
	}
	return nil
}

// A runError concerns all rows, not only the one that it occurred on.
type runError struct{ error }

// retryWaits returns the waits between attempts: about 1s, 2s, 4s and so on up to
// longest, each with a random spread of half its length.
func retryWaits(longest time.Duration) *backoff.ExponentialBackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(time.Second),
		backoff.WithMultiplier(2),
		backoff.WithRandomizationFactor(0.5),
		backoff.WithMaxInterval(longest),
		backoff.WithMaxElapsedTime(0),
	)
}

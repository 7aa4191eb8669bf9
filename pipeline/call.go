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
	// Without an @ either is an object ID, which is nothing to compare.
	if about := r.Change.Setting.About(objects[0]); about != "" && about != t.Row.UPN && strings.Contains(t.Row.UPN, "@") && !strings.EqualFold(about, t.Row.UPN) {
		return nil, fmt.Errorf("%s %s: the tenant answered about another user, %q", r.Change.get.Name, t.Row.UPN, tenant.Clean(about))
	}
	return objects[0], nil
}

// call runs c for t's user, and runs it again while the failure is transient.
// It returns the last failure when r.Retries are used up, or the row's time: not
// before it is known whose failure it was, and not if it was the tenant's.
func (r *Run) call(ctx context.Context, t *task, c tenant.Cmdlet) ([]tenant.Object, error) {
	c = c.For(t.Row.UPN)
	tries := tries{run: r, task: t}
	defer tries.end()
	for {
		objects, f, err := r.attempt(ctx, t, &c)
		if err == nil {
			return objects, nil
		}
		t.unknown = t.unknown || !c.Reads() && (isUnknown(err) || ctx.Err() != nil)
		e, ok := errors.AsType[*tenant.Error](err)
		if !ok || !e.Transient() || ctx.Err() != nil {
			return nil, err
		}
		switch {
		case e.Class == tenant.Throttled: // it is the Limiter that waits, for all
			err = tries.throttled(err)
		case f == nil:
			err = tries.failed(ctx, err)
		default:
			err = tries.lost(ctx, f, err)
		}
		if err != nil {
			return nil, err
		}
		t.retries++
	}
}

// attempt runs c once. Beside an error it returns the failure that this is, if c
// did not get through to the tenant.
func (r *Run) attempt(ctx context.Context, t *task, c *tenant.Cmdlet) ([]tenant.Object, *failure, error) {
	turn, err := r.Limiter.Wait(ctx)
	if err != nil {
		return nil, nil, err
	}
	m := r.outages.mark()
	t.Attempts++
	objects, err := r.Tenant.Run(ctx, *c)
	f, ended := r.learn(ctx, m, t, c, err)
	r.observe(turn, err)
	if ended != nil {
		t.unknown = t.unknown || !c.Reads()
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

// tries are the attempts of one cmdlet for one row that have failed.
type tries struct {
	run    *Run
	task   *task
	waits  *backoff.ExponentialBackOff
	spent  int        // retries, for what was certainly the row's
	doubts []*failure // calls that did not get through, since the last outage

	doubtful bool // there have been such
}

// throttled returns an error if err is the last that the row has time for.
func (t *tries) throttled(err error) error {
	if t.late(0) {
		return t.tooLate(err)
	}
	return t.again(err, 0)
}

// failed waits until the next attempt, unless there is to be none.
func (t *tries) failed(ctx context.Context, err error) error {
	t.spent++
	_, rows := t.run.outages.judge(t.doubts)
	if t.spent+rows > t.run.Retries {
		return t.tooMany(err)
	}
	wait := t.wait()
	if t.late(wait) {
		return t.tooLate(err)
	}
	t.again(err, wait)
	return t.run.pool.park(ctx, t.task, wait, nil)
}

// lost is failed, for an attempt that did not get through to the tenant. It waits, too,
// until it is known whose failure that was, if it were the row's last or if there is
// an outage.
func (t *tries) lost(ctx context.Context, f *failure, err error) error {
	r := t.run
	t.doubts, t.doubtful = append(t.doubts, f), true
	wait := t.wait()
	late := t.late(wait)
	last := late || t.spent+len(t.doubts) > r.Retries
	if last {
		wait = min(wait, time.Second) // by then, others will have been answered
	}
	t.again(err, wait)
	for waited := false; ; waited = true {
		look := r.outages.watch()
		whose, rows := r.outages.judge(t.doubts)
		var stop error
		switch {
		case whose == theTenants:
			t.waits, t.doubts = nil, nil
			return nil
		case t.spent+rows > r.Retries:
			return t.tooMany(err)
		case late && whose == theRows:
			return t.tooLate(err)
		case !waited:
			stop = r.pool.park(ctx, t.task, wait, look)
		case whose == theRows:
			return nil
		case r.alone():
			stop = r.ask(ctx, t.task)
		case r.outages.on(): // other rows are the better probes
			stop = r.pool.park(ctx, t.task, longestPark, look)
		default:
			return nil
		}
		if stop != nil {
			return stop
		}
	}
}

// wait returns how long to wait for the next attempt.
func (t *tries) wait() time.Duration {
	if t.waits == nil {
		t.waits = retryWaits(time.Minute)
	}
	return t.waits.NextBackOff()
}

// late reports whether the row's time is over, if it is to wait for so long.
func (t *tries) late(wait time.Duration) bool {
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

func (t *tries) tooMany(err error) error {
	return fmt.Errorf("%w (gave up: no retries left of %d)", err, t.run.Retries)
}

func (t *tries) tooLate(err error) error {
	return fmt.Errorf("%w (gave up after %v)", err, t.run.RowTimeout)
}

// again logs that there will be another attempt. It always returns nil.
func (t *tries) again(err error, wait time.Duration) error {
	t.run.Log.Debug("retry", zap.Int("line", t.task.Row.Line), zap.Duration("wait", wait), zap.Error(err))
	return nil
}

// end is called when the cmdlet is done with.
func (t *tries) end() {
	if t.doubtful {
		t.run.outages.forget(t.task, t.doubts)
	}
}

// fatal returns the error that ends the run if err does, and nil if it is the
// row's own.
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

// A runError concerns not only the row that met it.
type runError struct{ error }

// retryWaits returns the waits between attempts: about 1s, 2s, 4s and so on to
// most, each half as long again or half as short, by chance.
func retryWaits(most time.Duration) *backoff.ExponentialBackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(time.Second),
		backoff.WithMultiplier(2),
		backoff.WithRandomizationFactor(0.5),
		backoff.WithMaxInterval(most),
		backoff.WithMaxElapsedTime(0),
	)
}

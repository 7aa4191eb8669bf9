package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v4"
	"go.uber.org/zap"

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
	if about := r.Change.Setting.About(objects[0]); about != "" && strings.Contains(t.Row.UPN, "@") && !strings.EqualFold(about, t.Row.UPN) {
		return nil, fmt.Errorf("%s %s: the tenant answered about another user, %q", r.Change.get.Name, t.Row.UPN, tenant.Clean(about))
	}
	return objects[0], nil
}

// call runs c for t's user, and runs it again while the failure is transient.
// It returns the last failure when r.Retries are used up, or the row's time.
func (r *Run) call(ctx context.Context, t *task, c tenant.Cmdlet) ([]tenant.Object, error) {
	c = c.For(t.Row.UPN)
	var waits *backoff.ExponentialBackOff
	for left := r.Retries; ; {
		turn, err := r.Limiter.Wait(ctx)
		if err != nil {
			return nil, err
		}
		t.Attempts++
		objects, err := r.Tenant.Run(ctx, c)
		if pause := r.Limiter.Observe(turn, err); pause > 0 {
			r.Log.Info("pause", zap.Float64("seconds", pause.Round(time.Millisecond).Seconds()), zap.NamedError("reason", err))
		}
		if err == nil {
			return objects, nil
		}
		t.unknown = t.unknown || !c.Reads() && (isUnknown(err) || err != nil && ctx.Err() != nil)
		e, ok := errors.AsType[*tenant.Error](err)
		if !ok || !e.Transient() || ctx.Err() != nil {
			return nil, err
		}
		var wait time.Duration // throttled, it is the Limiter that waits, for all
		if e.Class != tenant.Throttled {
			if left == 0 {
				return nil, fmt.Errorf("%w (gave up: no retries left of %d)", err, r.Retries)
			}
			left--
			if waits == nil {
				waits = retryWaits()
			}
			wait = waits.NextBackOff()
		}
		if r.RowTimeout > 0 {
			if t.failed.IsZero() {
				t.failed = time.Now()
			}
			if time.Since(t.failed)+max(wait, r.Limiter.pauseLeft()) > r.RowTimeout {
				return nil, fmt.Errorf("%w (gave up after %v)", err, r.RowTimeout)
			}
		}
		t.retries++
		r.Log.Debug("retry", zap.Int("line", t.Row.Line), zap.Duration("wait", wait), zap.Error(err))
		if wait > 0 {
			if err := r.pool.park(ctx, t, wait); err != nil {
				return nil, err
			}
		}
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

// retryWaits returns the waits between attempts: about 1s, 2s, 4s and so on,
// each half as long again or half as short, by chance.
func retryWaits() *backoff.ExponentialBackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(time.Second),
		backoff.WithMultiplier(2),
		backoff.WithRandomizationFactor(0.5),
		backoff.WithMaxInterval(time.Minute),
		backoff.WithMaxElapsedTime(0),
	)
}

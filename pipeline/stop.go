package pipeline

import "context"

// Stopped returns, once Do has returned, why a guard stopped the run, or "".
func (r *Run) Stopped() string { return r.reason }

// StoppedBy returns the name of that guard: canary, limit, max-errors, max-duration or
// row-timeout; or "" for a guard without an option.
func (r *Run) StoppedBy() string { return r.guard }

// Alike returns, once Do has returned, how the attempted rows failed, if there were
// several and all of them failed in the same way; otherwise "". The cause may then have
// nothing to do with the users.
func (r *Run) Alike() string { return r.alike }

// trip stops the run for a guard and its reason.
func (r *Run) trip(guard, reason string) {
	r.once.Do(func() {
		r.guard, r.reason = guard, reason
		r.halted.Store(true)
		close(r.tripped)
	})
}

// wait waits for c, and reports whether it was ready before the run was stopped.
func (r *Run) wait(ctx context.Context, c <-chan struct{}) (bool, error) {
	select {
	case <-c:
		return true, nil
	case <-r.Stop:
		return false, nil
	case <-r.tripped:
		return false, nil
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}

// stopped reports whether no further row is to be begun.
func (r *Run) stopped() bool {
	select { // one select for each costs a fraction of one for both
	case <-r.Stop:
		return true
	default:
	}
	select {
	case <-r.tripped:
		return true
	default:
		return false
	}
}

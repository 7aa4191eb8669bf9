package powershell

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rollcall/tenant"
)

const (
	// maxStarts is how many processes start side by side, once one has signed
	// in: the service dislikes many sign-ins at once, and if the first one
	// fails there is no need for the others.
	maxStarts = 3

	// maxCalls is how many cmdlets a process runs. With each it grows by some
	// 16 KB (certain: seen with Microsoft's own).
	maxCalls = 4000

	// startPause is how long no further process is started after one could not be
	// started, while there are others.
	startPause = 30 * time.Second
)

// acquire returns a process that has signed in, for the caller alone until it is
// released: an idle one, or a new one if all are busy and fewer than
// cfg.Processes.
func (t *Tenant) acquire(ctx context.Context) (*process, error) {
	for {
		p, err := t.tryAcquire(ctx)
		switch {
		case err != nil:
			return nil, err
		case p == nil:
		case p.dead():
			close(p.unused)
		case t.isDue(ctx, p):
			t.retire(p)
		default:
			return p, nil
		}
	}
}

// tryAcquire returns an idle process, which may have ended, or a new one. It returns
// nil if the caller is to try again.
func (t *Tenant) tryAcquire(ctx context.Context) (*process, error) {
	// An idle process is preferred to a new one, and the end of t or ctx to either:
	// select would choose at random.
	switch {
	case t.closed():
		return nil, errClosed
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	select {
	case p := <-t.idle:
		return p, nil
	default:
	}
	places := t.places
	wait := t.startDelay()
	if wait > 0 {
		places = nil
	}
	respite := time.NewTimer(wait)
	defer respite.Stop()
	for {
		select {
		case p := <-t.idle:
			return p, nil
		case places <- struct{}{}:
			return t.startNext(ctx)
		case <-t.died: // it may have been the last one
			return nil, nil
		case <-respite.C:
			if places == nil {
				return nil, nil
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-t.closing:
			return nil, errClosed
		}
	}
}

// startNext starts a process in the place that the caller holds, as soon as fewer
// than maxStarts are starting, unless another is idle by then. It returns nil if the
// start failed and the call may go on without it.
func (t *Tenant) startNext(ctx context.Context) (*process, error) {
	select {
	case p := <-t.idle:
		<-t.places
		return p, nil
	case t.starting <- struct{}{}:
		defer func() { <-t.starting }()
	case <-ctx.Done():
		<-t.places
		return nil, ctx.Err()
	case <-t.closing:
		<-t.places
		return nil, errClosed
	}
	p, err := t.start(ctx)
	if err == nil {
		t.signedIn.Do(func() {
			for range maxStarts - 1 {
				<-t.starting
			}
		})
		return p, nil
	}
	if errors.Is(err, errOtherVersion) || ctx.Err() == nil && !t.closed() && t.postpone(err) {
		return nil, nil
	}
	return nil, err
}

// startDelay returns how long no further process is to be started.
func (t *Tenant) startDelay() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ready == 0 {
		return 0
	}
	return time.Until(t.startAfter)
}

// postpone delays further starts, as one has failed with err, and reports whether
// there are processes to go on with.
func (t *Tenant) postpone(err error) bool {
	t.mu.Lock()
	wait := startPause
	if e, ok := errors.AsType[*tenant.Error](err); ok {
		wait = max(wait, e.RetryAfter)
	}
	t.startAfter = time.Now().Add(wait)
	ready := t.ready
	t.mu.Unlock()
	if ready > 0 {
		t.remark(fmt.Sprintf("a further PowerShell process could not be started, and the run goes on with %d: %v", ready, err))
	}
	return ready > 0
}

// release returns p to the pool, unless it has ended or is to be replaced.
func (t *Tenant) release(p *process) {
	switch {
	case p.dead():
		close(p.unused)
	case p.replace, p.calls >= maxCalls && !t.cfg.SignIn.byHand():
		t.retire(p)
	default:
		t.idle <- p // has room, for p has a place
	}
}

// retire has p, which the caller has acquired, end.
func (t *Tenant) retire(p *process) {
	t.mu.Lock()
	defer t.mu.Unlock()
	close(p.unused)
	if t.closed() {
		p.end()
		return
	}
	t.ends.Go(p.finish)
}

// Close ends all processes, and returns when they have ended. Idle ones may
// disconnect from the service first; calls under way fail. After that every
// call does.
func (t *Tenant) Close() {
	t.closeOnce.Do(func() {
		t.mu.Lock() // no process is launched meanwhile, and later none
		close(t.closing)
		idle := t.takeIdle()
		for p := range t.live {
			if !idle[p] {
				p.end()
			}
		}
		t.mu.Unlock()
		for p := range idle {
			t.ends.Go(p.finish)
		}
		t.ends.Wait()
	})
}

// takeIdle takes the idle processes out of the pool.
func (t *Tenant) takeIdle() map[*process]bool {
	idle := make(map[*process]bool)
	for {
		select {
		case p := <-t.idle:
			idle[p] = true
		default:
			return idle
		}
	}
}

func (t *Tenant) closed() bool {
	select {
	case <-t.closing:
		return true
	default:
		return false
	}
}

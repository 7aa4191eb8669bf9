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

	// startRespite is how long no further process is started when one could not
	// be, and there are others.
	startRespite = 30 * time.Second
)

// acquire returns a process that has signed in, and that no one else has until
// it is released: an idle one, or a new one if all are busy and there may be
// more.
func (t *Tenant) acquire(ctx context.Context) (*process, error) {
	for {
		p, err := t.take(ctx)
		switch {
		case err != nil:
			return nil, err
		case p == nil:
		case p.dead():
			close(p.given)
		case t.isDue(ctx, p):
			t.retire(p)
		default:
			return p, nil
		}
	}
}

// take returns an idle process, which may be dead, or a new one. It returns nil
// if neither was to be had, but may be.
func (t *Tenant) take(ctx context.Context) (*process, error) {
	// An idle process comes before a new one, and an end before either: select
	// would choose by lot.
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
	wait := t.respite()
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
			return t.add(ctx)
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

// add starts a process in the place that the caller holds, when it is the
// caller's turn, unless another is idle by then. It returns nil if that failed,
// and is no reason for the call to fail.
func (t *Tenant) add(ctx context.Context) (*process, error) {
	select {
	case p := <-t.idle:
		<-t.places
		return p, nil
	case t.turns <- struct{}{}:
		defer func() { <-t.turns }()
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
				<-t.turns
			}
		})
		return p, nil
	}
	if errors.Is(err, errOtherVersion) || ctx.Err() == nil && !t.closed() && t.postpone(err) {
		return nil, nil
	}
	return nil, err
}

// respite returns how long no further process is to be started.
func (t *Tenant) respite() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ready == 0 {
		return 0
	}
	return time.Until(t.after)
}

// postpone puts off further starts, as one has failed with err, and reports
// whether there are processes to go on with.
func (t *Tenant) postpone(err error) bool {
	t.mu.Lock()
	wait := startRespite
	if e, ok := errors.AsType[*tenant.Error](err); ok {
		wait = max(wait, e.RetryAfter)
	}
	t.after = time.Now().Add(wait)
	ready := t.ready
	t.mu.Unlock()
	if ready > 0 {
		t.remark(fmt.Sprintf("a further PowerShell process could not be started, and the run goes on with %d: %v", ready, err))
	}
	return ready > 0
}

// release gives p back, or up if it is being ended or is to be replaced.
func (t *Tenant) release(p *process) {
	switch {
	case p.dead():
		close(p.given)
	case p.worn, p.calls >= maxCalls && !t.cfg.SignIn.byHand():
		t.retire(p)
	default:
		t.idle <- p // has room, for p has a place
	}
}

// retire lets p, which no one else has, end by itself.
func (t *Tenant) retire(p *process) {
	t.mu.Lock()
	defer t.mu.Unlock()
	close(p.given)
	if t.closed() {
		p.end()
		return
	}
	t.ends.Go(p.leave)
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
			t.ends.Go(p.leave)
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

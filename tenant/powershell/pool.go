package powershell

import (
	"context"
	"fmt"

	"rollcall/tenant"
)

// acquire returns a process that has signed in, and that no one else has until
// it is released: an idle one, or a new one if all are busy and there may be
// more. Only one is started at a time: the service dislikes many sign-ins at
// once, and if the first one fails there is no need for the others.
func (t *Tenant) acquire(ctx context.Context) (*process, error) {
	for {
		// An idle process comes before a new one, and an end before either:
		// select would choose by lot.
		switch {
		case t.closed():
			return nil, errClosed
		case ctx.Err() != nil:
			return nil, ctx.Err()
		}
		var p *process
		select {
		case p = <-t.idle:
		default:
			select {
			case p = <-t.idle:
			case t.places <- struct{}{}:
				select {
				case p = <-t.idle:
					<-t.places
				case t.turn <- struct{}{}:
					defer func() { <-t.turn }()
					return t.start(ctx)
				case <-ctx.Done():
					<-t.places
				case <-t.closing:
					<-t.places
				}
			case <-ctx.Done():
			case <-t.closing:
			}
		}
		switch {
		case p == nil:
		case p.dead():
			close(p.given)
		default:
			return p, nil
		}
	}
}

// release gives p back, or up if it is being ended.
func (t *Tenant) release(p *process) {
	if p.dead() {
		close(p.given)
		return
	}
	t.idle <- p // has room, for p has a place
}

// start starts a process in the place that the caller holds, and signs in. The
// place is free again when the process has ended.
func (t *Tenant) start(ctx context.Context) (_ *process, err error) {
	free := func() { <-t.places }
	facts := Facts{Program: t.cfg.Program}
	defer func() { t.setFacts(facts) }()
	program, err := find(t.cfg.Program)
	if err != nil {
		free()
		return nil, err
	}
	facts.Program = program
	p, err := t.launch(program, free)
	if err != nil {
		return nil, err
	}
	defer func() {
		p.notice.Store(nil)
		if err != nil {
			p.end()
			close(p.given)
		}
	}()

	r, err := p.call(ctx, request{Op: "begin", Nonce: text(p.nonce), Noun: text(t.cfg.Noun)}, t.cfg.Timeout)
	if err != nil {
		return nil, bootError(err)
	}
	secrets := *p.secrets.Load()
	facts.PowerShell = tenant.Clean(r.PowerShell, secrets...)
	facts.Edition = tenant.Clean(r.Edition, secrets...)
	facts.Module = tenant.Clean(r.Module, secrets...)
	if err := checkModule(facts.Module); err != nil {
		return nil, err
	}

	c, err := t.cfg.SignIn.credential(ctx, "")
	if err != nil {
		return nil, noCredential(err)
	}
	secrets = c.secrets()
	p.secrets.Store(&secrets)
	r, err = p.call(ctx, request{Op: "connect", Module: text(facts.Module), Parameters: c.parameters}, t.signInTimeout)
	if err != nil {
		return nil, fmt.Errorf("sign in with Connect-ExchangeOnline: %w", err)
	}
	if r.Error != nil {
		return nil, r.Error.refusal(t.String(), secrets)
	}
	for _, name := range r.Cmdlets {
		facts.Cmdlets = append(facts.Cmdlets, tenant.Clean(name, secrets...))
	}
	p.cmdlets = facts.Cmdlets
	return p, nil
}

// launch starts program and keeps account of it. It frees the place if that
// fails, and when the process has ended.
func (t *Tenant) launch(program string, free func()) (*process, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed() {
		free()
		return nil, errClosed
	}
	var p *process
	started := make(chan struct{})
	defer close(started)
	p, err := startProcess(program, t.cfg.Inherit, func() {
		<-started
		t.mu.Lock()
		delete(t.live, p)
		t.mu.Unlock()
		// Whoever has p, or finds it in the pool, has yet to give it up: so
		// that there never are more processes in the pool than places.
		select {
		case <-p.given:
		case <-t.closing:
		}
		free()
		t.ends.Done()
	})
	if err != nil {
		free()
		return nil, setupError("install PowerShell 7: https://aka.ms/powershell", "start PowerShell: %w", err)
	}
	t.live[p] = true
	t.ends.Add(1)
	if t.cfg.Notice != nil {
		notice := t.notice
		p.notice.Store(&notice)
	}
	p.lines <- preamble() // has room, for it is the first
	return p, nil
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

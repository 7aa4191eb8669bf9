package powershell

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"rollcall/tenant"
)

// Run runs c and returns the objects that it wrote, or an error: never some of
// the objects only.
//
// The error is a [*tenant.Error], except in three cases. If ctx has ended, it
// is ctx.Err() with c's name and user, unless c was not handed to a process. If c can't be
// sent to any tenant, or is about another noun, or a user whom Microsoft's module can't
// name, the error is the reason, and nothing was sent. If t is closed, the error is that.
func (t *Tenant) Run(ctx context.Context, c tenant.Cmdlet) ([]tenant.Object, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	if c.Noun() != t.cfg.Noun {
		return nil, fmt.Errorf("run %s: this tenant was made for %s only", c.Name, t.cfg.Noun)
	}
	if err := checkIdentity(c); err != nil {
		return nil, err
	}
	list, err := parameters(c)
	if err != nil {
		return nil, err
	}
	objects, unsent, err := t.run(ctx, c, list)
	if err == nil {
		return objects, nil
	}
	var e *tenant.Error
	switch found, ok := errors.AsType[*tenant.Error](err); {
	case ctx.Err() != nil && !unsent:
		return nil, fmt.Errorf("%s %s: %w", c.Name, c.Identity, ctx.Err())
	case ctx.Err() != nil:
		e = unavailable(ctx.Err())
	case errors.Is(err, errClosed), t.closed():
		return nil, fmt.Errorf("%s %s: %w", c.Name, c.Identity, errClosed)
	case ok:
		own := *found // several calls may have the error of one token
		e = &own
	default:
		e = unavailable(err)
		if _, ok := errors.AsType[*SetupError](err); ok {
			e.Class, e.Unreachable = tenant.Unauthorized, false // every call would fail so
		}
	}
	e.Op, e.Object, e.Unsent = c.Name, c.Identity, e.Unsent || unsent
	return nil, e
}

// unavailable returns err as the error of a call that may succeed later.
func unavailable(err error) *tenant.Error {
	return &tenant.Error{Class: tenant.Unavailable, Unreachable: true, Err: err}
}

// run makes one attempt. Unsent says that c was not handed to a process.
func (t *Tenant) run(ctx context.Context, c tenant.Cmdlet, list []parameter) (objects []tenant.Object, unsent bool, _ error) {
	p, err := t.acquire(ctx)
	if err != nil {
		return nil, true, err
	}
	defer t.release(p)
	if err := t.checkCmdlet(p.cmdlets, c.Name); err != nil {
		return nil, true, err
	}
	r, err := p.call(ctx, request{Op: "run", Cmdlet: text(c.Name), Parameters: list}, t.cfg.Timeout)
	if err != nil {
		return nil, false, err
	}
	if t.cfg.Warn != nil {
		for _, w := range r.Warnings {
			t.cfg.Warn(c, tenant.Clean(w, *p.secrets.Load()...))
		}
	}
	p.calls++
	objects, e, lost := r.result(c, *p.secrets.Load())
	switch {
	case lost, e != nil && e.Class == tenant.Unauthorized && e.Status == http.StatusUnauthorized && !r.Error.isDiscovery():
		renew, final := t.refusals.recordRefused(c.Identity, p.accepted)
		if renew {
			t.refuseToken(p.token)
		}
		// A process whose session is over can't be used again.
		p.replace = p.replace || renew || lost
		e.Class = tenant.Unavailable
		if final {
			e.Class = tenant.Unauthorized
		}
		return nil, false, e
	case e != nil:
		if e.Class != tenant.Unavailable && e.Class != tenant.Unauthorized {
			p.accepted = true
			t.refusals.recordServed()
		}
		return nil, false, e
	case objects == nil:
		p.end()
		return nil, false, &endedError{text: "PowerShell sent a reply without objects or error"}
	}
	p.accepted = true
	t.refusals.recordServed()
	return objects, false, nil
}

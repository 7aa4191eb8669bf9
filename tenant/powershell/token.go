package powershell

import (
	"context"
	"time"
)

// A process is replaced before its token expires, so that no cmdlet runs longer than
// the token is good.
const (
	tokenMargin = 5 * time.Minute
	tokenRetry  = 10 * time.Second // between two requests for a later token
)

// renewal returns when to ask for a token after one that expires at end: tokenMargin
// before that, or after three quarters of its life if that is later.
func renewal(now, end time.Time) time.Time {
	if end.IsZero() {
		return end
	}
	return now.Add(max(end.Sub(now)-tokenMargin, end.Sub(now)*3/4))
}

// isDue reports whether the token of p is about to expire, and there is a later one.
func (t *Tenant) isDue(ctx context.Context, p *process) bool {
	now := time.Now()
	if p.calls == 0 || p.renew.IsZero() || now.Before(p.renew) {
		return false
	}
	p.renew = now.Add(tokenRetry)
	token, _, err := t.cfg.SignIn.Token(ctx, "")
	return err == nil && token != p.token
}

// refusedToken returns a token that the service has refused, or "".
func (t *Tenant) refusedToken() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.refused
}

// refuseToken has the next process sign in with another token than this one.
func (t *Tenant) refuseToken(token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refused = token
}

package powershell

import (
	"context"
	"time"
)

// When a session is renewed before its token ends: a cmdlet that has begun is to
// end in time.
const (
	tokenMargin = 5 * time.Minute
	tokenLook   = 10 * time.Second // until a token source that had none is asked for another again
)

// renewal returns when to look for another token than one that ends at the time
// of end: some minutes ahead, or late in the life of one that has less.
func renewal(now, end time.Time) time.Time {
	if end.IsZero() {
		return end
	}
	return now.Add(max(end.Sub(now)-tokenMargin, end.Sub(now)*3/4))
}

// isDue reports whether the token of p is about to end, and another is to be had.
func (t *Tenant) isDue(ctx context.Context, p *process) bool {
	now := time.Now()
	if p.calls == 0 || p.renew.IsZero() || now.Before(p.renew) {
		return false
	}
	p.renew = now.Add(tokenLook)
	token, _, err := t.cfg.SignIn.Token(ctx, "")
	return err == nil && token != p.token
}

// refused returns a token that the service has refused, or "".
func (t *Tenant) refused() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.token
}

// refuseToken has the next process sign in with another token, if there is one.
func (t *Tenant) refuseToken(token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.token = token
}

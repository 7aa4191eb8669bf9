package powershell

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
)

// When a session is renewed before its token ends: a cmdlet that has begun is to
// end in time.
const (
	tokenMargin = 5 * time.Minute
	tokenLook   = 10 * time.Second // until a token source that had none is asked for another again
)

// expiry returns when token ends, or the zero time if it does not say so. The
// token is not verified: that is the service's business.
func expiry(token string) time.Time {
	_, rest, _ := strings.Cut(token, ".")
	payload, _, _ := strings.Cut(rest, ".")
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(payload, "="))
	var claims struct {
		Exp float64 `json:"exp"`
	}
	if err != nil || json.Unmarshal(b, &claims) != nil || claims.Exp <= 0 || claims.Exp > 1e11 {
		return time.Time{}
	}
	return time.Unix(int64(claims.Exp), 0)
}

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
	token, err := t.cfg.SignIn.Token(ctx, "")
	return err == nil && token != p.token
}

package rest

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"rollcall/tenant"
)

// How often, and for how long, tokens have to be refused until the refusal is permanent.
// Now and then a call succeeds with a token that got a status of 401 before (certain: the
// module tries again; how often it happens is not known).
const (
	refusedTimes = 4
	refusedFor   = 5 * time.Second

	// The same, if the reply says that the token is invalid.
	saidTimes = 2
	saidFor   = time.Second
)

// refusals counts the replies of status 401 since a token was last accepted. A token that is
// refused only for one user is accepted for others in between.
type refusals struct {
	some  atomic.Bool
	mu    sync.Mutex
	times int
	since time.Time
}

// accept notes that a token was accepted.
func (f *refusals) accept() {
	if !f.some.Load() {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.times = 0
	f.some.Store(false)
}

// refuse notes that r refuses its token, and reports whether the refusal is permanent.
func (f *refusals) refuse(r *Reply) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if f.times == 0 {
		f.since = now
		f.some.Store(true)
	}
	f.times++
	times, after := refusedTimes, refusedFor
	if saysBad(r) {
		times, after = saidTimes, saidFor
	}
	return f.times >= times && now.Sub(f.since) >= after || isOver(r.Token, now)
}

// saysBad reports whether r says that the token is invalid: expired, revoked or
// malformed.
func saysBad(r *Reply) bool {
	for _, v := range r.Header.Values("WWW-Authenticate") {
		for p := range parameters(v) {
			if strings.EqualFold(p.name, "error") && strings.EqualFold(p.value, "invalid_token") {
				return true
			}
		}
	}
	text := strings.ToLower(strings.Join(r.Header.Values("WWW-Authenticate"), "\n") + string(r.Body[:min(len(r.Body), 4<<10)]))
	return challenge(r.Header) != "" || strings.Contains(text, "expired") || strings.Contains(text, "lifetime validation failed")
}

// isOver reports whether token has expired, by its own claims and with some minutes for
// differences between clocks.
func isOver(token string, now time.Time) bool {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return false
	}
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	var claims struct {
		Expires float64 `json:"exp"`
	}
	if err != nil || json.Unmarshal(b, &claims) != nil || claims.Expires <= 0 {
		return false
	}
	return now.Sub(time.Unix(int64(min(claims.Expires, 1<<40)), 0)) > 5*time.Minute
}

// isRefused reports whether r refuses its token.
func (c *Client) isRefused(r *Reply) bool {
	return r.Status == http.StatusUnauthorized && c.fault(r).Class == tenant.Unauthorized
}

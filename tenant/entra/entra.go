// Package entra gets access tokens from Microsoft Entra ID.
//
//	Token ─ cached and good ────────────────────────────→ token
//	  └ else one request for all callers ── azidentity ─→ token
//	                                            └ fault → *tenant.Error
//
// A [Source] keeps one token and asks for another before it expires, or when the tenant
// refuses it. If several goroutines need one, it makes a single request.
//
// azidentity signs in. This package was not tried against Entra ID: facts about it are
// from azidentity's source and Microsoft's documentation, and marked where they are not
// certain.
package entra

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"rollcall/tenant"
)

// When a token is renewed.
const (
	margin  = 5 * time.Minute  // time before its end: azidentity has the same margin
	respite = 30 * time.Second // how long a cached token is used after a renewal failed
)

// A Source has the tokens of one identity, for one scope. It is safe for use by
// several goroutines at once.
type Source struct {
	get      getter
	about    string
	warnings []string
	requests singleflight.Group

	mu     sync.Mutex
	cached issued
}

// A getter gets tokens from a file or from azidentity. It is called by one goroutine at a
// time.
type getter interface {
	// token returns a token. If refused is not "", it is another one than refused.
	token(ctx context.Context, refused, claims string) (issued, error)
}

// An issued is a token and the time for which it is used.
type issued struct {
	token   string
	expires time.Time // the zero value if that is not known
	renew   time.Time // when to ask for another
}

// A reply is the result of a request for another token than the refused one.
type reply struct {
	refused string
	token   string
	err     error
	ended   bool // err is that the context of the caller that made the request has ended
}

// Token returns a token that is valid for at least some minutes, from the cache or by a
// request.
//
// refused, unless "", is a token that the tenant answered with 401: Token then returns
// another one, with the claims, a JSON object or "", that the challenge named. A cached
// token that is newer than the refused one is returned whatever its claims are: claims ask
// for a token that was issued after some event.
//
// The error is ctx.Err() if ctx has ended. Otherwise it is a [*tenant.Error] of class
// Unavailable or, if there is no token or no other one, of class Unauthorized.
func (s *Source) Token(ctx context.Context, refused, claims string) (string, error) {
	for {
		if token, ok := s.fromCache(refused); ok {
			return token, nil
		}
		mine := false // this call made the request that it waits for
		replies := s.requests.DoChan("", func() (any, error) {
			mine = true
			return s.fetch(ctx, refused, claims), nil
		})
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case r := <-replies:
			switch r := r.Val.(reply); {
			case r.err == nil && r.token != refused:
				return r.token, nil
			case mine, r.err != nil && !r.ended && r.refused == refused:
				return "", r.err
			}
			// The result of another call's request may not apply to this call, which
			// may have another refused token.
		}
	}
}

// fromCache returns the cached token if it is valid and not the refused one.
func (s *Source) fromCache(refused string) (token string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.cached
	return c.token, c.token != "" && c.token != refused && time.Now().Before(c.renew)
}

// fetch requests a token and caches it.
func (s *Source) fetch(ctx context.Context, refused, claims string) reply {
	// The previous request may have ended after the cache was checked.
	if token, ok := s.fromCache(refused); ok {
		return reply{refused: refused, token: token}
	}
	got, err := s.get.token(ctx, refused, claims)
	ended := err != nil && ctx.Err() != nil
	if ended {
		err = ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil:
		if got.token == s.cached.token && !time.Now().Before(got.renew) {
			// Azidentity does not report that a renewal failed as long as the old token
			// is valid.
			got.renew = soonest(time.Now().Add(respite), got.expires)
		}
		s.cached = got
	case refused == "" && !ended && s.cached.token != "" && time.Now().Before(s.cached.expires) && isUnavailable(err):
		// The cached token is still valid for some minutes.
		s.cached.renew = soonest(time.Now().Add(respite), s.cached.expires)
		got, err = s.cached, nil
	}
	return reply{refused, got.token, err, ended}
}

func soonest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// Warnings returns problems that don't prevent signing in: files that others may read, a
// certificate that expires soon.
func (s *Source) Warnings() []string { return s.warnings }

// String returns what signs in, and where. With it, printing a Source does not show its
// fields.
func (s *Source) String() string { return s.about }

// GoString is the same, for %#v.
func (s *Source) GoString() string { return s.about }

func isUnavailable(err error) bool {
	e, ok := err.(*tenant.Error)
	return ok && e.Class == tenant.Unavailable
}

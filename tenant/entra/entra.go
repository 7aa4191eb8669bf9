// Package entra gets access tokens from Microsoft Entra ID, for the tenants
// that need one and for who wants to know what a token is good for.
//
//	Token ─ cached and good ────────────────────────────→ token
//	  └ else one request for all who wait ─ azidentity ─→ token
//	                                            └ fault → *tenant.Error
//
// A [Source] keeps one token and asks for another ahead of its end, or when
// the tenant refuses it. However many goroutines want one, a single request is
// made. [Inspect] reads a token without verifying it.
//
// Signing in is azidentity's business. This package could not be tried against
// Entra ID: facts about it are from azidentity's source and Microsoft's
// documentation, and marked where they are less than certain.
package entra

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"rollcall/tenant"
)

// How long a token is good for.
const (
	margin  = 5 * time.Minute  // ahead of its end another is asked for: azidentity's own margin
	respite = 30 * time.Second // how long a cached token is used on when another could not be had
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

// A getter gets tokens from where they are. It is asked by one goroutine at a
// time.
type getter interface {
	// token returns a token, another than refused unless that is "".
	token(ctx context.Context, refused, claims string) (issued, error)
}

// An issued is a token and how long it is of use.
type issued struct {
	token   string
	expires time.Time // the zero value if that is not known
	renew   time.Time // when to ask for another
}

// A reply is what came of a request for another token than one that was refused.
type reply struct {
	refused string
	token   string
	err     error
	ended   bool // err is the end of the context of who made the request
}

// Token returns a token that is good for minutes at least, from the cache or
// by asking for one.
//
// Refused, unless "", is a token that the tenant answered with 401: another
// one is returned, with the claims, a JSON object, that the challenge named, or
// "". A cached one that is newer than the refused one will do, whatever its
// claims: they ask for a token of after some event, and it was that.
//
// The error is ctx.Err() if ctx has ended, or else a [*tenant.Error] of class
// Unauthorized, if no token can be had or no other, or Unavailable.
func (s *Source) Token(ctx context.Context, refused, claims string) (string, error) {
	for {
		if token, ok := s.fromCache(refused); ok {
			return token, nil
		}
		mine := false // whether the request that is waited for is this call's
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
			// Another call's request says nothing of this one: there may be a
			// token for whom another one will do.
		}
	}
}

// fromCache returns the cached token if it is good, and another than refused.
func (s *Source) fromCache(refused string) (token string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.cached
	return c.token, c.token != "" && c.token != refused && time.Now().Before(c.renew)
}

// fetch asks for a token and keeps it.
func (s *Source) fetch(ctx context.Context, refused, claims string) reply {
	// The request before this one may have ended after its token was looked for.
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
			// Azidentity keeps to itself that a token which is due could not
			// be renewed, as long as it is good.
			got.renew = soonest(time.Now().Add(respite), got.expires)
		}
		s.cached = got
	case refused == "" && !ended && s.cached.token != "" && time.Now().Before(s.cached.expires) && isUnavailable(err):
		// The cached one is good for some minutes yet.
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

// Warnings returns what is not as it should be and keeps no one from signing
// in: files that others may read, a certificate that ends soon.
func (s *Source) Warnings() []string { return s.warnings }

// String returns what signs in, and where. It keeps what prints a Source from
// printing what is in it.
func (s *Source) String() string { return s.about }

// GoString is the same, for %#v.
func (s *Source) GoString() string { return s.about }

func isUnavailable(err error) bool {
	e, ok := err.(*tenant.Error)
	return ok && e.Class == tenant.Unavailable
}

// Package entra gets access tokens from Microsoft Entra ID, for the tenants
// that need one and for who wants to know what a token is good for.
//
//	Token ─ in hand and good ───────────────────────────→ token
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

	"rollcall/tenant"
)

// How long a token is good for.
const (
	margin  = 5 * time.Minute  // ahead of its end another is asked for: azidentity's own margin
	respite = 30 * time.Second // how long a token in hand is used on when another could not be had
)

// A Source has the tokens of one identity, for one scope. It is safe for use by
// several goroutines at once.
type Source struct {
	get      getter
	about    string
	warnings []string

	mu     sync.Mutex
	hand   hand
	flight *flight // the request under way, or nil
}

// A getter gets tokens from where they are. It is asked by one goroutine at a
// time.
type getter interface {
	// token returns a token, another than refused unless that is "".
	token(ctx context.Context, refused, claims string) (hand, error)
}

// A hand is the token in hand.
type hand struct {
	token   string
	expires time.Time // the zero value if that is not known
	renew   time.Time // when to ask for another
}

// A flight is a request for a token. Its other fields are good when done is
// closed.
type flight struct {
	done    chan struct{}
	refused string // not this token
	token   string
	err     error
	ended   bool // err is the end of the context of who made it
}

// Token returns a token that is good for minutes at least, from the cache or
// by asking for one.
//
// Refused, unless "", is a token that the tenant answered with 401: another
// one is returned, with the claims, a JSON object, that the challenge named, or
// "". One in hand that is newer than the refused one will do, whatever its
// claims: they ask for a token of after some event, and it was that.
//
// The error is ctx.Err() if ctx has ended, or else a [*tenant.Error] of class
// Unauthorized, if no token can be had or no other, or Unavailable.
func (s *Source) Token(ctx context.Context, refused, claims string) (string, error) {
	for {
		s.mu.Lock()
		if h := s.hand; h.token != "" && h.token != refused && time.Now().Before(h.renew) {
			s.mu.Unlock()
			return h.token, nil
		}
		f := s.flight
		if f == nil {
			f = &flight{done: make(chan struct{}), refused: refused}
			s.flight = f
			s.mu.Unlock()
			s.fly(ctx, f, refused, claims)
			return f.token, f.err
		}
		s.mu.Unlock()
		select {
		case <-f.done:
		case <-ctx.Done():
			return "", ctx.Err()
		}
		switch {
		case f.err == nil && f.token != refused:
			return f.token, nil
		case f.err != nil && !f.ended && f.refused == refused:
			return "", f.err // or there may be a token for whom another one will do
		}
	}
}

// fly asks for a token and lets all who wait for f know.
func (s *Source) fly(ctx context.Context, f *flight, refused, claims string) {
	h, err := s.get.token(ctx, refused, claims)
	f.ended = err != nil && ctx.Err() != nil
	if f.ended {
		err = ctx.Err()
	}
	s.mu.Lock()
	switch {
	case err == nil:
		if h.token == s.hand.token && !time.Now().Before(h.renew) {
			// Azidentity keeps to itself that a token which is due could not
			// be renewed, as long as it is good.
			h.renew = soonest(time.Now().Add(respite), h.expires)
		}
		s.hand = h
	case refused == "" && !f.ended && s.hand.token != "" && time.Now().Before(s.hand.expires) && isUnavailable(err):
		// The one in hand is good for some minutes yet.
		s.hand.renew = soonest(time.Now().Add(respite), s.hand.expires)
		h, err = s.hand, nil
	}
	s.flight = nil
	s.mu.Unlock()
	f.token, f.err = h.token, err
	close(f.done)
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

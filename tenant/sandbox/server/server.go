// Package server is a sandbox tenant over HTTP. A [Server] speaks the protocols of
// Exchange Online's InvokeCommand and of Viva Insights for a [sandbox.Tenant], with
// [Faults] to order. Each cmdlet gets a turn, be it a request of its
// own or a part of a batch:
//
//	request ─ token, limits ┬ cmdlet ──────────── turn ─ fault, Tenant ─ reply
//	                        ├ $batch ─┬ part ──── turn ─ fault, Tenant ─┬ reply
//	                        │         └ part ──── turn ─ fault, Tenant ─┘
//	                        ├ EXOModuleFile ───── which cmdlets there are
//	                        └ Viva Insights ───── turn ─ fault, Tenant ─ reply
//
// It also stands in for Entra ID, and signs in apps by a secret or a certificate
// and people by a device's code. It knows its tokens by their signature (HS256,
// by a key that it makes at the start) and the claim sandbox that they have, so
// that it keeps no list of them, only of those that a fault has spoilt. What is
// like Entra ID is what clients see: addresses, parameters, claims, errors and
// their numbers. Who signs in is not looked into beyond that: any client ID will
// do, and every app may do everything.
//
// The Server shares nothing with packages exchange and insights, the other end of
// these protocols, so that a mistake in one of them shows.
package server

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"math"
	"net/http"
	"rollcall/tenant"
	"rollcall/tenant/sandbox"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/time/rate"
)

// A Server speaks the protocols of InvokeCommand and of Viva Insights for a
// Tenant over HTTP, one cmdlet a request or several in a batch, with faults to
// order; and it signs in whoever is to use it, as Entra ID does. It is an [http.Handler], safe for use by
// several goroutines at once. Its fields are to be set before the first request.
//
// A request passes these in turn, any of which may be its end: the path and
// method, the token, the limits, the body, the latency, the faults, the Tenant.
type Server struct {
	Tenant *sandbox.Tenant
	Log    *zap.Logger // told of requests and faults at debug level, never of tokens and secrets; nil for none

	// Tokens that are accepted: those that the Server issued, as long as they
	// are good for the organization; and others by these rules.
	Token         string // the only other one that is; with "", any other is
	RequireIssued bool   // no other one is, not even Token

	// Sign-ins that get a token.
	Organization      string            // GUID of the only tenant there is; with "", there is any
	ClientSecret      string            // the only one that is right; with "", any is
	ClientCertificate *x509.Certificate // the only one whose key may sign an assertion; with nil, no assertion is looked into
	DevicePolls       int               // how often a device is told to wait until its code has been approved
	TokenLifetime     time.Duration     // of tokens issued; 0 for an hour

	Latency time.Duration // how long a reply takes at least
	Jitter  time.Duration // and how much longer, at most

	Rate          float64       // cmdlets allowed a second, which clients are not told; 0 for any number
	Burst         int           // cmdlets allowed at once after a rest; 0 for a second's worth
	RetryAfter    time.Duration // how long who is refused for Rate is told to wait; 0 for not being told
	MaxConcurrent int           // requests allowed at once; 0 for any number

	Faults Faults
	Seed   uint64 // of faults and jitter

	once    sync.Once
	limiter *rate.Limiter // nil for no limit
	tally   tally
	pages   pages
	access  access
	devices devices

	closing sync.Once
	closed  chan struct{}
}

// Check returns what is wrong with the fields of s, with which it would panic.
func (s *Server) Check() error {
	switch {
	case s.Organization != "" && !tenant.IsGUID(s.Organization):
		return fmt.Errorf("organization %q: want a GUID, such as 11111111-2222-3333-4444-555555555555", s.Organization)
	case s.TokenLifetime != 0 && s.TokenLifetime < time.Second:
		return fmt.Errorf("token lifetime %v: want 1s at least", s.TokenLifetime)
	}
	return s.Faults.check()
}

// init gets s ready, once.
func (s *Server) init() {
	s.once.Do(func() {
		if err := s.Check(); err != nil {
			panic("server: Server: " + err.Error())
		}
		if s.Log == nil {
			s.Log = zap.NewNop()
		}
		if s.Rate > 0 {
			burst := s.Burst
			if burst == 0 {
				burst = max(1, int(math.Ceil(s.Rate)))
			}
			s.limiter = rate.NewLimiter(rate.Limit(s.Rate), burst)
		}
		if s.TokenLifetime == 0 {
			s.TokenLifetime = time.Hour
		}
		rand.Read(s.access.key[:])
		s.closed = make(chan struct{})
	})
}

// Close ends the waits of all requests, now and from now on: those that hang
// have their connections reset, and others are replied to at once. It is for
// [http.Server.RegisterOnShutdown], as Shutdown waits for requests. It always
// returns nil.
func (s *Server) Close() error {
	s.init()
	s.closing.Do(func() { close(s.closed) })
	return nil
}

// Counts returns what s was asked until now.
func (s *Server) Counts() Counts { return s.tally.snapshot() }

// ServeHTTP replies to one request: of the protocol, or for a token.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.init()
	h := w.Header()
	h.Set("request-id", tenant.NewGUID())
	if id := r.Header.Get("client-request-id"); tenant.IsGUID(id) {
		h.Set("client-request-id", id)
	}
	if d, ok := parseDirectory(r.URL.Path); ok {
		s.signIn(w, r, d)
		return
	}

	if strings.HasPrefix(r.URL.Path, autodiscoverPath) {
		s.autodiscover(w, r)
		return
	}
	if res, ok, err := parseResource(r.URL.EscapedPath()); ok {
		s.insights(w, r, res, err)
		return
	}

	atOnce := s.tally.begin()
	defer s.tally.end()
	e, ok := parseEndpoint(r.URL.Path)
	if !ok {
		s.malformed(r.URL.Path, http.StatusNotFound, "No HTTP resource was found that matches the request URI.").write(w)
		return
	}
	if r.Method != e.method() {
		h.Set("Allow", e.method())
		s.malformed(r.URL.Path, http.StatusMethodNotAllowed, "The requested resource does not support http method '"+r.Method+"'.").write(w)
		return
	}
	token, refusal := s.admit(r.Header.Get("Authorization"), e.id())
	if refusal == nil && s.MaxConcurrent > 0 && atOnce > s.MaxConcurrent {
		refusal = s.tooMany(atOnce)
	}
	if refusal == nil && e.name == invokeCommand {
		refusal = s.throttle()
	}
	if refusal != nil {
		refusal.write(w)
		return
	}
	if e.name == moduleFile {
		s.moduleFile(r, e).write(w)
		return
	}

	body := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(body)
	body.Reset()
	// The body is read whole before anything else, or net/http wouldn't see
	// the client go away.
	if _, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, maxBody)); err != nil {
		status := http.StatusBadRequest
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			status = http.StatusRequestEntityTooLarge
		}
		s.malformed(r.URL.Path, status, "The body can't be read.").write(w)
		return
	}
	if e.name == batchOf {
		s.batch(w, r, e, token, body.Bytes())
		return
	}
	c, err := parseRequest(r.Header, body.Bytes())
	if err != nil {
		s.malformed(r.URL.Path, http.StatusBadRequest, err.Error()).write(w)
		return
	}
	t := s.turn(e, c, r.URL.Query().Get("$skiptoken"), token, true)
	s.perform(w, r, t.fault, t.latency, func() reply { return s.answer(r, t) })
}

// tooMany returns the refusal of a request that is one of too many at once.
func (s *Server) tooMany(atOnce int) *reply {
	s.tally.add(&s.tally.counts.TooMany)
	s.Log.Debug("too many at once", zap.Int("requests", atOnce))
	r := textReply(http.StatusTooManyRequests, "You have reached the maximum number of concurrent requests per tenant. Please wait and try again")
	return &r
}

// throttle takes a cmdlet's turn from the limit, and returns the refusal if
// there is none left.
func (s *Server) throttle() *reply {
	if s.limiter == nil || s.limiter.Allow() {
		return nil
	}
	s.tally.add(&s.tally.counts.Throttled)
	s.Log.Debug("throttled")
	r := textReply(http.StatusTooManyRequests, "Too many requests. Please try again later.")
	r.header = s.retryAfter()
	return &r
}

// retryAfter returns the header that tells how long to wait, if s tells.
func (s *Server) retryAfter() []string {
	if s.RetryAfter <= 0 {
		return nil
	}
	return []string{"Retry-After", strconv.FormatFloat(s.RetryAfter.Seconds(), 'f', -1, 64)}
}

// malformed returns the refusal of what is not of the protocol.
func (s *Server) malformed(path string, status int, text string) reply {
	s.tally.add(&s.tally.counts.Malformed)
	s.Log.Debug("malformed", zap.String("path", path), zap.Int("status", status), zap.String("text", text))
	return makeError(status, "BadRequest", text, "", nil)
}

// wait waits for d, or until s closes. It reports false if ctx ended first.
func (s *Server) wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.closed:
	case <-ctx.Done():
		return false
	}
	return true
}

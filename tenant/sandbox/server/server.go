// Package server is a sandbox tenant over HTTP. A [Server] speaks the protocols of
// Exchange Online's InvokeCommand and of Viva Insights for a [sandbox.Tenant], with
// [Faults] to order. Each cmdlet gets a turn, whether it is a request of its own or a part
// of a batch:
//
//	request ─ token, limits ┬ cmdlet ──────────── turn ─ fault, Tenant ─ reply
//	                        ├ $batch ─┬ part ──── turn ─ fault, Tenant ─┬ reply
//	                        │         └ part ──── turn ─ fault, Tenant ─┘
//	                        ├ EXOModuleFile ───── which cmdlets there are
//	                        └ Viva Insights ───── turn ─ fault, Tenant ─ reply
//
// It also takes the place of Entra ID: it signs in applications by a secret or a certificate,
// and people by a device code. It knows its tokens by their signature (HS256, with a key that
// it makes at the start) and by their claim sandbox, so it keeps no list of tokens, only of
// those that a fault has made invalid. Clients see the same as of Entra ID: addresses,
// parameters, claims, errors and their numbers. It does not check more than that: any client
// ID is accepted, and every application may do everything.
//
// The Server shares no code with packages exchange and insights, the clients of these
// protocols, so that tests find a mistake in either of them.
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
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/time/rate"
)

// A Server speaks the protocols of InvokeCommand and of Viva Insights for a Tenant over HTTP,
// with one cmdlet in a request or several in a batch, and with faults to order. It signs in
// its clients as Entra ID does. It is an [http.Handler], safe for use by several goroutines at
// once. Its fields must be set before the first request.
//
// These are checked or applied to a request in this order, and each may end it: the path and
// method, the token, the limits, the body, the latency, the faults, the Tenant.
type Server struct {
	Tenant *sandbox.Tenant
	Log    *zap.Logger // told of requests and faults at debug level, never of tokens and secrets; nil for none

	// The Server accepts the tokens that it issued for the organization, as long as they
	// are valid, and other tokens by these rules.
	Token         string // the only other token that is accepted; "" accepts any other
	RequireIssued bool   // accept no other token, not even Token

	// Sign-ins that get a token.
	Organization      string            // GUID of the only tenant; "" accepts any tenant
	ClientSecret      string            // the only secret that is accepted; "" accepts any
	ClientCertificate *x509.Certificate // the only certificate whose key may sign an assertion; nil accepts any assertion
	DevicePolls       int               // how often a device is told to wait before its code is approved
	TokenLifetime     time.Duration     // of issued tokens; 0 for an hour

	Latency time.Duration // the least time of a reply
	Jitter  time.Duration // the most time that is added to Latency, by chance

	Rate          float64       // cmdlets allowed a second; 0 for no limit
	ShowRate      bool          // replies say how many cmdlets are left, but those in a batch: Rate-Limit-Remaining and -Reset, in seconds
	Burst         int           // cmdlets allowed at once after an idle time; 0 for those of one second
	RetryAfter    time.Duration // Retry-After of a reply that refuses because of Rate; 0 for none
	MaxConcurrent int           // requests allowed at once; 0 for no limit

	Faults Faults
	Seed   uint64 // of faults and jitter

	once    sync.Once
	limiter *rate.Limiter // nil for no limit
	tally   tally
	pages   pages
	access  access
	devices devices
	last    atomic.Pointer[[]tenant.Parameter] // see share

	closing sync.Once
	closed  chan struct{}
}

// Check returns an error if a field of s is not valid. A Server with such a field panics.
func (s *Server) Check() error {
	switch {
	case s.Organization != "" && !tenant.IsGUID(s.Organization):
		return fmt.Errorf("organization %q: want a GUID, such as 11111111-2222-3333-4444-555555555555", s.Organization)
	case s.TokenLifetime != 0 && s.TokenLifetime < time.Second:
		return fmt.Errorf("token lifetime %v: want 1s at least", s.TokenLifetime)
	}
	return s.Faults.check()
}

// init prepares s, once.
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

// Close ends the waits of all requests, present and future: the connections of requests that
// hang are reset, and others are replied to at once. It is for
// [http.Server.RegisterOnShutdown], because Shutdown waits for requests. It always returns
// nil.
func (s *Server) Close() error {
	s.init()
	s.closing.Do(func() { close(s.closed) })
	return nil
}

// Counts returns the counts so far.
func (s *Server) Counts() Counts { return s.tally.snapshot() }

// ServeHTTP replies to one request: for a cmdlet, or for a token.
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
		refusal = s.throttle(h)
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
	// The whole body is read first: otherwise net/http would not notice that the client
	// closes the connection.
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
	s.perform(w, r, t.fault, t.latency, func() reply { return s.answer(r, &t) })
}

// tooMany returns the refusal of a request because too many are in progress.
func (s *Server) tooMany(atOnce int) *reply {
	s.tally.add(&s.tally.counts.TooMany)
	s.Log.Debug("too many at once", zap.Int("requests", atOnce))
	r := textReply(http.StatusTooManyRequests, "You have reached the maximum number of concurrent requests per tenant. Please wait and try again")
	return &r
}

// throttle counts a cmdlet against the rate limit, and returns the refusal if the limit is
// reached. h, unless nil, is the header of the reply.
func (s *Server) throttle(h http.Header) *reply {
	if s.limiter == nil {
		return nil
	}
	allowed := s.limiter.Allow()
	if s.ShowRate && h != nil {
		left := s.limiter.Tokens()
		h.Set("Rate-Limit-Remaining", strconv.Itoa(int(max(0, left))))
		h.Set("Rate-Limit-Reset", strconv.FormatFloat(max(0, 1-left)/s.Rate, 'f', 3, 64))
	}
	if allowed {
		return nil
	}
	s.tally.add(&s.tally.counts.Throttled)
	s.Log.Debug("throttled")
	r := textReply(http.StatusTooManyRequests, "Too many requests. Please try again later.")
	r.header = s.retryAfter()
	return &r
}

// retryAfter returns the header Retry-After, if s has one.
func (s *Server) retryAfter() []string {
	if s.RetryAfter <= 0 {
		return nil
	}
	return []string{"Retry-After", strconv.FormatFloat(s.RetryAfter.Seconds(), 'f', -1, 64)}
}

// malformed returns the refusal of a request that does not follow the protocol.
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

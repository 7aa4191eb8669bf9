package sandbox

import (
	"bytes"
	"context"
	"crypto/subtle"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"rollcall/tenant"
)

// A Server speaks the InvokeCommand protocol for a Tenant over HTTP, with
// faults to order. It is an [http.Handler], safe for use by several goroutines
// at once. Its fields are to be set before the first request.
//
// A request passes these in turn, any of which may be its end: the path and
// method, the token, the limits, the body, the latency, the faults, the Tenant.
type Server struct {
	Tenant *Tenant
	Token  string      // the one that is accepted; with "", any is
	Log    *zap.Logger // told of requests and faults at debug level, never of tokens; nil for none

	Latency time.Duration // how long a reply takes at least
	Jitter  time.Duration // and how much longer, at most

	Rate          float64       // cmdlets allowed a second, which clients are not told; 0 for any number
	Burst         int           // cmdlets allowed at once after a rest; 0 for a second's worth
	RetryAfter    time.Duration // how long who is refused for Rate is told to wait; 0 for not being told
	MaxConcurrent int           // requests allowed at once; 0 for any number

	Faults Faults
	Stale  time.Duration // how long a Get may show what was before a Set
	Seed   uint64        // of faults and jitter

	once    sync.Once
	limiter *rate.Limiter // nil for no limit
	tally   tally
	past    past
	pages   pages

	closing sync.Once
	closed  chan struct{}
}

// init gets s ready, once.
func (s *Server) init() {
	s.once.Do(func() {
		if err := s.Faults.check(); err != nil {
			panic("sandbox: Server: " + err.Error())
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

// ServeHTTP replies to one request of the protocol.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.init()
	atOnce := s.tally.begin()
	defer s.tally.end()

	h := w.Header()
	h.Set("request-id", newGUID())
	if id := r.Header.Get("client-request-id"); isGUID(id) {
		h.Set("client-request-id", id)
	}
	e, ok := parseEndpoint(r.URL.Path)
	switch {
	case !ok:
		s.malformed(w, r, http.StatusNotFound, "No HTTP resource was found that matches the request URI.")
		return
	case r.Method != http.MethodPost:
		h.Set("Allow", http.MethodPost)
		s.malformed(w, r, http.StatusMethodNotAllowed, "The requested resource does not support http method '"+r.Method+"'.")
		return
	case !s.accepts(r.Header.Get("Authorization")):
		s.tally.add(&s.tally.counts.RefusedTokens)
		s.Log.Debug("token refused")
		h.Set("WWW-Authenticate", `Bearer realm="sandbox", error="invalid_token"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	case s.MaxConcurrent > 0 && atOnce > s.MaxConcurrent:
		s.tally.add(&s.tally.counts.TooMany)
		s.Log.Debug("too many at once", zap.Int("requests", atOnce))
		writeText(w, http.StatusTooManyRequests, "You have reached the maximum number of concurrent requests per tenant. Please wait and try again")
		return
	case s.limiter != nil && !s.limiter.Allow():
		s.tally.add(&s.tally.counts.Throttled)
		s.Log.Debug("throttled")
		if s.RetryAfter > 0 {
			h.Set("Retry-After", strconv.FormatFloat(s.RetryAfter.Seconds(), 'f', -1, 64))
		}
		writeText(w, http.StatusTooManyRequests, "Too many requests. Please try again later.")
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
		s.malformed(w, r, status, "The body can't be read.")
		return
	}
	c, err := parseRequest(r.Header, body.Bytes())
	if err != nil {
		s.malformed(w, r, http.StatusBadRequest, err.Error())
		return
	}
	s.invoke(w, r, e, c)
}

// invoke replies to the request r to run c.
func (s *Server) invoke(w http.ResponseWriter, r *http.Request, e endpoint, c tenant.Cmdlet) {
	who := fold(c.Identity)
	page := r.URL.Query().Get("$skiptoken")
	chance := newChance(s.Seed, s.tally.ask(c.Name, who, page != ""))
	fault := s.Faults.draw(chance.float())
	if page != "" && fault == faultPaged {
		fault = ""
	}
	if ce := s.Log.Check(zap.DebugLevel, "request"); ce != nil {
		ce.Write(zap.String("cmdlet", c.Name), zap.String("identity", c.Identity), zap.String("fault", fault))
	}
	if fault != "" {
		s.tally.fault(fault)
	}

	latency := s.Latency + time.Duration(chance.float()*float64(s.Jitter))
	if !s.wait(r.Context(), latency) {
		abort(w)
		return
	}
	if s.failEarly(w, r, e, fault, chance) {
		return
	}

	var reply reply
	if page == "" {
		res, err := s.run(c, who)
		if err != nil {
			s.tally.add(&s.tally.counts.Failed)
		}
		reply = makeReply(e, res, err)
	} else if !s.pages.get(page, &reply) {
		s.malformed(w, r, http.StatusBadRequest, "The skip token is unknown or has expired.")
		return
	}

	switch {
	case fault == faultLost:
		abort(w)
	case fault == faultTruncated:
		reply.writeHalf(w)
	case fault == faultPaged && reply.status == http.StatusOK:
		first := reply.first(nextLink(r, s.pages.put(reply)))
		first.write(w)
	default:
		reply.write(w)
	}
}

// run runs c for the user who, as the users of s see it, and counts it.
func (s *Server) run(c tenant.Cmdlet, who string) (result, error) {
	res, err := s.past.run(s.Tenant, c, who, s.Stale)
	if err == nil && !c.Reads() {
		s.tally.done(who)
	}
	return res, err
}

// failEarly brings the fault about if it is one of those that leave the tenant
// as it is, and reports whether it was.
func (s *Server) failEarly(w http.ResponseWriter, r *http.Request, e endpoint, fault string, chance *chance) bool {
	switch fault {
	case fault503:
		writeText(w, http.StatusServiceUnavailable, "The service is unavailable.")
	case faultReset:
		abort(w)
	case faultHang:
		s.wait(r.Context(), math.MaxInt64)
		abort(w)
	case faultHTML:
		status := http.StatusOK
		if chance.float() < 0.5 {
			status = http.StatusBadGateway
		}
		writeHTML(w, status)
	case faultTransient400:
		transient400.write(w)
	case faultErrors200:
		errors200(e).write(w)
	default:
		return false
	}
	return true
}

// malformed refuses a request that is not of the protocol.
func (s *Server) malformed(w http.ResponseWriter, r *http.Request, status int, text string) {
	s.tally.add(&s.tally.counts.Malformed)
	s.Log.Debug("malformed", zap.String("path", r.URL.Path), zap.Int("status", status), zap.String("text", text))
	makeError(status, "BadRequest", text, "", nil).write(w)
}

// accepts reports whether s lets in whoever sends the Authorization header.
func (s *Server) accepts(header string) bool {
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") || strings.TrimSpace(token) == "" {
		return false
	}
	return s.Token == "" || subtle.ConstantTimeCompare([]byte(token), []byte(s.Token)) == 1
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

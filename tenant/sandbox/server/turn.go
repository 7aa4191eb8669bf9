package server

import (
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"rollcall/tenant"
	"rollcall/tenant/sandbox"
)

// A turn is the processing of one cmdlet, in a request or in a part of a batch, with its
// fault.
type turn struct {
	endpoint endpoint // of InvokeCommand; the zero value at Viva Insights
	cmdlet   tenant.Cmdlet
	who      string // the user, in lower case
	page     string // the skip token, of a page after the first
	token    string // that it came with
	chance   chance
	fault    string
	latency  time.Duration
}

// turn counts c and draws its fault. It draws a fault of a whole request only if c stands for
// the request.
func (s *Server) turn(e endpoint, c tenant.Cmdlet, page, token string, whole bool) turn {
	c.Parameters = s.share(c.Parameters)
	t := turn{endpoint: e, cmdlet: c, who: strings.ToLower(c.Identity), page: page, token: token}
	name := c.Name
	if (e == endpoint{}) && name == "Get-MyAnalyticsFeatureConfig" {
		name = getSettings
	}
	t.chance = *newChance(s.Seed, s.tally.ask(name, t.who, page != ""))
	t.fault = s.Faults.draw(t.chance.float(), whole)
	if (page != "" || e == endpoint{}) && t.fault == faultPaged { // Viva Insights has no pages
		t.fault = ""
	}
	t.latency = s.Latency + time.Duration(t.chance.float()*float64(s.Jitter))
	if ce := s.Log.Check(zap.DebugLevel, "request"); ce != nil {
		ce.Write(zap.String("cmdlet", name), zap.String("identity", c.Identity), zap.String("fault", t.fault))
	}
	if t.fault != "" {
		s.tally.fault(t.fault)
	}
	return t
}

// share returns ps, or the parameters before them if they are the same: most often the next
// Set is the same for another user, and the Tenant stores what comes of one list once.
func (s *Server) share(ps []tenant.Parameter) []tenant.Parameter {
	same := func(p, q tenant.Parameter) bool {
		switch p.Value.(type) {
		case nil, bool, string:
			return p == q
		}
		return false
	}
	if len(ps) == 0 { // of a Get
		return nil
	}
	if last := s.last.Load(); last != nil && slices.EqualFunc(ps, *last, same) {
		return *last
	}
	s.last.Store(new(ps))
	return ps
}

// perform replies to r, after the latency, with the reply that compose returns, unless the
// fault prevents it.
func (s *Server) perform(w http.ResponseWriter, r *http.Request, fault string, latency time.Duration, compose func() reply) {
	if !s.wait(r.Context(), latency) {
		abort(w)
		return
	}
	switch fault {
	case faultReset:
		abort(w)
		return
	case faultHang:
		s.wait(r.Context(), math.MaxInt64)
		abort(w)
		return
	}
	reply := compose()
	switch fault {
	case faultLost:
		abort(w)
	case faultTruncated:
		reply.writeHalf(w)
	default:
		reply.write(w)
	}
}

// answer runs the cmdlet, which came with r, and returns the reply. It does not run the cmdlet
// if the fault leaves the tenant unchanged.
func (s *Server) answer(r *http.Request, t *turn) reply {
	switch t.fault {
	case fault503:
		return textReply(http.StatusServiceUnavailable, "The service is unavailable.")
	case faultHTML:
		return t.html()
	case faultTransient400:
		return transient400
	case faultErrors200:
		return errors200(t.endpoint)
	case fault401:
		return textReply(http.StatusUnauthorized, "")
	case faultExpired:
		return *s.refuse(s.access.expire(t.token))
	case faultClaims:
		return *s.refuse(s.access.challenge(t.token))
	}

	var reply reply
	if t.page == "" {
		res, err := s.run(t)
		if err != nil {
			s.tally.add(&s.tally.counts.Failed)
		}
		reply = makeReply(t.endpoint, &res, err)
	} else if !s.pages.get(t.page, &reply) {
		return s.malformed(t.endpoint.path(), http.StatusBadRequest, "The skip token is unknown or has expired.")
	}
	if t.fault == faultPaged && reply.status == http.StatusOK {
		reply = reply.first(nextLink(r, t.endpoint, s.pages.put(reply)))
	}
	return reply
}

// html returns a page of HTML.
func (t *turn) html() reply {
	status := http.StatusOK
	if t.chance.float() < 0.5 {
		status = http.StatusBadGateway
	}
	return htmlReply(status)
}

// run runs the cmdlet of t, and counts it.
func (s *Server) run(t *turn) (sandbox.Answer, error) {
	res, err := s.Tenant.Do(t.cmdlet)
	if err == nil && !t.cmdlet.Reads() {
		s.tally.done(t.who)
	}
	return res, err
}

package main

import (
	"context"
	"net/http"
)

// A pinger tells a service that watches scheduled jobs how a run goes, as
// healthchecks.io and its kin want it: a POST to URL/start, then one to URL or, if
// the exit status is not 0, to URL/fail. Who has the URL can say that all is well.
type pinger struct{ *poster }

// newPinger returns the pinger for a URL, or nil if that is "". It follows redirects
// on the host that was named.
func newPinger(text string, transport http.RoundTripper) (*pinger, error) {
	p, err := newPoster("ping", text, transport)
	if p == nil || err != nil {
		return nil, err
	}
	p.client.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if r.URL.Host != p.url.Host || r.URL.Scheme != p.url.Scheme || len(via) > 5 {
			return http.ErrUseLastResponse
		}
		return nil
	}
	return &pinger{p}, nil
}

// ping tells that a run is at the given point: "start", "fail" or, all being well,
// "". It tries twice.
func (p *pinger) ping(ctx context.Context, point, body string) error {
	if p == nil {
		return nil
	}
	u := p.url
	if point != "" {
		u = u.JoinPath(point)
	}
	return p.post(ctx, u, "text/plain; charset=utf-8", body)
}

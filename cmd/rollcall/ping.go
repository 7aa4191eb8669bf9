package main

import (
	"context"
	"net/http"
)

// A pinger reports start and end of a run to a service that watches scheduled jobs, such
// as healthchecks.io: by a POST to URL/start, then one to URL or, if the exit status is
// not 0, to URL/fail. The URL is a secret: whoever knows it can report success.
type pinger struct{ *poster }

// newPinger returns the pinger for a URL, or nil if text is "". The pinger follows
// redirects to the same host only.
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

// ping reports that a run is at a point: "start", "fail" or, for success, "". It makes
// two attempts at most.
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

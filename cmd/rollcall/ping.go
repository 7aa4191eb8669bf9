package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// A pinger tells a service that watches scheduled jobs how a run goes, as
// healthchecks.io and its kin want it: a POST to URL/start, then one to URL or, if
// the exit status is not 0, to URL/fail.
//
// The path of the URL is a secret of sorts, for who has it can say that all is
// well: nothing here tells more than the host.
type pinger struct {
	url    *url.URL
	client *http.Client
}

// Bounds of a ping.
const (
	pingTimeout = 10 * time.Second
	pingTries   = 2
	pingWait    = time.Second
)

// newPinger returns the pinger for a URL, or nil if that is "".
func newPinger(text string, transport http.RoundTripper) (*pinger, error) {
	if text == "" {
		return nil, nil
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "": // err has the URL in it
		return nil, errors.New("--ping: not a URL")
	case u.User != nil || u.Fragment != "":
		return nil, fmt.Errorf("--ping: the URL at %s has a user or a fragment: want neither", u.Host)
	case u.Scheme != "https" && !(u.Scheme == "http" && isLoopback(u.Hostname())):
		return nil, fmt.Errorf("--ping: want a URL with https (or http on this machine), for %s", u.Host)
	}
	client := &http.Client{Transport: transport, Timeout: pingTimeout, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if r.URL.Host != u.Host || r.URL.Scheme != u.Scheme || len(via) > 5 {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	return &pinger{u, client}, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
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
	var err error
	for try := range pingTries {
		if try > 0 {
			select {
			case <-time.After(pingWait):
			case <-ctx.Done():
			}
		}
		if err = p.post(ctx, u, body); err == nil {
			return nil
		}
	}
	return fmt.Errorf("ping %s: %w", u.Host, err)
}

func (p *pinger) post(ctx context.Context, u *url.URL, body string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), strings.NewReader(body))
	if err != nil {
		return errors.New("not a request")
	}
	r.Header.Set("User-Agent", "rollcall")
	r.Header.Set("Content-Type", "text/plain; charset=utf-8")
	resp, err := p.client.Do(r)
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err // without the URL
	}
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("HTTP %d", resp.StatusCode)
	}
	return nil
}

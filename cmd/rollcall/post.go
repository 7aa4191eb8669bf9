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

// A poster posts to a URL. The URL is a secret, for whoever knows it can post there too:
// errors name its host only.
type poster struct {
	what   string // the flag with the URL, without its hyphens
	url    *url.URL
	client *http.Client
}

// Bounds of a post.
const (
	postTimeout = 10 * time.Second
	postTries   = 2
	postWait    = time.Second
)

// newPoster returns the poster for the URL in the value of a flag, or nil if that is "".
// The poster follows no redirect.
func newPoster(what, text string, transport http.RoundTripper) (*poster, error) {
	if text == "" {
		return nil, nil
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "": // err contains the URL
		return nil, fmt.Errorf("--%s: not a URL", what)
	case u.User != nil || u.Fragment != "":
		return nil, fmt.Errorf("--%s: the URL at %s has a user or a fragment: want a URL without them", what, u.Host)
	case u.Scheme != "https" && !(u.Scheme == "http" && isLoopback(u.Hostname())):
		return nil, fmt.Errorf("--%s: the URL at %s: want https (or http on this machine)", what, u.Host)
	}
	client := &http.Client{Transport: transport, Timeout: postTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &poster{what, u, client}, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// post posts body to u, in two attempts at most.
func (p *poster) post(ctx context.Context, u *url.URL, contentType, body string) error {
	var err error
	for try := range postTries {
		if try > 0 {
			select {
			case <-time.After(postWait):
			case <-ctx.Done():
			}
			if ctx.Err() != nil { // the first error says more
				break
			}
		}
		if err = p.try(ctx, u, contentType, body); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%s %s: %w", p.what, u.Host, err)
}

func (p *poster) try(ctx context.Context, u *url.URL, contentType, body string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), strings.NewReader(body))
	if err != nil {
		return errors.New("not a request")
	}
	r.Header.Set("User-Agent", "rollcall")
	r.Header.Set("Content-Type", contentType)
	resp, err := p.client.Do(r)
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err // without the URL
	}
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
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

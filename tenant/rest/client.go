// Package rest is the HTTPS client that packages exchange and insights share.
//
//	request, token ─→ status ─ 401 → another token, once, if there is one
//	                     └ else → [Reply], bounded → the service's own reading
//
// A refused token is a transient failure at first. It becomes permanent when tokens are
// refused several times, over some seconds, and no call is accepted meanwhile.
//
// A [Client] makes one attempt of each request and returns its result. It asks for a
// token before every request, follows no redirect, and sends nothing to any host except
// its endpoint's. It reads only a limited part of a reply, and no error text shows a
// token.
package rest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"rollcall/tenant"
)

// A Client makes requests of one service. It is safe for use by several
// goroutines at once.
type Client struct {
	endpoint     *url.URL
	organization string
	token        func(ctx context.Context, refused, claims string) (string, error)
	checked      atomic.Pointer[string] // the last token that was found good to send
	timeout      time.Duration
	transport    http.RoundTripper
	fault        func(*Reply) *tenant.Error
	refusals     refusals
	spent        func(wait time.Duration) // or nil
	someLeft     atomic.Bool              // a reply since the last call of spent had calls left
}

// A Request returns a request with ctx and token. It is the same each time except for
// these.
type Request func(ctx context.Context, token string) *http.Request

// Endpoint returns the base URL, with a path that begins with a slash. It must not be
// changed.
func (c *Client) Endpoint() *url.URL { return c.endpoint }

// Organization returns the tenant's ID or domain, as it was given.
func (c *Client) Organization() string { return c.organization }

// Near reports whether u has the endpoint's scheme, host and port, so that a token may be
// sent there.
func (c *Client) Near(u *url.URL) bool {
	return u.Scheme == c.endpoint.Scheme && hostPort(u) == hostPort(c.endpoint) && u.User == nil
}

// Send makes a request and returns the reply. Of a reply of success it reads up to limit
// bytes. The caller has to release the reply.
func (c *Client) Send(ctx context.Context, request Request, limit int64) (*Reply, error) {
	token, err := c.accessToken(ctx, "", "")
	if err != nil {
		return nil, err
	}
	r, err := c.exchange(ctx, request, token, limit)
	if err != nil {
		return nil, err
	}
	return c.Renew(ctx, request, limit, r)
}

// SendBare is like Send, for a request without a token.
func (c *Client) SendBare(ctx context.Context, request func(context.Context) *http.Request, limit int64) (*Reply, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return c.exchange(ctx, func(ctx context.Context, _ string) *http.Request { return request(ctx) }, "", limit)
}

// Renew returns r, a reply to request. If the tenant did not accept the token and there is
// another one, it makes the request once more and returns that reply: a token may be
// revoked, and clocks differ. The second request is not counted as a call; there are few,
// because a token is valid for an hour or a day.
func (c *Client) Renew(ctx context.Context, request Request, limit int64, r *Reply) (*Reply, error) {
	if !c.isRefused(r) {
		c.refusals.accept()
		return r, nil
	}
	r.Passing = !c.refusals.refuse(r)
	fresh, err := c.accessToken(ctx, r.Token, challenge(r.Header))
	if err != nil {
		defer r.Release()
		return nil, c.refused(r, err)
	}
	if fresh == r.Token {
		return r, nil
	}
	r.Release()
	if r, err = c.exchange(ctx, request, fresh, limit); err != nil {
		return nil, err
	}
	if c.isRefused(r) {
		r.Passing = !c.refusals.refuse(r)
	} else {
		c.refusals.accept()
	}
	return r, nil
}

// refused returns the error of a reply that did not accept the token, if there is no other
// token because of err. It keeps err's class only if that is transient.
func (c *Client) refused(r *Reply, err error) error {
	cause, ok := errors.AsType[*tenant.Error](err)
	if !ok || cause.Class != tenant.Unauthorized {
		return err
	}
	e := c.fault(r)
	if !r.Passing {
		e.Err = fmt.Errorf("%w: %w", e.Err, cause.Err)
	}
	return e
}

// Token returns the token for the next request.
func (c *Client) Token(ctx context.Context) (string, error) { return c.accessToken(ctx, "", "") }

// exchange makes one request with token and reads the reply.
func (c *Client) exchange(ctx context.Context, request Request, token string, limit int64) (*Reply, error) {
	short, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	resp, err := c.transport.RoundTrip(request(short, token))
	if err != nil {
		return nil, c.lost(short, err, token)
	}
	r := readReply(resp, token, limit)
	if r.Succeeded() {
		c.noteSpent(r.Header)
	}
	if r.Cut != nil && short.Err() != nil {
		r.Cut = fmt.Errorf("not whole after %v", c.timeout)
	}
	return r, nil
}

// lost returns the error of a request without a whole reply because of err. short is the
// context with the request's timeout.
func (c *Client) lost(short context.Context, err error, token string) error {
	// The certificate will not be better on another try.
	if bad, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return &tenant.Error{Class: tenant.Unauthorized, Err: bad}
	}
	if short.Err() != nil {
		err = fmt.Errorf("no reply within %v", c.timeout)
	} else if text := tenant.Clean(err.Error(), token); text != err.Error() {
		err = errors.New(text)
	}
	return &tenant.Error{Class: tenant.Unavailable, Unreachable: true, Err: err}
}

// Close closes the connections that are not in use.
func (c *Client) Close() {
	if t, ok := c.transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// Failure returns the error of a call of op about object that ended in err: a
// [*tenant.Error] of its own, or ctx's error, with their names, if ctx has ended.
func Failure(ctx context.Context, err error, op, object string) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s %s: %w", op, object, ctx.Err())
	}
	e, ok := errors.AsType[*tenant.Error](err)
	if !ok {
		e = &tenant.Error{Class: tenant.Failed, Err: err}
	}
	e.Op, e.Object = op, object
	return e
}

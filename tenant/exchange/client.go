// Package exchange runs cmdlets on Exchange Online, each as one InvokeCommand
// over HTTPS: what the service's own PowerShell module sends for the cmdlets
// that it does not run itself.
//
//	Cmdlet → body, headers ─ POST ─→ status ─ 2xx → page → objects
//	             ↑                      │             │
//	             └───── next page ──────│─────────────┘
//	                                    └ else → fault → *tenant.Error
//
// A [Client] makes one attempt of each call and returns its result. It asks for a token
// before every request, follows no redirect, and sends nothing to any host except its
// endpoint's. It reads only a limited part of a reply.
//
// Microsoft does not document this interface, and this package was not tried against
// Microsoft 365. Facts about the service come from public clients of it. They are marked
// as follows.
//
// Certain, because several clients agree: the URL, the body's envelope, beta as
// the version, the anchor's forms, value and @adminapi.warnings, paging by a
// second POST to the link, the order in which an error's message is looked up
// and its three parts, Retry-After.
//
// Likely, because one client has it: @adminapi.errors in a reply of status 200,
// x-ms-diagnostics as the reason of a 403. Facts about the classes of errors are
// with [tenant.Failure].
//
// Unknown: how annotations are spelled in JSON, what an entry of
// @adminapi.errors looks like, the numbers behind the limits.
package exchange

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"

	"rollcall/tenant"
	"rollcall/tenant/rest"
)

// A cmdlet is about one user, and so its reply has one object or a few. These limits are
// for a tenant that never stops sending.
const (
	maxPages   = 1000
	maxObjects = 100_000
	maxBytes   = 4 * maxPage // of all pages
)

// A Client runs cmdlets on one tenant of Exchange Online. It is a
// [tenant.Runner], and safe for use by several goroutines at once.
type Client struct {
	rest     *rest.Client
	warn     func(tenant.Cmdlet, string)
	template *http.Request // what all requests of cmdlets have in common
	header   http.Header   // the headers that all requests have in common
	place    atomic.Pointer[place]
	start    property // before the first one of every object
}

// Run runs cmd and returns the objects that it wrote, of all pages, or an error: never only
// some of the objects.
//
// The error is a [*tenant.Error], except in two cases. If ctx has ended, it is
// ctx.Err() with cmd's name and user, whatever else went wrong. If cmd can't
// be sent to any tenant, it says why, and nothing was sent.
func (c *Client) Run(ctx context.Context, cmd tenant.Cmdlet) ([]tenant.Object, error) {
	if err := check(cmd); err != nil {
		return nil, err
	}
	objects, err := c.pages(ctx, &call{cmdlet: cmd})
	if err != nil {
		return nil, rest.Failure(ctx, err, cmd.Name, cmd.Identity)
	}
	return objects, nil
}

// A call is one request of a cmdlet, of several in a batch, or of the list of
// cmdlets.
type call struct {
	cmdlet tenant.Cmdlet // none for a batch and for the list
	next   *url.URL      // of the next page, or nil for the first one
	parts  []*part       // of a batch
	id     string        // of all requests of one Run, once there is one
}

// pages sends l, and then again to the link to the next page as long as there is one.
func (c *Client) pages(ctx context.Context, l *call) ([]tenant.Object, error) {
	r, err := c.send(ctx, l)
	if err != nil {
		return nil, err
	}
	return c.follow(ctx, l, r)
}

// follow returns the objects of all pages, of which r is the first that l got.
func (c *Client) follow(ctx context.Context, l *call, r *reply) ([]tenant.Object, error) {
	var objects []tenant.Object
	size := 0
	for n := range maxPages {
		if n > 0 {
			var err error
			if r, err = c.send(ctx, l); err != nil {
				return nil, err
			}
		}
		size += len(r.Body)
		p, err := c.read(l, r)
		if err != nil {
			return nil, err
		}
		if objects == nil {
			objects = p.objects
		} else {
			objects = append(objects, p.objects...)
		}
		switch {
		case p.url == nil:
			return objects, nil
		case len(objects) > maxObjects:
			return nil, fmt.Errorf("more than %d objects", maxObjects)
		case size > maxBytes:
			return nil, fmt.Errorf("more than %d MiB of objects", maxBytes>>20)
		}
		l.next = p.url
	}
	return nil, fmt.Errorf("more than %d pages", maxPages)
}

// nextPage reads link. It is followed only if token may be sent there.
func (c *Client) nextPage(link, token string) (*url.URL, error) {
	u, err := c.placeFor(token).invoke.Parse(link)
	switch {
	case err != nil:
		return nil, errors.New("the link to the next page is not a URL")
	case !c.rest.Near(u):
		return nil, fmt.Errorf("the link to the next page leads away from the endpoint, to %q: not followed", tenant.Clean(u.Host, token))
	}
	return u, nil
}

// send makes one request and returns the reply.
func (c *Client) send(ctx context.Context, l *call) (*reply, error) {
	r, err := c.rest.Send(ctx, c.requests(l), l.limit())
	if err != nil {
		return nil, err
	}
	return &reply{Reply: r, start: &c.start}, nil
}

// requests returns the function that makes the requests of l.
func (c *Client) requests(l *call) rest.Request {
	return func(ctx context.Context, token string) *http.Request { return c.request(ctx, l, token) }
}

// limit returns how many bytes are read of a reply of success to l.
func (l *call) limit() int64 { return int64(max(1, len(l.parts))) * maxPage }

// renew returns r, a reply to l. If the tenant did not accept its token, it returns the
// reply to l with another token.
func (c *Client) renew(ctx context.Context, l *call, r *reply) (*reply, error) {
	fresh, err := c.rest.Renew(ctx, c.requests(l), l.limit(), r.Reply)
	if err != nil || fresh != r.Reply {
		if r.free != nil {
			r.free()
		}
		r = &reply{Reply: fresh, start: &c.start}
	}
	return r, err
}

// read returns the page in r, a reply to l, and releases r.
func (c *Client) read(l *call, r *reply) (page, error) {
	defer r.release()
	r.cmdlet, r.unheard = l.cmdlet, c.warn == nil
	p, err := r.page()
	for _, w := range p.warnings {
		c.warn(l.cmdlet, w)
	}
	if err == nil && p.next != "" {
		p.url, err = c.nextPage(p.next, r.Token)
	}
	return p, err
}

// Token returns the token for the next request.
func (c *Client) Token(ctx context.Context) (string, error) { return c.rest.Token(ctx) }

// String returns the name of the tenant. With it, printing a Client does not show its
// fields.
func (c *Client) String() string {
	return c.rest.Organization() + " on " + c.template.URL.Host
}

// Close closes the connections that are not in use.
func (c *Client) Close() { c.rest.Close() }

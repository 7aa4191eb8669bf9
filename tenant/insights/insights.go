// Package insights runs the cmdlets of Viva Insights: those of
// MyAnalyticsFeatureConfig, VivaInsightsSettings and UserBriefingConfig.
//
// Microsoft's module for Exchange Online has them compiled in: they are not sent
// to InvokeCommand, but to a service of their own, which Microsoft calls Weve, on
// the same host and with the same token. Each is one GET or PATCH of one user:
//
//	first ─ GET autodiscover, no token ─→ path
//	Cmdlet ─ GET or PATCH path, user ─→ status ─ 2xx → document → object
//	                                       └ else → fault → *tenant.Error
//
// A [Client] makes one attempt of each call and returns its result, as package rest
// describes. The service accepts no batches.
//
// What is known, and how:
//
// Certain, because the module was run against a server that recorded what it sent: the
// host, how the path is found, the methods, the paths, the bodies, what the module refuses
// before it sends anything, and how it reads replies. This package refuses the same, with
// one difference: an apostrophe, a '#', a '?', a '%', a '/' and letters outside ASCII in a
// user's name are escaped here as OData requires. The module sends them unescaped, or does
// not send them.
//
// Likely: what the service answers. The form of its errors is seen in public
// texts of the same service; that whoever has one of four roles may call it, or
// has one of its scopes, is too. That an application may, follows from them.
//
// Unknown: how it throttles, its path for a given tenant, whether it exists in
// the national clouds. This package could not be tried against Microsoft 365.
package insights

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/singleflight"

	"rollcall/tenant"
	"rollcall/tenant/rest"
)

// maxReply is how much is read of a reply: it has some hundred bytes.
const maxReply = 1 << 20

// A Client runs cmdlets of Viva Insights on one tenant. It is a
// [tenant.Runner], and safe for use by several goroutines at once.
type Client struct {
	rest      *rest.Client
	inform    func(text string)
	discovery singleflight.Group
	path      atomic.Pointer[string] // of the service, once it is known
	headers   atomic.Pointer[headers]
}

// A Config says what a [Client] connects to, and how.
type Config struct {
	rest.Config

	// Inform, unless nil, is called with texts for the log: that the path could not be
	// found out.
	Inform func(text string)
}

// New returns a Client. It sends nothing: the first error that has to do with
// the tenant is that of the first call.
func New(cfg Config) (*Client, error) {
	c := &Client{inform: cfg.Inform}
	if c.inform == nil {
		c.inform = func(string) {}
	}
	var err error
	c.rest, err = rest.New(cfg.Config, c.fault)
	return c, err
}

// Serves reports whether the cmdlets of the noun called name, in whatever case, are this
// service's.
func Serves(name string) bool {
	return slices.ContainsFunc(nouns, func(n *noun) bool { return strings.EqualFold(n.name, name) })
}

// Run runs cmd. A Get returns one object, with the properties that the module shows. A Set
// returns none: the values in its reply are no proof that they were kept.
//
// The error is a [*tenant.Error], except in two cases. If ctx has ended, it is
// ctx.Err() with cmd's name and user, whatever else went wrong. If cmd is one
// that the module would refuse, it says why, and nothing was sent.
func (c *Client) Run(ctx context.Context, cmd tenant.Cmdlet) ([]tenant.Object, error) {
	call, err := newCall(cmd)
	if err != nil {
		return nil, err
	}
	objects, err := c.run(ctx, call)
	if err != nil {
		return nil, rest.Failure(ctx, err, cmd.Name, cmd.Identity)
	}
	return objects, nil
}

func (c *Client) run(ctx context.Context, l *call) ([]tenant.Object, error) {
	path, err := c.Path(ctx)
	if err != nil {
		return nil, err
	}
	u := c.url(path, l)
	r, err := c.rest.Send(ctx, func(ctx context.Context, token string) *http.Request {
		return c.request(ctx, u, token, l.body)
	}, maxReply)
	if err != nil {
		return nil, err
	}
	defer r.Release()
	if !r.Succeeded() {
		return nil, c.userFault(r, path)
	}
	o, err := l.noun.read(r)
	if err != nil {
		return nil, err
	}
	if l.body != nil {
		return nil, nil
	}
	o["UserId"] = l.identity
	return []tenant.Object{o}, nil
}

// url returns the URL of l.
func (c *Client) url(path string, l *call) *url.URL {
	u := *c.rest.Endpoint()
	b := make([]byte, 0, 256) // enough for most
	b = append(b, strings.TrimSuffix(u.EscapedPath(), "/")...)
	b = append(b, path...)
	b = append(b, "/api/v1.1/users('"...)
	b = appendEscaped(b, strings.ReplaceAll(l.identity, "'", "''"))
	b = append(b, "')/"...)
	b = append(b, l.noun.resource...)
	setPath(&u, string(b))
	return &u
}

// setPath gives u a path, which is escaped.
func setPath(u *url.URL, escaped string) {
	u.RawPath = escaped
	u.Path, _ = url.PathUnescape(escaped)
}

// appendEscaped appends text as it stands in a path, whatever is in it. Package url
// leaves some characters alone that a server may give a meaning, '+' first.
func appendEscaped(b []byte, text string) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(text) {
		switch c := text[i]; {
		case 'a' <= c|0x20 && c|0x20 <= 'z', '0' <= c && c <= '9', strings.IndexByte("-._~@", c) >= 0:
			b = append(b, c)
		default:
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return b
}

// request returns a GET of u, or a PATCH if there is a body.
func (c *Client) request(ctx context.Context, u *url.URL, token string, body []byte) *http.Request {
	h := c.headersFor(token)
	r := (&http.Request{
		Method: http.MethodGet, URL: u, Host: u.Host, Header: h.get,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(ctx)
	if body != nil {
		r.Method, r.Header = http.MethodPatch, h.patch
		rest.SetBody(r, body)
	}
	return r
}

// headers are those of all requests with a token, which share them: nobody changes them.
// They are the module's, but for the name in User-Agent.
type headers struct {
	token      string
	get, patch http.Header
}

// headersFor returns the headers of requests with token, or without one if it is "". A run
// has few tokens and many calls, so the last ones are kept.
func (c *Client) headersFor(token string) *headers {
	if h := c.headers.Load(); h != nil && h.token == token {
		return h
	}
	h := &headers{token: token, get: http.Header{"User-Agent": {"rollcall"}}}
	if token != "" {
		h.get.Set("Authorization", "Bearer "+token)
	}
	h.patch = maps.Clone(h.get)
	h.patch.Set("Accept", "application/json")
	h.patch.Set("Content-Type", "application/json; charset=utf-8")
	c.headers.Store(h)
	return h
}

// Token returns the token for the next request.
func (c *Client) Token(ctx context.Context) (string, error) { return c.rest.Token(ctx) }

// String returns the name of the tenant. With it, printing a Client does not show its
// fields.
func (c *Client) String() string {
	return c.rest.Organization() + " on " + c.rest.Endpoint().Host
}

// Close closes the connections that are not in use.
func (c *Client) Close() { c.rest.Close() }

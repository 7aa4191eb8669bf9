package exchange

import (
	"context"
	"maps"
	"net/http"
	"net/url"

	"rollcall/tenant"
	"rollcall/tenant/rest"
)

// newTemplate returns what all requests of cmdlets have in common, which go to
// the host of u.
func newTemplate(u *url.URL) *http.Request {
	return &http.Request{
		Method: http.MethodPost, URL: u, Host: u.Host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
}

// newHeader returns the headers that all requests have in common. The first
// three are what public clients show to be enough, with a token and an anchor;
// the others are the module's. Without X-ResponseFormat the module gets its
// objects as CLIXML.
func newHeader(connection string) http.Header {
	h := http.Header{}
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Accept", "application/json")
	h.Set("User-Agent", "rollcall")
	h.Set("Prefer", "odata.maxpagesize=1000")
	h.Set("X-ResponseFormat", "json")
	h.Set("X-SerializationLevel", "Partial")
	h.Set("X-ClientApplication", "rollcall")
	h.Set("Connection-Id", connection)
	return h
}

// request returns the request of l.
func (c *Client) request(ctx context.Context, l *call, token string) *http.Request {
	if l.id == "" {
		l.id = tenant.NewGUID()
	}
	at := c.placeFor(token)
	r := c.template.WithContext(ctx)
	r.URL = at.invoke
	r.Header = maps.Clone(at.header)
	own := [...]string{l.id, l.cmdlet.Name} // by the names that package http keeps them by
	r.Header["Client-Request-Id"] = own[0:1:1]
	switch {
	case l.parts != nil:
		asBatch(r, l.parts, at)
	case l.cmdlet.Name == "":
		asList(r, at)
	default:
		r.Header["X-Cmdletname"] = own[1:2:2]
		rest.SetBody(r, appendBody(make([]byte, 0, bodySize), l.cmdlet))
	}
	if l.next != nil {
		r.URL = l.next
	}
	return r
}

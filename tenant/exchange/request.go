package exchange

import (
	"context"
	"maps"
	"net/http"
	"net/url"

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

// The headers that differ from request to request, spelled as package http
// keeps them.
const (
	authorization   = "Authorization"
	anchorMailbox   = "X-Anchormailbox"
	cmdletName      = "X-Cmdletname"
	clientRequestID = "Client-Request-Id"
)

// request returns the request of l.
func (c *Client) request(ctx context.Context, l call, token string) *http.Request {
	if l.body == nil && l.parts == nil {
		return c.listRequest(ctx, l, token)
	}
	at := c.placeFor(token)
	r := c.template.WithContext(ctx)
	if l.parts != nil {
		r.URL = at.batch
		r.Header = c.batchHeader(l.id, token, at.mailbox)
		rest.SetBody(r, appendBatch(nil, l.parts, at.invoke.String(), token, at.mailbox))
		return r
	}

	r.URL = at.invoke
	if l.next != nil {
		r.URL = l.next
	}
	v := [...]string{"Bearer " + token, at.mailbox, l.cmdlet.Name, l.id}
	r.Header = maps.Clone(c.header)
	r.Header[authorization] = v[0:1:1]
	r.Header[anchorMailbox] = v[1:2:2]
	r.Header[cmdletName] = v[2:3:3]
	r.Header[clientRequestID] = v[3:4:4]

	rest.SetBody(r, l.body)
	return r
}

package exchange

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"rollcall/tenant"
	"rollcall/tenant/rest"
)

// moduleVersion is that of the module which this package takes after. The
// service wants to know one when it lists cmdlets.
const moduleVersion = "3.9.2"

// Cmdlets returns the names of the cmdlets that the service runs for who has
// the token, sorted (likely: one public client asks for them so). A cmdlet
// that is not among them is not known to InvokeCommand, or not allowed.
//
// The error is as that of [Client.Run].
func (c *Client) Cmdlets(ctx context.Context) ([]string, error) {
	objects, err := c.pages(ctx, call{id: tenant.NewGUID()})
	names := map[string]bool{}
	for _, o := range objects {
		exported, _ := o.Get("exportedCmdlets")
		for _, v := range list(exported) {
			s, _ := v.(string)
			for name := range strings.SplitSeq(s, ",") {
				if name = strings.TrimSpace(name); isCmdlet(name) {
					names[name] = true
				}
			}
		}
	}
	if err == nil && len(names) == 0 {
		err = errors.New("the reply names no cmdlet")
	}
	if err != nil {
		return nil, rest.Failure(ctx, err, "list cmdlets of", c.rest.Organization())
	}
	return slices.Sorted(maps.Keys(names)), nil
}

// isCmdlet reports whether s can be the name of a cmdlet.
func isCmdlet(s string) bool {
	verb, noun, ok := strings.Cut(s, "-")
	return ok && len(s) <= 128 && tenant.IsNoun(verb) && tenant.IsNoun(noun)
}

// listRequest returns the request of l, which is of the list of cmdlets.
func (c *Client) listRequest(ctx context.Context, l call, token string) *http.Request {
	at := c.placeFor(token)
	r := c.template.WithContext(ctx)
	r.Method, r.URL = http.MethodGet, at.list
	if l.next != nil {
		r.URL = l.next
	}
	r.Header = maps.Clone(c.header)
	r.Header.Del("Content-Type")
	r.Header.Set("CommandName", "*")
	r.Header.Set(authorization, "Bearer "+token)
	r.Header.Set(anchorMailbox, at.mailbox)
	r.Header.Set(clientRequestID, l.id)
	return r
}

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
	objects, err := c.pages(ctx, new(call))
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

// asList makes r the request of the list of cmdlets.
func asList(r *http.Request, at *place) {
	r.Method, r.URL = http.MethodGet, at.list
	r.Header.Del("Content-Type")
	r.Header.Set("CommandName", "*")
}

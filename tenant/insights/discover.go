package insights

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"rollcall/tenant"
	"rollcall/tenant/rest"
)

// defaultPath is the path of the service if autodiscover does not know it: the module has
// the same.
const defaultPath = "/weveb2"

// Path returns the path of the service on the endpoint's host. The first call finds it out,
// and other calls wait for that.
//
// An error has nothing to do with a user: it is a transient failure, or a server that can't
// be trusted. If autodiscover refuses to answer, that is no error: the path is then the one
// that Microsoft's module has for that case.
func (c *Client) Path(ctx context.Context) (string, error) {
	if p := c.path.Load(); p != nil {
		return *p, nil
	}
	// A token's owner may have to sign in, and be asked by the caller's own ctx.
	token, err := c.rest.Token(ctx)
	if err != nil {
		return "", err
	}
	found := c.discovery.DoChan("", func() (any, error) {
		if p := c.path.Load(); p != nil {
			return *p, nil
		}
		path, err := c.discover(context.WithoutCancel(ctx), c.address(token))
		if err == nil {
			c.path.Store(&path)
		}
		return path, err
	})
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case r := <-found:
		if r.Err == nil {
			return r.Val.(string), nil
		}
		// Each caller fills in its error, so each gets a copy.
		var own tenant.Error
		if e, ok := errors.AsType[*tenant.Error](r.Err); ok {
			own = *e
		}
		own.Err = fmt.Errorf("autodiscover: %w", own.Err)
		return "", &own
	}
}

// address returns the address that autodiscover is asked about: that of the token's person,
// or the tenant.
func (c *Client) address(token string) string {
	if upn := tenant.CallerOf(token).UPN; strings.Contains(upn, "@") {
		return upn
	}
	return "OAuthUser@" + c.rest.Organization()
}

// maxHops is how many redirects are followed, without a token.
const maxHops = 3

// discover asks autodiscover for the path. It asks only the endpoint's host, even if it is
// redirected to another. Its error is a [*tenant.Error].
func (c *Client) discover(ctx context.Context, address string) (string, error) {
	u := *c.rest.Endpoint()
	setPath(&u, strings.TrimSuffix(u.EscapedPath(), "/")+"/autodiscover/autodiscover.json/v1.0/"+string(appendEscaped(nil, address)))
	u.RawQuery = "Protocol=Weve"
	at := &u
	for range maxHops {
		r, err := c.rest.SendBare(ctx, func(ctx context.Context) *http.Request { return c.request(ctx, at, "", nil) }, maxReply)
		if err != nil {
			return "", err
		}
		next, err := at.Parse(r.Header.Get("Location"))
		if r.Status/100 != 3 || err != nil || !c.rest.Near(next) || next.String() == at.String() {
			return c.readPath(r)
		}
		r.Release()
		at = next
	}
	return c.fallback("too many redirects"), nil
}

// readPath returns the path that r, autodiscover's reply, has.
func (c *Client) readPath(r *rest.Reply) (string, error) {
	defer r.Release()
	var d struct{ Protocol, URL, ErrorCode, ErrorMessage string }
	jsonErr := json.Unmarshal(r.Body, &d)
	if !r.Succeeded() {
		m := readMessage(r.Body)
		if d.ErrorCode != "" {
			m.Text = strings.TrimSpace(d.ErrorCode + ": " + d.ErrorMessage)
		}
		e := r.Fault(m)
		if e.Transient() {
			return "", e
		}
		return c.fallback(fmt.Sprintf("%v (HTTP %d)", e.Err, e.Status)), nil
	}
	if err := r.Torn(); err != nil {
		return "", err
	}
	_, otherForm := errors.AsType[*json.UnmarshalTypeError](jsonErr)
	if jsonErr != nil && !otherForm {
		return "", r.Garbled(readMessage(r.Body))
	}
	if d.ErrorCode != "" {
		return c.fallback(tenant.Clean(d.ErrorCode + ": " + d.ErrorMessage)), nil
	}
	path, err := parsePath(d.URL)
	if err != nil {
		return c.fallback(err.Error()), nil
	}
	return path, nil
}

// fallback reports why the path is not known, and returns the default path.
func (c *Client) fallback(reason string) string {
	c.inform("autodiscover does not name the path of Viva Insights (" + reason + "): " + defaultPath + " is taken")
	return defaultPath
}

// aPath matches the paths that are accepted: segments of characters that need no escape.
var aPath = regexp.MustCompile(`^(/[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,63}){1,8}$`)

// parsePath returns the path of a URL that autodiscover names. The URL must have a host, but
// the host is not used.
func parsePath(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(text, "#") {
		return "", fmt.Errorf("its URL %q is not a plain one", tenant.Clean(text))
	}
	path := strings.TrimSuffix(u.EscapedPath(), "/")
	if !aPath.MatchString(path) {
		return "", fmt.Errorf("the path of its URL %q is not a plain one", tenant.Clean(text))
	}
	return path, nil
}

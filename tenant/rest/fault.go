package rest

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"rollcall/tenant"
)

// A Message is the error in a reply.
type Message struct {
	Text      string // for people
	Exception string // the class of the exception, or ""
	Category  string // PowerShell's category of the error, or ""
	Whole     string // the whole error as it was sent; Text may be a part of it
	Cmdlet    tenant.Cmdlet
}

// Fault returns the error with the message m.
func (r *Reply) Fault(m Message) *tenant.Error {
	if r.Status/100 == 3 {
		return r.redirect()
	}
	if m.Exception == "" {
		m.Exception = r.Header.Get("X-Exceptiontype")
	}
	text := tenant.Clean(m.Text, r.Token)
	if text == "" {
		text = strings.ToLower(http.StatusText(r.Status))
	}
	if text == "" {
		text = "no message"
	}
	// The service gives its reason for a 403 here, not in the body (seen in
	// one public client).
	if d := tenant.Clean(r.Header.Get("X-Ms-Diagnostics"), r.Token); d != "" && r.Status == http.StatusForbidden {
		text += ": " + d
	}
	f := tenant.Failure{
		Status:    r.Status,
		Exception: m.Exception,
		Category:  m.Category,
		Text:      m.Whole,
		Wait:      r.Header.Get("Retry-After") != "",
		Page:      IsHTML(r.Body),
		Lost:      r.Cut != nil,
		Cmdlet:    m.Cmdlet,
	}
	if hint := f.Hint(); hint != "" {
		text += "; " + hint
	}
	e := &tenant.Error{
		Status:     r.Status,
		Class:      f.Class(),
		AtOnce:     f.AtOnce(),
		Exception:  tenant.Clean(m.Exception, r.Token),
		RetryAfter: cmp.Or(tenant.RetryAfter(r.Header.Get("Retry-After"), date(r.Header)), f.Backoff()),
		Err:        errors.New(text),

		Unreachable: f.Unreachable(),
	}
	if e.Class == tenant.Unauthorized && r.Passing {
		e.Class, e.Unreachable = tenant.Unavailable, true
	}
	return e
}

// date returns the time of the reply h by the tenant's clock, or by the local clock if the
// reply does not have it.
func date(h http.Header) time.Time {
	if t, err := http.ParseTime(h.Get("Date")); err == nil {
		return t
	}
	return time.Now()
}

// Garbled returns the error, with the message m, of a reply that is not JSON but should be.
// A server in front of the service sent it, so another try may succeed.
func (r *Reply) Garbled(m Message) *tenant.Error {
	e := r.Fault(m)
	if e.Class != tenant.Throttled {
		e.Class, e.Unreachable = tenant.Unavailable, true
		e.Err = fmt.Errorf("the reply is not JSON: %w", e.Err)
	}
	return e
}

// Strange returns the error of a reply that is JSON but not of the expected form.
func (r *Reply) Strange(text string) *tenant.Error {
	return &tenant.Error{Status: r.Status, Class: tenant.Failed, Err: errors.New(text)}
}

// Torn returns the error of a reply that is cut short, or nil if it is whole.
func (r *Reply) Torn() *tenant.Error {
	if r.Cut == nil {
		return nil
	}
	return &tenant.Error{Status: r.Status, Class: tenant.Unavailable, Unreachable: true,
		Err: fmt.Errorf("the reply was cut off: %s", tenant.Clean(r.Cut.Error(), r.Token))}
}

// redirect returns the error of a redirect. It shows only a part of the URL, because the
// rest may be secret.
func (r *Reply) redirect() *tenant.Error {
	to := "nowhere"
	switch u, err := url.Parse(r.Header.Get("Location")); {
	case err != nil || *u == url.URL{}:
	case u.Host == "":
		to = "another path of the same host"
	default:
		to = fmt.Sprintf("%q", tenant.Clean(u.Host, r.Token))
	}
	return r.Strange(fmt.Sprintf("a redirect to %s, which is not followed", to))
}

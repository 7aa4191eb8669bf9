package exchange

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"rollcall/tenant"
)

// fault returns the error of a reply whose status says that there is one.
func (r *reply) fault() *tenant.Error {
	if r.status/100 == 3 {
		return r.redirect()
	}
	return r.failure(readMessage(r.body))
}

// refused returns the error of a reply that did not accept the token if
// another can't be had because of err. Only what may pass keeps err's class.
func (r *reply) refused(err error) error {
	cause, ok := errors.AsType[*tenant.Error](err)
	if !ok || cause.Class != tenant.Unauthorized {
		return err
	}
	e := r.fault()
	e.Err = fmt.Errorf("%w: %w", e.Err, cause.Err)
	return e
}

// faultInside returns the error of a reply that has errs in spite of its
// status. They are strings, or objects with the members that an error has. The
// first one counts.
func (r *reply) faultInside(errs []any) *tenant.Error {
	m := findMessage(errs[0])
	if m.text == "" {
		m.text = tenant.Text(errs[0])
		m.whole = m.text
	}
	e := r.failure(m)
	if n := len(errs) - 1; n > 0 {
		e.Err = fmt.Errorf("%w (and %d more)", e.Err, n)
	}
	return e
}

// garbled returns the error of a reply that ought to be JSON and is not. What
// sends pages and halves of documents is not the service but what is in front
// of it, so that another try may reach it.
func (r *reply) garbled() *tenant.Error {
	m := readMessage(r.body)
	e := r.failure(m)
	if e.Class != tenant.Throttled {
		e.Class = tenant.Unavailable
		e.Err = fmt.Errorf("the reply is not JSON: %w", e.Err)
	}
	return e
}

// strange returns the error of a reply that is JSON, but not what it should be.
func (r *reply) strange(text string) *tenant.Error {
	return &tenant.Error{Status: r.status, Class: tenant.Failed, Err: errors.New(text)}
}

// unreadable returns the error of a reply that is not all there.
func (r *reply) unreadable(err error) *tenant.Error {
	return &tenant.Error{Status: r.status, Class: tenant.Unavailable, Err: err}
}

// redirect returns the error of a reply that leads elsewhere. The rest of the
// URL may be no one else's business.
func (r *reply) redirect() *tenant.Error {
	to := "nowhere"
	if u, err := url.Parse(r.header.Get("Location")); err == nil && u.Host != "" {
		to = tenant.Clean(u.Host, r.token)
	}
	return r.strange(fmt.Sprintf("a redirect to %q, which is not followed", to))
}

// failure returns the error with the message m.
func (r *reply) failure(m message) *tenant.Error {
	if m.exception == "" {
		m.exception = r.header.Get("X-Exceptiontype")
	}
	text := tenant.Clean(m.text, r.token)
	if text == "" {
		text = strings.ToLower(http.StatusText(r.status))
	}
	if text == "" {
		text = "no message"
	}
	// The service gives its reason for a 403 here, not in the body (seen in
	// one public client).
	if d := tenant.Clean(r.header.Get("X-Ms-Diagnostics"), r.token); d != "" && r.status == http.StatusForbidden {
		text += ": " + d
	}
	f := tenant.Failure{
		Status:    r.status,
		Exception: m.exception,
		Category:  m.category,
		Text:      m.whole,
		Wait:      r.header.Get("Retry-After") != "",
		Page:      isHTML(r.body),
		Lost:      r.cut != nil,
	}
	if hint := f.Hint(); hint != "" {
		text += "; " + hint
	}
	return &tenant.Error{
		Status:     r.status,
		Class:      f.Class(),
		AtOnce:     f.AtOnce(),
		Exception:  tenant.Clean(m.exception, r.token),
		RetryAfter: tenant.RetryAfter(r.header.Get("Retry-After"), r.date()),
		Err:        errors.New(text),
	}
}

// date returns the time of the reply by the tenant's clock, or by ours if the
// tenant does not say.
func (r *reply) date() time.Time {
	if t, err := http.ParseTime(r.header.Get("Date")); err == nil {
		return t
	}
	return time.Now()
}

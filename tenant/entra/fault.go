package entra

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"rollcall/tenant"
)

// op is what fails.
const op = "sign in"

// busy are the codes of Entra ID's transient errors that have the status of a refusal.
// Certain: Microsoft's list of AADSTS codes says that the service is not available, or to
// try again.
var busy = []string{"temporarily_unavailable", "server_error", "AADSTS90006", "AADSTS90024", "AADSTS90033"}

// An answer is the body of a refusal (RFC 6749).
type answer struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
}

// fault returns the error of a request for a token that ended in err.
//
// It does not wrap err, whose text may be a whole reply. Only if there was no request it
// uses the text.
func (s *identity) fault(err error) *tenant.Error {
	x := s.wire.get()
	if _, ok := errors.AsType[*azidentity.AuthenticationFailedError](err); !ok && s.method == Default {
		// Nothing could try. What the last one got to hear is no answer.
		x = exchange{secrets: x.secrets}
	}
	secrets := slices.Concat(x.secrets, s.secrets)
	hide := func(text string) string { return tenant.Hide(text, secrets...) }
	var a answer
	json.Unmarshal(x.body, &a)
	a.Error, a.Description = hide(a.Error), hide(a.Description)
	e := &tenant.Error{Op: op, Object: s.object, Class: tenant.Unauthorized, Status: x.status}
	text := ""
	switch {
	case x.err != nil:
		e.Class, e.Status = tenant.Unavailable, 0
		if _, ok := errors.AsType[*tls.CertificateVerificationError](x.err); ok {
			e.Class = tenant.Unauthorized // the server can't be trusted, and another try would not change that
		}
		text = hide(transportText(x.err))
	case x.status == 0 && s.method == Default:
		e.Err = errors.New(defaultText(hide(err.Error())))
		return e
	case x.status == 0:
		text = sentences(hide(err.Error()))
	case x.status/100 == 2 && x.object:
		// Azidentity does not like it. The reply itself is on further lines.
		text, _, _ = strings.Cut(hide(err.Error()), "\n")
	case x.status/100 == 2:
		// Another server than Entra ID answered. Another try may reach Entra ID.
		e.Class = tenant.Unavailable
		text = "the reply is not one of Entra ID's"
	case x.status/100 == 3:
		text = hide(redirectText(x.header))
	default:
		text = answerText(a, x.status)
		if s.passes(a, x.status) {
			e.Class = tenant.Unavailable
			e.RetryAfter = tenant.RetryAfter(x.header.Get("Retry-After"), date(x.header))
		}
	}
	e.Err = errors.New(tenant.Clean(text))
	return e
}

// passes reports whether a refusal is transient.
func (s *identity) passes(a answer, status int) bool {
	switch {
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status >= http.StatusInternalServerError:
		return true
	case s.method == ManagedIdentity && (status == http.StatusNotFound || status == http.StatusGone):
		return true // while a machine's identity is being moved (certain: its documentation)
	}
	return slices.ContainsFunc(busy, func(b string) bool {
		return a.Error == b || strings.HasPrefix(a.Description, b+":")
	})
}

// answerText returns the text of a refusal.
func answerText(a answer, status int) string {
	switch {
	case a.Error == "authorization_pending", a.Error == "expired_token":
		return "nobody signed in while the code was good"
	case a.Error == "authorization_declined":
		return "the person asked to sign in declined"
	case a.Description != "":
		return sentence(a.Description)
	case a.Error != "":
		return a.Error
	}
	if text := http.StatusText(status); text != "" {
		return strings.ToLower(text)
	}
	return "no message"
}

// defaultText returns the text of an error of the default's that no request
// led to: what kept each of the ways to sign in from being tried, in a few
// words of the first line that there is of it.
func defaultText(text string) string {
	const most = 100
	var tried []string
	for line := range strings.Lines(text) {
		reason, ok := strings.CutPrefix(line, "\t")
		if !ok || strings.HasPrefix(reason, "\t") {
			continue
		}
		reason = tenant.Clean(sentence(reason))
		if r := []rune(reason); len(r) > most {
			reason = string(r[:most]) + "…"
		}
		tried = append(tried, reason)
	}
	if tried == nil {
		return tenant.Clean(sentences(text))
	}
	return "none of the ways to sign in that are tried by default can be used: " + strings.Join(tried, "; ")
}

// transportText returns the reason why there was no reply, without the URL.
func transportText(err error) string {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	return err.Error()
}

// redirectText returns the text of a redirect. It shows only a part of the URL, because the
// rest may be secret.
func redirectText(h http.Header) string {
	to := "nowhere"
	if u, err := url.Parse(h.Get("Location")); err == nil && u.Host != "" {
		to = u.Host
	}
	return fmt.Sprintf("a redirect to %q, which is not followed", to)
}

// trace begins the part of a message that is for Microsoft's support.
var trace = regexp.MustCompile(`\s*(Trace ID|Correlation ID|Timestamp|To troubleshoot)[:,]`)

// sentences returns text without that part.
func sentences(text string) string {
	if i := trace.FindStringIndex(text); i != nil {
		text = text[:i[0]]
	}
	return strings.TrimSpace(text)
}

// sentence returns the first sentence of text: code and message. A reason in
// brackets that follows it is part of it, as in "contains an invalid signature.
// [Reason - The key was not found]".
func sentence(text string) string {
	text = sentences(text)
	first, rest, ok := strings.Cut(text, ". ")
	if reason, _, closed := strings.Cut(rest, "]"); ok && closed && strings.HasPrefix(reason, "[") {
		return first + ". " + reason + "]"
	}
	first, _, _ = strings.Cut(first, "\n")
	return strings.TrimRight(first, ". \r")
}

// date returns the time of a reply by the sender's clock, or by the local clock if the reply
// does not have it.
func date(h http.Header) time.Time {
	if t, err := http.ParseTime(h.Get("Date")); err == nil {
		return t
	}
	return time.Now()
}

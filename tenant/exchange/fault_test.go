package exchange

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"rollcall/tenant"
	"rollcall/tenant/rest"
)

// details returns an error body whose details have message.
func details(message string) string {
	return errorBody(`"details":[{"code":"NotSpecified","target":"ada@example.org","message":%q}]`, message)
}

// errorBody returns an error body with members, a format for args, which are
// written as JSON.
func errorBody(members string, args ...any) string {
	for i, a := range args {
		b, _ := json.Marshal(a)
		args[i] = json.RawMessage(b)
	}
	members = fmt.Sprintf(strings.ReplaceAll(members, "%q", "%s"), args...)
	return `{"error":{"code":"400","message":"Error executing cmdlet",` + members + `}}`
}

const (
	notFoundClass = "Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException"
	otherClass    = "Microsoft.Exchange.Data.DataValidationException"
)

// What each form of error becomes.
func TestFault(t *testing.T) {
	for _, test := range []struct {
		name      string
		status    int
		header    string // "name: value", several by a bar
		body      string
		class     tenant.Class
		text      string
		exception string
		wait      time.Duration
	}{
		// The message, in the order of lookup.
		{"details", 400, "", details("no good"), tenant.Failed, "no good", "", 0},
		{"second detail", 400, "", errorBody(`"details":[{"code":"1"},7,{"message":"no good"}]`), tenant.Failed, "no good", "", 0},
		{"details before the rest", 400, "", errorBody(`"details":[{"message":"first"}],"innererror":{"message":"x","internalexception":{"message":"y"}}`), tenant.Failed, "first", "", 0},
		{"internal exception", 400, "", errorBody(`"innererror":{"message":"x","type":"A.X","internalexception":{"message":"y","type":"A.Y"}}`), tenant.Failed, "y", "A.Y", 0},
		{"error's message", 400, "", errorBody(`"innererror":{"message":"x","type":"A.X"}`), tenant.Failed, "Error executing cmdlet", "A.X", 0},
		{"inner error", 400, "", `{"error":{"innererror":{"message":"x"}}}`, tenant.Failed, "x", "", 0},
		{"other case", 400, "", `{"Error":{"Details":[{"Message":"no good"}]}}`, tenant.Failed, "no good", "", 0},
		{"no envelope", 400, "", `{"Code":"BadRequest","Message":"no good"}`, tenant.Failed, "no good", "", 0},
		{"error is a string", 400, "", `{"error":"no good"}`, tenant.Failed, "no good", "", 0},
		{"JSON string", 400, "", `"no good"`, tenant.Failed, "no good", "", 0},
		{"other JSON", 400, "", `{"a":1}`, tenant.Failed, `{"a":1}`, "", 0},
		{"empty members", 400, "", `{"error":{"details":null,"innererror":null,"message":""}}`, tenant.Failed, `{"error":{"details":null,"innererror":null,"message":""}}`, "", 0},
		{"plain text", 400, "", " no\r\n\tgood ", tenant.Failed, "no good", "", 0},
		{"nothing", 400, "", "", tenant.Failed, "bad request", "", 0},
		{"nothing, and no name", 499, "", "", tenant.Failed, "no message", "", 0},
		{"NULs around JSON", 400, "", "\x00\x00" + details("no good") + "\x00\x00\x00", tenant.Failed, "no good", "", 0},
		{"mark before JSON", 400, "", "\uFEFF" + details("no good"), tenant.Failed, "no good", "", 0},
		{"a page", 400, "", "<!DOCTYPE html>\n<html><head><TITLE lang=en>Not\n &amp; good</TITLE></head><body>secret</body></html>", tenant.Failed, "an HTML page, Not & good", "", 0},
		{"a page without title", 400, "", "<html><title> </title><body>secret", tenant.Failed, "an HTML page", "", 0},
		{"a page of XHTML", 400, "", `<?xml version="1.0"?><html xmlns="x"><title>Oops</title>`, tenant.Failed, "an HTML page, Oops", "", 0},
		{"control characters", 400, "", "a\x1b[31mb\u202ec\u200bd\x7f\xff", tenant.Failed, "abcd\uFFFD", "", 0},
		{"long text", 400, "", strings.Repeat("é", 301), tenant.Failed, strings.Repeat("é", 300) + "…", "", 0},
		{"long message", 400, "", details(strings.Repeat("x", 60000)), tenant.Failed, strings.Repeat("x", 300) + "…", "", 0},
		{"longer than is read", 400, "", strings.Repeat("long ", 20000), tenant.Failed, strings.TrimSpace(strings.Repeat("long ", 60)) + "…", "", 0},

		{"JSON longer than is read", 400, "", `{"pad":"` + strings.Repeat("x", rest.MaxFault) + `","message":"no good"}`, tenant.Failed, `{"pad":"` + strings.Repeat("x", 292) + "…", "", 0},

		// Its parts.
		{"three parts", 400, "", details("Ex6F9304|" + otherClass + "|no good"), tenant.Failed, "no good", otherClass, 0},
		{"space around parts", 400, "", details(" Ex6F9304 | " + otherClass + " | no good "), tenant.Failed, "no good", otherClass, 0},
		{"text with a bar", 400, "", details("Ex6F9304|" + otherClass + "|a|b"), tenant.Failed, "a|b", otherClass, 0},
		{"two parts", 400, "", details("Ex6F9304|no good"), tenant.Failed, "Ex6F9304|no good", "", 0},
		{"three parts, none a class", 400, "", details("a|not a class|c"), tenant.Failed, "a|not a class|c", "", 0},
		{"three parts, no text", 400, "", details("Ex6F9304|" + otherClass + "|"), tenant.Failed, "Ex6F9304|" + otherClass + "|", otherClass, 0},
		{"parts before type", 400, "", errorBody(`"details":[{"message":"Ex1|A.B|no good"}],"innererror":{"type":"C.D"}`), tenant.Failed, "no good", "A.B", 0},
		{"parts in plain text", 400, "", "Ex6F9304|" + otherClass + "|no good", tenant.Failed, "no good", otherClass, 0},
		{"JSON in the message", 400, "", details(`{"localizedString":{"stringId":"Ex6F9304"},"ClassName":"A.B","Message":"no good"}`), tenant.Failed, "no good", "A.B", 0},
		{"JSON in the message, other form", 400, "", details(`{"localizedString":{"stringId":"Ex6F9304","ClassName":"A.B","Message":"no good"}}`), tenant.Failed, "no good", "A.B", 0},
		{"JSON in the message, none of ours", 400, "", details(`{"a":1}`), tenant.Failed, `{"a":1}`, "", 0},
		{"a brace in the message", 400, "", details(`{0} is no good`), tenant.Failed, `{0} is no good`, "", 0},
		{"exception in the header", 400, "x-ExceptionType: A.H", details("no good"), tenant.Failed, "no good", "A.H", 0},
		{"exception in both", 400, "x-ExceptionType: A.H", details("Ex1|A.B|no good"), tenant.Failed, "no good", "A.B", 0},

		// By status.
		{"401", 401, `WWW-Authenticate: Bearer error="invalid_token"`, "", tenant.Unavailable, "unauthorized", "", 0},
		{"401 with text", 401, "", details("Ex1|A.B|expired"), tenant.Unavailable, "expired", "A.B", 0},
		{"403 of NULs, no reason", 403, "", strings.Repeat("\x00", 512), tenant.Denied, "forbidden", "", 0},
		{"403 of padded JSON", 403, "", details("no role") + strings.Repeat("\x00", 512), tenant.Denied, "no role", "", 0},
		{"403 of NULs", 403, "x-ms-diagnostics: 2000008;reason=\"no role\"", strings.Repeat("\x00", 512), tenant.Denied, `forbidden: 2000008;reason="no role"`, "", 0},
		{"403 with text", 403, "x-ms-diagnostics: why", "you may not", tenant.Denied, "you may not: why", "", 0},
		{"403 without", 403, "", "", tenant.Denied, "forbidden", "", 0},
		{"diagnostics of another status", 400, "x-ms-diagnostics: why", "no good", tenant.Failed, "no good", "", 0},
		{"404", 404, "", details("Ex6F9304|" + notFoundClass + "|no ada"), tenant.NotFound, "no ada", notFoundClass, 0},
		{"404 in plain text", 404, "", "no ada", tenant.NotFound, "no ada", "", 0},
		{"404 of nothing", 404, "", "", tenant.NotFound, "not found", "", 0},
		{"404 of a page", 404, "", "<html><title>IIS</title>", tenant.Failed, "an HTML page, IIS", "", 0},
		{"408", 408, "", "", tenant.Unavailable, "request timeout", "", 0},
		{"408 with text", 408, "Retry-After: 3", details("Ex1|" + otherClass + "|slow"), tenant.Unavailable, "slow", otherClass, 3 * time.Second},
		{"409", 409, "", "", tenant.Failed, "conflict", "", 0},
		{"429", 429, "Retry-After: 30", "slow down", tenant.Throttled, "slow down", "", 30 * time.Second},
		{"429 without wait", 429, "", "", tenant.Throttled, "too many requests", "", 0},
		{"429 with a page", 429, "Retry-After: 1e9", "<html><title>Busy</title>", tenant.Throttled, "an HTML page, Busy", "", 24 * time.Hour},
		{"429 with a date", 429, "Retry-After: Sun, 01 Mar 2020 12:00:45 GMT|Date: Sun, 01 Mar 2020 12:00:00 GMT", "", tenant.Throttled, "too many requests", "", 45 * time.Second},
		{"429 with nonsense", 429, "Retry-After: soon", "", tenant.Throttled, "too many requests", "", 0},
		{"429 with an exception", 429, "", details("Ex1|" + notFoundClass + "|no ada"), tenant.Throttled, "no ada", notFoundClass, 0},
		{"500", 500, "", "oops", tenant.Unavailable, "oops", "", 0},
		{"500 with an exception", 500, "", details("Ex1|" + otherClass + "|no good"), tenant.Failed, "no good", otherClass, 0},
		{"500 with a name", 500, "", details("Ex1|Microsoft.Exchange.StorageTransientException|busy"), tenant.Unavailable, "busy", "Microsoft.Exchange.StorageTransientException", 0},
		{"500 of nothing", 500, "", "", tenant.Unavailable, "internal server error", "", 0},
		{"502", 502, "", "<html><title>502 Bad Gateway</title>", tenant.Unavailable, "an HTML page, 502 Bad Gateway", "", 0},
		{"503", 503, "", "", tenant.Unavailable, "service unavailable", "", 0},
		{"503 of a page", 503, "", "<html><title>Service Unavailable</title>", tenant.Unavailable, "an HTML page, Service Unavailable", "", 0},
		{"503 with wait", 503, "Retry-After: 0.5", "", tenant.Throttled, "service unavailable", "", time.Second / 2},
		{"504", 504, "Retry-After: 5", "", tenant.Unavailable, "gateway timeout", "", 5 * time.Second},
		{"504 with an exception", 504, "", details("Ex1|" + otherClass + "|no good"), tenant.Unavailable, "no good", otherClass, 0},

		// By what the tenant says.
		{"transient, 400", 400, "", details("Ex1|Microsoft.Exchange.ServerBusyException|busy"), tenant.Unavailable, "busy", "Microsoft.Exchange.ServerBusyException", 0},
		{"not found, localized", 400, "", details(`{"localizedString":{"stringId":"Ex6F9304"},"ClassName":"` + notFoundClass + `","Message":"no ada"}`), tenant.NotFound, "no ada", notFoundClass, 0},
		{"not found, 400", 400, "", details("Ex6F9304|" + notFoundClass + "|no ada"), tenant.NotFound, "no ada", notFoundClass, 0},
		{"not found, 500", 500, "", details("Ex6F9304|" + notFoundClass + "|no ada"), tenant.NotFound, "no ada", notFoundClass, 0},
		{"not found, header", 400, "x-ExceptionType: " + notFoundClass, "no ada", tenant.NotFound, "no ada", notFoundClass, 0},
		{"not found, in the text", 400, "", details("threw " + notFoundClass), tenant.NotFound, "threw " + notFoundClass, "", 0},
		{"concurrent, 400", 400, "", "You have reached the maximum number of concurrent requests per tenant. Please wait and try again", tenant.Throttled,
			"You have reached the maximum number of concurrent requests per tenant. Please wait and try again", "", 0},
		{"concurrent, 403", 403, "Retry-After: 9", details("Maximum number of Concurrent Requests"), tenant.Throttled, "Maximum number of Concurrent Requests", "", 9 * time.Second},
		{"concurrent, 500", 500, "", "maximum number of concurrent requests", tenant.Throttled, "maximum number of concurrent requests", "", 0},
		{"concurrent, 404", 404, "", "maximum number of concurrent requests", tenant.Throttled, "maximum number of concurrent requests", "", 0},
		{"concurrent, 503", 503, "", "maximum number of concurrent requests", tenant.Throttled, "maximum number of concurrent requests", "", 0},
		{"concurrent, 401", 401, "", "maximum number of concurrent requests", tenant.Throttled, "maximum number of concurrent requests", "", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				for h := range strings.SplitSeq(test.header, "|") {
					if name, value, ok := strings.Cut(h, ": "); ok {
						w.Header().Set(name, value)
					}
				}
				w.WriteHeader(test.status)
				fmt.Fprint(w, test.body)
			})
			_, err := c.Run(t.Context(), set)
			e := failed(t, err, test.class)
			if got := e.Err.Error(); got != test.text {
				t.Errorf("text %q\nwant %q", got, test.text)
			}
			if e.Exception != test.exception || e.RetryAfter != test.wait || e.Status != test.status {
				t.Errorf("exception %q, wait %v, status %d; want %q, %v, %d", e.Exception, e.RetryAfter, e.Status, test.exception, test.wait, test.status)
			}
			if want := strings.HasPrefix(test.name, "concurrent"); e.AtOnce != want {
				t.Errorf("at once: %v, want %v", e.AtOnce, want)
			}
			if e.Op != set.Name || e.Object != set.Identity {
				t.Errorf("error is of %s %s", e.Op, e.Object)
			}
		})
	}
}

// The exceptions of a fault of the moment make a call worth another try,
// wherever they are named, and only under statuses that say nothing else.
func TestTransientExceptions(t *testing.T) {
	for _, name := range []string{
		"CmdletProxyNotAvailableFailure", "ServerBusyException", "TransientException", "BackendCommunicationException",
		"DCOverloadedException", "SuitabilityDirectoryException", "ServerInMMException", "ADServerSettingsChangedException", "StorageTransientException",
	} {
		for _, status := range []int{400, 500, 401, 403, 404} {
			want := map[int]tenant.Class{400: tenant.Unavailable, 500: tenant.Unavailable, 401: tenant.Unauthorized, 403: tenant.Denied, 404: tenant.NotFound}[status]
			for _, r := range []rest.Reply{
				{Body: []byte(details("Ex1|Microsoft.Exchange." + name + "|busy"))},
				{Body: []byte(details("busy: " + name))},
				{Body: []byte(errorBody(`"innererror":{"internalexception":{"message":"busy","type":%q}}`, name))},
				{Body: []byte(name + ": busy")},
				{Body: []byte("busy"), Header: http.Header{"X-Exceptiontype": {name}}},
			} {
				r.Status = status
				if e := (&reply{Reply: &r}).fault(); e.Class != want {
					t.Errorf("%d %s %v: class %v, want %v", status, r.Body, r.Header, e.Class, want)
				}
			}
		}
		r := reply{Reply: &rest.Reply{Status: 200, Body: []byte(`{"@adminapi.errors":["` + name + `"]}`)}}
		if _, err := r.page(); failed(t, err, tenant.Unavailable).Status != 200 {
			t.Errorf("%s in a 200: %v", name, err)
		}
	}
}

// A reply is never followed elsewhere, and nothing of where it leads is told
// but the host.
func TestRedirect(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		elsewhere := serveNothing(t)
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", elsewhere+"/path?code=sesame")
			w.WriteHeader(status)
		})
		_, err := c.Run(t.Context(), set)
		e := failed(t, err, tenant.Failed)
		want := fmt.Sprintf("a redirect to %q, which is not followed", strings.TrimPrefix(elsewhere, "http://"))
		if got := e.Err.Error(); got != want || e.Status != status {
			t.Errorf("%d: %q; want %q", status, got, want)
		}
	}
	for location, to := range map[string]string{"": "nowhere", "%zz": "nowhere", "/path?code=sesame": "another path of the same host"} {
		r := &reply{Reply: &rest.Reply{Status: 304, Header: http.Header{"Location": {location}}}}
		if got, want := r.fault().Err.Error(), "a redirect to "+to+", which is not followed"; got != want {
			t.Errorf("to %q: %q; want %q", location, got, want)
		}
	}
}

// Whatever a tenant sends as an error, it becomes a short text on one line.
func FuzzFault(f *testing.F) {
	f.Add(400, "", "", []byte(details("Ex1|"+otherClass+"|no good")))
	f.Add(500, "A.B", "why", []byte(`{"error":{"details":[{"message":"{\"Message\":\"x\"}"}],"innererror":{"internalexception":{}}}}`))
	f.Add(403, "", "\x00", bytes.Repeat([]byte{0}, 100))
	f.Add(200, "", "", []byte(`{"value":[{"A":1,"A@b":2},null],"@adminapi.errors":["x",{"message":"y"}],"@adminapi.warnings":["w"]}`))
	f.Add(502, "", "", []byte("<html><title>x</title>"))
	f.Add(200, "", "", []byte("<html>"))
	f.Fuzz(func(t *testing.T, status int, exception, diagnostics string, body []byte) {
		r := &reply{start: new(property), Reply: &rest.Reply{Status: status, Body: rest.TrimPadding(body), Header: http.Header{"X-Exceptiontype": {exception}, "X-Ms-Diagnostics": {diagnostics}}, Token: token}}
		p, err := r.page()
		if err == nil {
			for _, o := range p.objects {
				for k := range o {
					if strings.Contains(k, "@") {
						t.Errorf("object with %q", k)
					}
				}
			}
			return
		}
		e := failedFuzz(t, err)
		for _, s := range append(p.warnings, e.Err.Error(), e.Exception) {
			if utf8.RuneCountInString(s) > 2*tenant.MaxText+50 {
				t.Errorf("%d bytes in a text", len(s))
			}
			if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) || !utf8.ValidString(s) {
				t.Errorf("text %q", s)
			}
		}
		if e.Err.Error() == "" {
			t.Error("no text")
		}
	})
}

func failedFuzz(t *testing.T, err error) *tenant.Error {
	e, ok := err.(*tenant.Error)
	if !ok {
		t.Fatalf("error %v (%T), want a *tenant.Error", err, err)
	}
	return e
}

package exchange

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"rollcall/tenant"
	"rollcall/tenant/internal/errorcases"
	"rollcall/tenant/rest"
)

const fuzzSecret = "c2VzYW1lLXNlc2FtZS1zZXNhbWU0MTIz"

// Whatever comes as the reply to a cmdlet, it is a success only if it is whole,
// and else an error that may be shown. SECRET stands for the token.
func FuzzRun(f *testing.F) {
	add := func(status int, retryAfter, exception, header, body string) {
		f.Add(status, retryAfter, exception, header, []byte(body), len(body))
	}
	add(200, "", "", "", `{"@odata.context":"x","@adminapi.warnings":["w SECRET"],"value":[{"Identity":"ada","PopEnabled":false,"PopEnabled@data.type":"System.Boolean","N":1.5}]}`)
	add(200, "", "", "", `{"value":[{"a":[{"b":null}]},null],"@adminapi.errors":["SECRET",{"message":"y"}]}`)
	add(200, "", "", "", `{"value":[],"@odata.nextLink":"https://e.org/x?SECRET"}`)
	add(200, "", "", "", `{"value":7}`)
	add(200, "", "", "", `{"error":{}}`)
	add(204, "", "", "", "")
	add(400, "", "", "", details("Ex1|"+otherClass+"|no good SECRET"))
	add(400, "", "", "", `{"error":{"details":[{"message":"{\"localizedString\":{\"Message\":\"x\"},\"ClassName\":\"A.B\"}"}]}}`)
	add(401, "", "", `Bearer error="insufficient_claims", claims="eyJhIjoxfQ=="`, "")
	add(403, "", "", "why SECRET", "\x00\x00\x00")
	add(404, "", "", "", "<html><title>404 SECRET")
	add(429, "1e300", "", "", "You have reached the maximum number of concurrent requests per tenant.")
	add(500, "", notFoundClass, "", "SEC\x00RET and SEC\u200bRET")
	add(503, "Sun, 01 Mar 2026 12:00:30 GMT", "", "", "<html>")
	add(302, "", "", "https://SECRET/SECRET", "")
	add(99, "", "", "", "")
	f.Fuzz(func(t *testing.T, status int, retryAfter, exception, header string, body []byte, sent int) {
		if status < 100 || status > 999 {
			return // net/http lets no other through
		}
		replace := strings.NewReplacer("SECRET", fuzzSecret, "SEC\x00RET", fuzzSecret[:12]+"\x00"+fuzzSecret[12:], "SEC\u200bRET", fuzzSecret[:12]+"\u200b"+fuzzSecret[12:]).Replace
		whole := replace(string(body))
		torn := sent >= 0 && sent < len(whole)
		var read io.Reader = strings.NewReader(whole)
		if torn {
			read = io.MultiReader(strings.NewReader(whole[:sent]), failing{})
		}
		requests := 0
		c := newClient(t, "", withTransport(func(r *http.Request) (*http.Response, error) {
			io.Copy(io.Discard, r.Body)
			if requests++; requests > 3 {
				return respond(200, `{"value":[]}`), nil // the end of pages
			}
			h := http.Header{"Retry-After": {retryAfter}, "X-Exceptiontype": {replace(exception)}}
			for _, name := range []string{"X-Ms-Diagnostics", "Www-Authenticate", "Location"} {
				h.Set(name, replace(header))
			}
			return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(read), ContentLength: -1}, nil
		}), func(cfg *Config) {
			cfg.Token = (&tokens{have: []string{fuzzSecret}}).token
			cfg.Warn = func(_ tenant.Cmdlet, text string) { errorcases.CheckText(t, text, fuzzSecret) }
		})
		objects, err := c.Run(t.Context(), set)
		if err != nil {
			if _, ok := errors.AsType[*tenant.Error](err); !ok || objects != nil {
				t.Errorf("objects %v, error %v (%T), want a *tenant.Error", objects, err, err)
			}
			errorcases.CheckError(t, err, fuzzSecret)
			return
		}
		if trimmed := rest.TrimPadding([]byte(whole)); torn || status/100 != 2 || len(trimmed) > 0 && !json.Valid(trimmed) {
			t.Errorf("status %d, %q of %q is a success", status, whole[:min(max(sent, 0), len(whole))], whole)
		}
		for _, o := range objects {
			for name, v := range o {
				if strings.Contains(name, "@") {
					t.Errorf("an object with %q", name)
				}
				if got, ok := o.Get(name); !ok || !reflect.DeepEqual(got, v) {
					t.Errorf("%q is %v, and then %v", name, v, got)
				}
				tenant.Text(v)
			}
		}
	})
}

// failing is what is left of a connection that was cut.
type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// Whatever is in a token, its anchor can stand in a header.
func FuzzAnchor(f *testing.F) {
	for _, s := range []string{`{"upn":"ada@example.org"}`, `{"upn":"a\nb@c"}`, `{"idtyp":"app"}`, `[]`, `{"upn":7}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		for _, token := range []string{string(payload), "e30." + base64.RawURLEncoding.EncodeToString(payload) + ".s"} {
			if got := mailboxFor(token, "example.org"); strings.ContainsAny(got, "\r\n\x00 ") {
				t.Errorf("anchor %q", got)
			}
		}
	})
}

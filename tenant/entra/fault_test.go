package entra

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"rollcall/tenant"
)

// What each refusal, and each thing in the way, becomes.
func TestFault(t *testing.T) {
	refusal := func(code, description string) string {
		b, _ := json.Marshal(map[string]any{"error": code, "error_description": description, "error_codes": []int{1}, "trace_id": "x"})
		return string(b)
	}
	const noise = " Trace ID: aaaa Correlation ID: bbbb Timestamp: 2026-01-01 00:00:00Z"
	for _, test := range []struct {
		name   string
		status int
		header string // "name: value"
		body   string
		class  tenant.Class
		text   string
		wait   time.Duration
	}{
		{"wrong secret", 401, "", refusal("invalid_client", "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent is the value."+noise), tenant.Unauthorized, "AADSTS7000215: Invalid client secret provided", 0},
		{"expired secret", 401, "", refusal("invalid_client", "AADSTS7000222: The provided client secret keys for app '1' are expired."+strings.ReplaceAll(noise, " Corr", "\r\nCorr")), tenant.Unauthorized, "AADSTS7000222: The provided client secret keys for app '1' are expired", 0},
		{"no such tenant", 400, "", refusal("invalid_request", "AADSTS90002: Tenant 'contoso.com' not found. Check to make sure."), tenant.Unauthorized, "AADSTS90002: Tenant 'contoso.com' not found", 0},
		{"unknown key", 401, "", refusal("invalid_client", "AADSTS700027: Client assertion contains an invalid signature. [Reason - The key was not found., Thumbprint of key: 'AB']"+noise), tenant.Unauthorized, "AADSTS700027: Client assertion contains an invalid signature. [Reason - The key was not found., Thumbprint of key: 'AB']", 0},
		{"no description", 400, "", `{"error":"invalid_scope"}`, tenant.Unauthorized, "invalid_scope", 0},
		{"no JSON", 400, "", "<html><title>no</title>", tenant.Unauthorized, "bad request", 0},
		{"control characters", 400, "", refusal("x", "AADSTS1: a\x1b[31m\nb"), tenant.Unauthorized, "AADSTS1: a", 0},
		{"redirect", 302, "Location: https://evil.example/path?code=sesame", "", tenant.Unauthorized, `a redirect to "evil.example", which is not followed`, 0},
		{"declined", 400, "", `{"error":"authorization_declined"}`, tenant.Unauthorized, "the person asked to sign in declined", 0},

		{"429", 429, "Retry-After: 17", refusal("x", "AADSTS90055: Too many requests."), tenant.Unavailable, "AADSTS90055: Too many requests", 17 * time.Second},
		{"429 for long", 429, "Retry-After: 3600", "", tenant.Unavailable, "too many requests", time.Hour},
		{"408", 408, "", "", tenant.Unavailable, "request timeout", 0},
		{"500", 500, "", "oops", tenant.Unavailable, "internal server error", 0},
		{"503", 503, "", "<html>", tenant.Unavailable, "service unavailable", 0},
		{"504", 504, "", "", tenant.Unavailable, "gateway timeout", 0},
		{"busy, 400", 400, "", refusal("temporarily_unavailable", "AADSTS90006: Try again. Please."), tenant.Unavailable, "AADSTS90006: Try again", 0},
		{"busy by code", 400, "Retry-After: 2", refusal("invalid_request", "AADSTS90033: A transient error has occurred. Please try again."), tenant.Unavailable, "AADSTS90033: A transient error has occurred", 2 * time.Second},
		{"no token endpoint", 200, "", "<html><title>Sign in to the hotel</title>", tenant.Unavailable, "the reply is not one of Entra ID's", 0},
		{"null", 200, "", "null", tenant.Unavailable, "the reply is not one of Entra ID's", 0},
		{"empty", 200, "", "", tenant.Unavailable, "the reply is not one of Entra ID's", 0},
		{"half a token", 200, "", `{"access_token":"sesame-sesame`, tenant.Unavailable, "the reply is not one of Entra ID's", 0},
		{"too long", 400, "", strings.Repeat("x", maxBody+1), tenant.Unavailable, "the reply has more than 1 MiB", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := &authority{t: t, reply: func(_ int, _ url.Values, w http.ResponseWriter) {
				if name, value, ok := strings.Cut(test.header, ": "); ok {
					w.Header().Set(name, value)
				}
				w.WriteHeader(test.status)
				fmt.Fprint(w, test.body)
			}}
			s := newSource(t, secretConfig(a))
			e := failed(t, s, "", test.class)
			status := test.status
			if test.name == "too long" {
				status = 0
			}
			if e.Err.Error() != test.text || e.RetryAfter != test.wait || e.Status != status {
				t.Errorf("%q, wait %v, status %d\nwant %q, %v", e.Err, e.RetryAfter, e.Status, test.text, test.wait)
			}
			if e.Op != "sign in" || e.Object != "to login.example" || a.requests() != 1 {
				t.Errorf("%v after %d requests", e, a.requests())
			}
		})
	}
}

// A network that is not there may be there again; a certificate that is not
// trusted is named, and final.
func TestNetworkFault(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	cfg := secretConfig(&authority{t: t, reply: issues})
	cfg.Transport = nil
	cfg.Authority = srv.URL
	for _, want := range []string{"certificate", "refused"} {
		class := tenant.Unavailable
		if want == "certificate" {
			class = tenant.Unauthorized
		}
		e := failed(t, newSource(t, cfg), "", class)
		if !strings.Contains(e.Err.Error(), want) || e.Status != 0 || strings.ContainsAny(e.Err.Error(), "\n") || strings.Contains(e.Error(), "openid") {
			t.Errorf("error %q; want one about %s", e, want)
		}
		srv.Close()
	}
}

// An authority that says everything back, wherever it can, does not get it into
// an error.
func TestSecretsAreNowhere(t *testing.T) {
	token := "eyJhbGciOiJub25lIn0.eyJzZWNyZXQiOiJzZXNhbWUifQ.c2VzYW1l"
	for _, test := range []struct {
		name   string
		status int
		body   string // with what was sent
	}{
		{"description", 401, `{"error":"x","error_description":"AADSTS1: secret SECRET and ESCAPED"}`},
		{"error", 400, `{"error":"SECRET ESCAPED"}`},
		{"reason", 400, `{"error":"x","error_description":"AADSTS1: no. [Reason - SECRET ESCAPED]"}`},
		{"token in description", 400, `{"error":"x","error_description":"` + token + `"}`},
		{"interrupted", 401, `{"error":"x","error_description":"AADSTS1: CUT"}`},
		{"token interrupted", 401, `{"error":"x","error_description":"AADSTS1: ` + token[:15] + `\u0000` + token[15:30] + `\u034f\u202e` + token[30:] + `"}`},
		{"text", 400, `SECRET ESCAPED`},
		{"half", 200, `{"access_token":"` + token},
		{"wrong form", 200, `{"access_token":"` + token + `","expires_in":[1]}`},
		{"wrong form of token", 200, `{"access_token":"sesame-opaque-token","expires_in":"soon"}`},
		{"no expiry", 200, `{"access_token":"sesame-opaque-token"}`},
		{"other", 200, `{"token":"x","error":"SECRET"}`},
	} {
		a := &authority{t: t, reply: func(_ int, f url.Values, w http.ResponseWriter) {
			w.WriteHeader(test.status)
			secret := f.Get("client_secret")
			io.WriteString(w, strings.NewReplacer("CUT", secret[:3]+`\u0000`+secret[3:12]+`\u200b`+secret[12:], "SECRET", secret, "ESCAPED", url.QueryEscape(secret)).Replace(test.body))
		}}
		s := newSource(t, secretConfig(a))
		_, err := s.Token(t.Context(), "", "")
		if err == nil {
			t.Errorf("%s: no error", test.name)
			continue
		}
		got := fmt.Sprintf("%v %+v %#v %q", err, err, err, err)
		for _, part := range []string{"hunter2", "sesame", token[:20], "c2VzYW1l", url.QueryEscape(hunter)} {
			if strings.Contains(got, part) {
				t.Errorf("%s: %q is in %s", test.name, part, got)
			}
		}
		if len(err.Error()) > 1200 || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %s", test.name, err)
		}
	}
}

// What the default tries and can't use is said in few words each.
func TestDefaultText(t *testing.T) {
	got := defaultText("DefaultAzureCredential: failed to acquire a token.\nAttempted credentials:\n\tEnvironmentCredential: missing AZURE_TENANT_ID\n\t\tmore\n\tAzureCLICredential: Azure CLI not found on path. To troubleshoot, visit https://aka.ms\n\tManagedIdentityCredential: " + strings.Repeat("x", 200))
	want := "none of the ways to sign in that are tried by default can be used: EnvironmentCredential: missing AZURE_TENANT_ID; AzureCLICredential: Azure CLI not found on path; ManagedIdentityCredential: " + strings.Repeat("x", 73) + "…"
	if got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

package entra

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"rollcall/tenant"
)

// The ID of a tenant is in what Entra ID tells anyone about a domain. What is no
// answer is told from one that there is no such tenant.
func TestTenantID(t *testing.T) {
	const issuer = `{"issuer":"https://login.microsoftonline.com/` + contoso + `/v2.0"}`
	for _, test := range []struct {
		domain string
		status int
		body   string
		class  tenant.Class
		want   string
	}{
		{"contoso.com", 200, issuer, 0, contoso},
		{"contoso.com", 400, `{"error":"invalid_tenant","error_description":"AADSTS90002: Tenant 'contoso.com' not found. Check\r\nTrace ID: 1"}`, tenant.Unauthorized, "look up tenant contoso.com: AADSTS90002: Tenant 'contoso.com' not found (HTTP 400)"},
		{"contoso.com", 503, "<html>", tenant.Unavailable, "service unavailable (HTTP 503)"},
		{"contoso.com", 200, "<html>", tenant.Unavailable, "not one of Entra ID's"},
		{"contoso.com", 200, `{"issuer":"https://login.microsoftonline.com/{tenantid}/v2.0"}`, tenant.Unavailable, "not one of Entra ID's"},
		{"contoso.com", 0, "", tenant.Unavailable, "no route to host"},
		{"contoso.com/evil", 200, issuer, tenant.Unauthorized, "want its ID or a domain"},
	} {
		cfg := Config{Transport: transporter(func(r *http.Request) (*http.Response, error) {
			if got := r.URL.String(); got != "https://login.microsoftonline.com/contoso.com/v2.0/.well-known/openid-configuration" {
				t.Errorf("asked %s", got)
			}
			if test.status == 0 {
				return nil, errors.New("no route to host")
			}
			return respond(r, test.status, test.body), nil
		})}
		id, err := TenantID(t.Context(), cfg, test.domain)
		got := id
		if err != nil {
			got = err.Error()
			if !errors.Is(err, test.class) {
				t.Errorf("%v is not %v", err, test.class)
			}
		}
		if !strings.Contains(got, test.want) || err == nil && id != test.want {
			t.Errorf("%s, %d: %q, want %q", test.domain, test.status, got, test.want)
		}
	}
}

// A hint is a sentence without an end, for a code wherever it stands.
func TestHint(t *testing.T) {
	if got := Hint("sign in refused: AADSTS7000215: Invalid client secret provided"); !strings.HasPrefix(got, "the secret is not one") {
		t.Errorf("hint %q", got)
	}
	for _, text := range []string{"", "AADSTS", "AADSTS1: what", "7000215"} {
		if got := Hint(text); got != "" {
			t.Errorf("Hint(%q) = %q", text, got)
		}
	}
	for code, text := range hints {
		if Hint(fmt.Sprintf("AADSTS%s: x", code)) != text || !regexp.MustCompile(`^\d+$`).MatchString(code) || strings.HasSuffix(text, ".") {
			t.Errorf("%s: %q", code, text)
		}
	}
}

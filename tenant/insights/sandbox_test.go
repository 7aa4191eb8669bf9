package insights_test

import (
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/tenant"
	"rollcall/tenant/insights"
	"rollcall/tenant/rest"
	"rollcall/tenant/sandbox"
	"rollcall/tenant/sandbox/server"
)

// A set reaches the user whom it names, whatever the name has in it, and no
// other: not whom an unescaped name, or one that is unescaped twice, would name.
func TestReachesTheUser(t *testing.T) {
	users := []string{
		"ada@contoso.com", "Zoë@contoso.com", "zo@contoso.com", "日本@contoso.com",
		"o'neil@contoso.com", "o''neil@contoso.com", "o", "oneil@contoso.com", "'", "x')/settings?('@contoso.com",
		"eve_gmail.com#EXT#@contoso.com", "eve_gmail.com", "eve_gmail.com%23EXT%23@contoso.com",
		"a%41@contoso.com", "aA@contoso.com", "a%2541@contoso.com", "50%@contoso.com",
		"q?a=b@contoso.com", "q", "s/t@contoso.com", "s", "t@contoso.com", "../up@contoso.com", "..",
		"p+q@contoso.com", "p q@contoso.com", "p%2Bq@contoso.com", "a&b=c;d@contoso.com", `back\slash@contoso.com`, "(par)en@contoso.com",
		"11111111-2222-3333-4444-555555555555",
	}
	var content strings.Builder
	content.WriteString("UserPrincipalName\n")
	for _, u := range users {
		content.WriteString(`"` + u + "\"\n")
	}
	for _, u := range users {
		name := filepath.Join(t.TempDir(), "tenant.csv")
		if err := os.WriteFile(name, []byte(content.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		loaded, err := sandbox.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		srv := httptest.NewServer(&server.Server{Tenant: loaded, Token: "secret"})
		c, err := insights.New(insights.Config{Config: rest.Config{Organization: "contoso.com",
			Endpoint: srv.URL,
			Token:    func(context.Context, string, string) (string, error) { return "secret", nil },
		}})
		if err != nil {
			t.Fatal(err)
		}
		set := tenant.Cmdlet{Name: "Set-MyAnalyticsFeatureConfig", Identity: u, Parameters: []tenant.Parameter{{Name: "PrivacyMode", Value: "opt-out"}}}
		if _, err := c.Run(t.Context(), set); err != nil {
			t.Errorf("%q: %v", u, err)
		}
		get := tenant.Cmdlet{Name: "Get-MyAnalyticsFeatureConfig"}
		for _, other := range users {
			objects, err := c.Run(t.Context(), get.For(other))
			if err != nil || objects[0]["UserId"] != other || (objects[0]["PrivacyMode"] == "opt-out") != (other == u) {
				t.Errorf("%q was set: %q is %v, %v", u, other, objects, err)
			}
		}
		c.Close()
		srv.Close()
	}
}

package rest

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"rollcall/tenant"
)

const org = "11111111-2222-3333-4444-55555555abcd"

// tokenOf returns a token of the tenant called id.
func tokenOf(id string) string {
	return "e30." + base64.RawURLEncoding.EncodeToString([]byte(`{"tid":"`+id+`"}`)) + ".c2ln"
}

// An organization is a GUID or a domain, and nothing that would change a path.
func TestCheckOrganization(t *testing.T) {
	for s, ok := range map[string]bool{
		org: true, strings.ToUpper(org): true, "contoso.onmicrosoft.com": true, "xn--bcher-kva.example": true,
		"": false, "contoso": false, "a/b.c": false, "..": false, "a..b": false, "a.b ": false, "a.b?": false, "a.b#": false, "a%2e.b": false, ".a": false, "a.": false,
		org[1:]: false, org + "1": false, "{" + org[2:] + "}": false, "111111112-222-3333-4444-555555555555": false,
		strings.Repeat("a.", 127) + "com": false,
	} {
		if err := CheckOrganization(s); (err == nil) != ok {
			t.Errorf("%q: %v", s, err)
		}
	}
}

// The tenant's ID is the one that is named, else the token's, else not known.
func TestTenantID(t *testing.T) {
	for _, c := range []struct{ organization, token, want string }{
		{org, "opaque", org},
		{strings.ToUpper(org), tokenOf("22222222-2222-3333-4444-555555555555"), org},
		{"contoso.com", tokenOf(strings.ToUpper(org)), org},
		{"contoso.com", "opaque", ""},
		{"contoso.com", tokenOf("contoso.com"), ""},
		{"contoso.com", tokenOf("../../x"), ""},
	} {
		if got := TenantID(c.organization, c.token); got != c.want {
			t.Errorf("TenantID(%q, %q) = %q, want %q", c.organization, c.token, got, c.want)
		}
	}
}

// A token that says it is of another tenant than the one that is meant goes
// nowhere, whenever it turns up; nor does its text.
func TestForeignToken(t *testing.T) {
	foreign := tokenOf("22222222-2222-3333-4444-555555555555")
	for _, c := range []struct {
		organization string
		tokens       []string
		refused      int // from which one on
	}{
		{org, []string{tokenOf(org), foreign, foreign}, 1},
		{org, []string{"opaque", tokenOf(strings.ToUpper(org)), "opaque"}, 3},
		{"contoso.com", []string{foreign}, 1},
	} {
		next := 0
		client, err := New(Config{Organization: c.organization, Token: func(context.Context, string, string) (string, error) {
			next++
			return c.tokens[next-1], nil
		}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range c.tokens {
			token, err := client.Token(t.Context())
			if (err != nil) != (i >= c.refused) || err != nil && !errors.Is(err, tenant.Unauthorized) {
				t.Errorf("%s: token %d: %v", c.organization, i, err)
			}
			if err != nil && (token != "" || strings.Contains(err.Error(), foreign)) {
				t.Errorf("%s: token %d: %q, %v", c.organization, i, token, err)
			}
		}
	}
}

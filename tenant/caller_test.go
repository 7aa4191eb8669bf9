package tenant

import (
	"encoding/base64"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// tokenOf returns a token with claims.
func tokenOf(claims string) string {
	return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
}

// What a token says is read in each form that it may say it in, and a token
// that says nothing is no trouble.
func TestCallerOf(t *testing.T) {
	const id = "11111111-2222-3333-4444-55555555ABCD"
	for _, test := range []struct {
		claims string
		want   Caller
	}{
		{`{"tid":"` + id + `","appid":"a","app_displayname":"Robot","roles":["Exchange.ManageAsApp"],"wids":["29232cdf-9323-42fd-ade2-1d097af3e4de","F2EF992C-3AFB-46B9-B7CF-A126EE74C451","x"],"exp":1000000000,"idtyp":"app","upn":"ada@contoso.com"}`,
			Caller{Tenant: strings.ToLower(id), App: "a", AppName: "Robot", Roles: []string{"Exchange.ManageAsApp"},
				DirectoryRoles: []string{"29232cdf-9323-42fd-ade2-1d097af3e4de", "f2ef992c-3afb-46b9-b7cf-a126ee74c451", "x"}, Expires: time.Unix(1000000000, 0).UTC(), AppOnly: true}},
		{`{"azp":"a","upn":"ada@contoso.com","scp":"Exchange.Manage  Other","wids":"62e90394-69f5-4237-9190-012177145e10"}`,
			Caller{App: "a", UPN: "ada@contoso.com", Name: "ada@contoso.com", Scopes: []string{"Exchange.Manage", "Other"}, DirectoryRoles: []string{"62e90394-69f5-4237-9190-012177145e10"}}},
		{`{"appid":"a","scp":"x","unique_name":"ada"}`, Caller{App: "a", Name: "ada", Scopes: []string{"x"}}},
		{`{"appid":"a"}`, Caller{App: "a", AppOnly: true}},
		{`{"aud":"https://outlook.office365.com"}`, Caller{Audiences: []string{"https://outlook.office365.com"}}},
		{`{"aud":["a",1,"b"]}`, Caller{Audiences: []string{"a", "b"}}},
		{`{"appid":"a","idtyp":"user"}`, Caller{App: "a"}},
		{`{"tid":7,"roles":[1,null,""],"exp":"soon","wids":{},"upn":"a\nb\u001b"}`, Caller{UPN: "a b", Name: "a b"}},
		{`{"tid":"../../x"}`, Caller{}}, {`{"exp":1e300}`, Caller{}}, {`{"exp":-1}`, Caller{}}, {`[]`, Caller{}}, {`null`, Caller{}}, {`no`, Caller{}},
	} {
		if got, want := fmt.Sprintf("%+v", CallerOf(tokenOf(test.claims))), fmt.Sprintf("%+v", test.want); got != want {
			t.Errorf("CallerOf(%s)\n%s; want\n%s", test.claims, got, want)
		}
	}
	for _, token := range []string{"", "opaque", "a.b.c", "..", "a.%.c"} {
		if got := CallerOf(token); fmt.Sprint(got) != fmt.Sprint(Caller{}) {
			t.Errorf("CallerOf(%q) = %+v", token, got)
		}
	}
	c := Caller{DirectoryRoles: []string{"29232cdf-9323-42fd-ade2-1d097af3e4de", "x"}}
	if got := c.DirectoryRoleNames(); !reflect.DeepEqual(got, []string{"Exchange Administrator", "x"}) {
		t.Errorf("roles %q", got)
	}
}

// Whatever a token says of itself, it is one printable line each.
func FuzzCallerOf(f *testing.F) {
	f.Add(`{"tid":"t","appid":"a","roles":["R\u202e"],"wids":"62e90394-69f5-4237-9190-012177145e10","exp":1e10,"scp":"a  b"}`)
	f.Fuzz(func(t *testing.T, claims string) {
		for _, token := range []string{claims, tokenOf(claims)} {
			c := CallerOf(token)
			for _, texts := range [][]string{{c.Tenant, c.App, c.AppName, c.UPN, c.Name}, c.Roles, c.Audiences, c.Scopes, c.DirectoryRoles} {
				for _, text := range texts {
					if text != Clean(text) {
						t.Errorf("%q can't be shown", text)
					}
				}
			}
		}
	})
}

// A GUID is written in one form.
func TestIsGUID(t *testing.T) {
	const id = "11111111-2222-3333-4444-55555555abcd"
	for s, want := range map[string]bool{
		id: true, strings.ToUpper(id): true, NewGUID(): true,
		"": false, id[1:]: false, id + "1": false, "{" + id[2:] + "}": false, "111111112-222-3333-4444-555555555555": false,
		strings.ReplaceAll(id, "-", ""): false, "11111111-2222-3333-4444-55555555abcg": false,
	} {
		if got := IsGUID(s); got != want {
			t.Errorf("IsGUID(%q) = %t", s, got)
		}
	}
}

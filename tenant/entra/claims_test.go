package entra

import (
	"encoding/base64"
	"fmt"
	"reflect"
	"testing"
	"time"
)

// What a token says is read in each form that it may say it in, and a token
// that says nothing is no trouble.
func TestInspect(t *testing.T) {
	for _, test := range []struct {
		claims string
		want   Claims
	}{
		{`{"tid":"t","appid":"a","app_displayname":"Robot","aud":"https://outlook.office365.com","roles":["Exchange.ManageAsApp"],"wids":["29232cdf-9323-42fd-ade2-1d097af3e4de","F2EF992C-3AFB-46B9-B7CF-A126EE74C451","x"],"exp":1000000000,"idtyp":"app"}`,
			Claims{Tenant: "t", App: "a", Name: "Robot", Audience: "https://outlook.office365.com", Roles: []string{"Exchange.ManageAsApp"},
				DirectoryRoles: []string{"Exchange Administrator", "Global Reader", "x"}, Expires: time.Unix(1000000000, 0).UTC(), AppOnly: true}},
		{`{"azp":"a","upn":"ada@contoso.com","scp":"Exchange.Manage  Other","aud":["x","y"],"wids":"62e90394-69f5-4237-9190-012177145e10"}`,
			Claims{App: "a", Name: "ada@contoso.com", Scopes: []string{"Exchange.Manage", "Other"}, Audience: "x", DirectoryRoles: []string{"Global Administrator"}}},
		{`{"appid":"a"}`, Claims{App: "a", AppOnly: true}},
		{`{"appid":"a","idtyp":"user"}`, Claims{App: "a"}},
		{`{"tid":7,"roles":[1,null,""],"exp":"soon","wids":{},"upn":"a\nb\u001b"}`, Claims{Name: "a b"}},
		{`{"exp":1e300}`, Claims{}}, {`{"exp":-1}`, Claims{}}, {`[]`, Claims{}}, {`no`, Claims{}},
	} {
		token := "h." + base64.RawURLEncoding.EncodeToString([]byte(test.claims)) + ".s"
		if got, want := fmt.Sprintf("%+v", Inspect(token)), fmt.Sprintf("%+v", test.want); got != want {
			t.Errorf("Inspect(%s)\n%s; want\n%s", test.claims, got, want)
		}
	}
	for _, token := range []string{"", "opaque", "a.b.c", "..", "a.%.c"} {
		if got := Inspect(token); !reflect.DeepEqual(got, Claims{}) {
			t.Errorf("Inspect(%q) = %+v", token, got)
		}
	}
}

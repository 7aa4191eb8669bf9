package exchange

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// jwt returns a token with these claims.
func jwt(claims string) string {
	return "eyJhbGciOiJub25lIn0." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
}

func TestMailboxFor(t *testing.T) {
	const app = "APP:SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}@" + org
	for _, test := range []struct{ token, want string }{
		{"opaque", app}, {"", app}, {"a.b.c", app}, {"a.%.c", app}, {"..", app}, {jwt("not JSON"), app}, {jwt(`["upn"]`), app},
		{jwt(`{"idtyp":"app"}`), app},
		{jwt(`{"idtyp":"app","upn":"admin@example.org"}`), app},
		{jwt(`{"idtyp":"user"}`), app},
		{jwt(`{"upn":7}`), app},
		{jwt(`{"upn":"admin@example.org"}`), "UPN:admin@example.org"},
		{jwt(`{"idtyp":"user","upn":"zoë@example.org"}`), "UPN:zoë@example.org"},
		{jwt(`{"upn":"a@b\r\nX-Evil: 1"}`), app}, {jwt(`{"upn":"a b@c"}`), app}, {jwt(`{"upn":"admin"}`), app},
		{jwt("{\"upn\":\"a@b\xff\"}"), "UPN:a@b\uFFFD"},
	} {
		if got := mailboxFor(test.token, org); got != test.want {
			t.Errorf("mailboxFor(%q) = %q; want %q", test.token, got, test.want)
		}
	}
	padded := "e30." + base64.URLEncoding.EncodeToString([]byte(`{"upn":"a@b.example"}`)) + ".s"
	if got := mailboxFor(padded, org); got != "UPN:a@b.example" {
		t.Errorf("with padding: %q", got)
	}
}

// A tenant is named by its ID wherever that is known, in paths and in the anchor:
// what is given as a domain is the tenant of the token.
func TestPlace(t *testing.T) {
	const domain = "contoso.onmicrosoft.com"
	for _, test := range []struct{ organization, token, want string }{
		{org, "opaque", org},
		{strings.ToUpper(org), "opaque", org},
		{domain, "opaque", domain},
		{domain, jwt(`{"tid":"` + org + `"}`), org},
		{domain, jwt(`{"tid":"evil/../x"}`), domain},
	} {
		c := newClient(t, "https://h/exo", func(cfg *Config) { cfg.Organization = test.organization })
		at := c.placeFor(test.token)
		for got, want := range map[string]string{
			at.invoke.String(): "https://h/exo/adminapi/beta/" + test.want + "/InvokeCommand",
			at.batch.String():  "https://h/exo/adminapi/beta/" + test.want + "/$batch",
			at.list.String():   "https://h/exo/adminapi/v1.0/" + test.want + "/EXOModuleFile?Version=" + moduleVersion,
			at.mailbox:         "APP:" + systemMailbox + "@" + test.want,
		} {
			if got != want {
				t.Errorf("%s with %s: %s, want %s", test.organization, test.token, got, want)
			}
		}
		if again := c.placeFor(test.token); again != at {
			t.Error("the place of a token is found out twice")
		}
	}
}

// The token is asked for before every request, and the anchor is that token's.
func TestTokenOfEveryRequest(t *testing.T) {
	n := 0
	var got []string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header.Get("Authorization")+" "+r.Header.Get("X-AnchorMailbox"))
		if len(got) == 1 {
			fmt.Fprint(w, `{"@odata.nextLink":"?page=2"}`)
		}
	}, func(cfg *Config) {
		cfg.Token = func(context.Context, string, string) (string, error) {
			n++
			return jwt(fmt.Sprintf(`{"upn":"admin%d@example.org"}`, n)), nil
		}
	})
	for range 2 {
		if _, err := c.Run(t.Context(), get); err != nil {
			t.Fatal(err)
		}
	}
	if len(got) != 3 {
		t.Fatalf("%d requests, want 3", len(got))
	}
	for i, g := range got {
		upn := fmt.Sprintf("admin%d@example.org", i+1)
		if want := "Bearer " + jwt(`{"upn":"`+upn+`"}`) + " UPN:" + upn; g != want {
			t.Errorf("request %d has %q, want %q", i, g, want)
		}
	}
}

package connect

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"rollcall/tenant/powershell"
)

// tokenOf returns a token that nobody signed, with these claims.
func tokenOf(claims string) string {
	return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
}

// A token is blamed only for what it says of itself: that it is for another service,
// or that the application has another permission than the one that is wanted.
func TestCheckToken(t *testing.T) {
	for _, test := range []struct{ noun, cloud, endpoint, claims, wrong string }{
		{"CASMailbox", "global", "", `{"aud":"https://outlook.office365.com"}`, ""},
		{"CASMailbox", "global", "", `{"aud":"HTTPS://Outlook.Office365.com/"}`, ""},
		{"CASMailbox", "global", "", `{"aud":["x","00000002-0000-0ff1-ce00-000000000000"]}`, ""},
		{"CASMailbox", "global", "", `{}`, ""},
		{"CASMailbox", "global", "", `no token`, ""},
		{"CASMailbox", "gcc-high", "", `{"aud":"https://outlook.office365.us"}`, ""},
		{"CASMailbox", "china", "", `{"aud":"https://partner.outlook.cn"}`, ""},
		{"CASMailbox", "global", "https://proxy.contoso.com", `{"aud":"https://proxy.contoso.com"}`, ""},
		{"CASMailbox", "gcc-high", "", `{"aud":"https://outlook.office365.com"}`, "not for Exchange Online (https://outlook.office365.us)"},
		{"CASMailbox", "global", "", `{"aud":"00000003-0000-0000-c000-000000000000"}`, "for Microsoft Graph (00000003-"},
		{"CASMailbox", "global", "", `{"aud":"api://own"}`, "for api://own, and not"},
		{"CASMailbox", "global", "", `{"aud":"https://substrate.office.com/weve"}`, "for Viva Insights"},
		{"MyAnalyticsFeatureConfig", "global", "", `{"aud":"https://substrate.office.com/weve"}`, ""},
		{"MyAnalyticsFeatureConfig", "global", "", `{"aud":"https://graph.microsoft.com"}`, "for Microsoft Graph"},
		{"MyAnalyticsFeatureConfig", "global", "", `{"roles":["Exchange.ManageAsAppV2"]}`, ""},
		{"CASMailbox", "global", "", `{"roles":["Exchange.ManageAsAppV2"]}`, "likely every call is refused"},
		{"CASMailbox", "global", "", `{"roles":["Exchange.AdminAPI.ManageAsApp","Exchange.ManageAsApp"]}`, ""},
		{"CASMailbox", "global", "", `{"roles":["Mail.Read"]}`, ""},
		{"CASMailbox", "global", "", `{"scp":"Exchange.ManageV2"}`, "another one than Exchange.Manage:"},
		{"CASMailbox", "global", "", `{"scp":"Exchange.Manage Exchange.ManageV2"}`, ""},
	} {
		c := &connector{Settings: Settings{Cloud: test.cloud, Endpoint: test.endpoint}, Options: Options{Noun: test.noun}}
		_, err := c.checkToken(tokenOf(test.claims))
		advised, ok := errors.AsType[*Advised](err)
		if (err == nil) != (test.wrong == "") || err != nil && (!ok || advised.Fix == "" || !strings.Contains(err.Error(), test.wrong)) {
			t.Errorf("%s of %s: token %s: error %v, want one with %q", test.noun, test.cloud, test.claims, err, test.wrong)
		}
	}
}

// What the module says of a sign-in that failed stands behind what is wrong with the
// token, and alone if nothing is, or if the module got none.
func TestBlameToken(t *testing.T) {
	refused := errors.New("UnAuthorized")
	c := &connector{Options: Options{Noun: "CASMailbox"}}
	signIn := func(method, token string, err error) powershell.SignIn {
		return powershell.SignIn{Method: method, Token: func(context.Context, string) (string, time.Time, error) { return token, time.Time{}, err }}
	}
	graph := tokenOf(`{"aud":"https://graph.microsoft.com"}`)
	err := c.blameToken(t.Context(), signIn(powershell.AccessToken, graph, nil), refused)
	if !errors.Is(err, refused) || !strings.HasPrefix(err.Error(), "the token is for Microsoft Graph") {
		t.Errorf("error %v, want the token's fault ahead of %v", err, refused)
	}
	for name, s := range map[string]powershell.SignIn{
		"a good token": signIn(powershell.AccessToken, tokenOf(`{"aud":"https://outlook.office365.com"}`), nil),
		"no token":     signIn(powershell.AccessToken, "", errors.New("none")),
		"by hand":      signIn("interactive", graph, nil),
	} {
		if err := c.blameToken(t.Context(), s, refused); err != refused {
			t.Errorf("%s: error %v, want %v", name, err, refused)
		}
	}
}

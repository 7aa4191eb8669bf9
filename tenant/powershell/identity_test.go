package powershell

import (
	"strings"
	"testing"

	"rollcall/tenant"
)

// Users whom Microsoft's module refuses, or would take for others, are refused
// ahead of it, for the cmdlets that it has compiled in.
func TestCheckIdentity(t *testing.T) {
	for identity, want := range map[string]string{
		"ada@contoso.com":                       "",
		"a.b-c_d+e@sub.contoso.onmicrosoft.com": "",
		"ada@contoso.museum":                    "",
		"zoë@contoso.com":                       "letters beyond ASCII",
		"ada@köln.de":                           "letters beyond ASCII",
		"eve_gmail.com#EXT#@contoso.com":        "'#' has a meaning",
		"o'neil@contoso.com":                    `'\'' has a meaning`,
		"a?b@contoso.com":                       "'?' has a meaning",
		"a%41@contoso.com":                      "'%' has a meaning",
		"a/b@contoso.com":                       "'/' has a meaning",
		"a b@contoso.com":                       "' ' has a meaning",
		"11111111-2222-3333-4444-555555555555":  "not an email address",
		"Ada":                                   "not an email address",
		"ada@localhost":                         "not an email address",
	} {
		for _, verb := range []string{"Get-", "Set-"} {
			err := checkIdentity(tenant.Cmdlet{Name: verb + "myanalyticsfeatureconfig", Identity: identity})
			if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "the tenant exchange")) {
				t.Errorf("%q: %v; want %q", identity, err, want)
			}
			if err := checkIdentity(tenant.Cmdlet{Name: verb + "CASMailbox", Identity: identity}); err != nil {
				t.Errorf("%q: %v", identity, err)
			}
		}
	}
}

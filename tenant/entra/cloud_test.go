package entra

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// hostsOf notes which hosts were asked, and for what, on the way to a.
func hostsOf(a *authority, hosts map[string]bool) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		if strings.Contains(r.URL.Path, "/discovery/instance") {
			hosts["discovery"] = true
		}
		if strings.HasSuffix(r.URL.Path, "/token") {
			hosts[r.URL.Host+" token"] = true
		}
		return a.Do(r)
	}
}

func TestLookupCloud(t *testing.T) {
	if got, want := CloudNames(), []string{"global", "gcc-high", "dod", "china"}; !slices.Equal(got, want) {
		t.Errorf("CloudNames() = %q; want %q", got, want)
	}
	for _, name := range append(CloudNames(), "", "GLOBAL", "Gcc-High") {
		c, err := LookupCloud(name)
		if err != nil || name != "" && !strings.EqualFold(c.Name, name) || !IsMicrosoft(c.Endpoint) || !IsMicrosoft(c.Module) {
			t.Errorf("LookupCloud(%q) = %v, %v", name, c, err)
		}
		if u, err := parseAuthority(c.Authority); err != nil || !isMicrosoftAuthority(u) {
			t.Errorf("%s: authority %s", name, c.Authority)
		}
	}
	if _, err := LookupCloud("germany"); err == nil || err.Error() != `cloud "germany": want one of global, gcc-high, dod, china` {
		t.Errorf("LookupCloud: %v", err)
	}
}

func TestIsMicrosoft(t *testing.T) {
	for endpoint, want := range map[string]bool{
		"https://outlook.office365.com":              true,
		"https://OUTLOOK.office365.com.:443/exo?x":   true,
		"https://outlook.office.com/":                true,
		"https://outlook.office365.us":               true,
		"https://outlook-dod.office365.us":           true,
		"https://webmail.apps.mil":                   true,
		"https://outlook.office365.cn":               true,
		"https://partner.outlook.cn":                 true,
		"https://outlook.office.de":                  true,
		"https://outlook.office365.com.example.org":  false,
		"https://outlook.office365.com@example.org/": false,
		"https://example.org/outlook.office365.com":  false,
		"https://xoutlook.office365.com":             false,
		"http://127.0.0.1:8080":                      false,
		"https://":                                   false,
		"":                                           false,
		"%":                                          false,
	} {
		if got := IsMicrosoft(endpoint); got != want {
			t.Errorf("IsMicrosoft(%q) = %t", endpoint, got)
		}
	}
}

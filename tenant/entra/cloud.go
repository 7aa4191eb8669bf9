package entra

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// A Cloud is one of Microsoft's national clouds: the hosts of Entra ID and of Exchange
// Online. The host of a service is the audience of its tokens.
type Cloud struct {
	Name        string // global, gcc-high, dod or china
	Authority   string // base URL of Entra ID
	Endpoint    string // base URL of Exchange Online
	Module      string // base URL of Exchange Online where Microsoft's module connects to it
	Environment string // ExchangeEnvironmentName of Connect-ExchangeOnline, which stands for Module
}

// clouds are those that are open. Certain: Microsoft's pages on the Exchange
// admin API (endpoints) and on Connect-ExchangeOnline (environments, and the hosts
// of the module). Likely: that the endpoints of the others serve the same calls
// as the global one, and that where the module has another host, a token is to
// be for that one.
var clouds = []Cloud{
	{"global", "https://login.microsoftonline.com", "https://outlook.office365.com", "https://outlook.office365.com", "O365Default"}, // GCC too
	{"gcc-high", "https://login.microsoftonline.us", "https://outlook.office365.us", "https://outlook.office365.us", "O365USGovGCCHigh"},
	{"dod", "https://login.microsoftonline.us", "https://outlook-dod.office365.us", "https://webmail.apps.mil", "O365USGovDoD"},
	{"china", "https://login.partner.microsoftonline.cn", "https://outlook.office365.cn", "https://partner.outlook.cn", "O365China"},
}

// LookupCloud returns the Cloud of that name, in whatever case; "" is global.
func LookupCloud(name string) (Cloud, error) {
	if name == "" {
		return clouds[0], nil
	}
	for _, c := range clouds {
		if strings.EqualFold(c.Name, name) {
			return c, nil
		}
	}
	return Cloud{}, fmt.Errorf("cloud %q: want one of %s", name, strings.Join(CloudNames(), ", "))
}

// CloudNames returns the names of all clouds.
func CloudNames() []string {
	var names []string
	for _, c := range clouds {
		names = append(names, c.Name)
	}
	return names
}

// exchangeHosts are older names of Exchange Online's hosts.
var exchangeHosts = []string{
	"outlook.office.com",
	"outlook.office.de", // closed
}

// IsMicrosoft reports whether the host of endpoint, a URL, is one of Exchange
// Online's own, in any cloud.
func IsMicrosoft(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	return slices.Contains(exchangeHosts, host) || slices.ContainsFunc(clouds, func(c Cloud) bool {
		return c.Endpoint == "https://"+host || c.Module == "https://"+host
	})
}

// authorityHosts are the hosts of Entra ID. Unless told not to, azidentity asks one of them
// whether any other host is known.
var authorityHosts = []string{
	"login.microsoftonline.com",
	"login.microsoft.com",
	"login.windows.net",
	"sts.windows.net",
	"login.microsoftonline.us",
	"login.usgovcloudapi.net",
	"login.partner.microsoftonline.cn",
	"login.chinacloudapi.cn",
	"login.microsoftonline.de",
}

// parseAuthority reads the URL of an authority. Its error does not show the URL, which may
// have a password.
func parseAuthority(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("authority: want a URL such as %s, without user, password or query", clouds[0].Authority)
	}
	return u, nil
}

// isMicrosoftAuthority reports whether u is one of Entra ID's own.
func isMicrosoftAuthority(u *url.URL) bool {
	return slices.Contains(authorityHosts, strings.ToLower(u.Host))
}

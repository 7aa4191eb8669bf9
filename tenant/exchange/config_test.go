package exchange

import (
	"context"
	"strings"
	"testing"
	"time"

	"rollcall/tenant/rest"
)

func TestNewRefuses(t *testing.T) {
	good := Config{Config: rest.Config{Organization: org}}
	good.Token = func(context.Context, string, string) (string, error) { return token, nil }
	for _, test := range []struct {
		change func(*Config)
		want   string
	}{
		{func(c *Config) { c.Organization = "contoso" }, `organization "contoso"`},
		{func(c *Config) { c.Organization = "contoso.com/../x" }, `organization "contoso.com/../x"`},
		{func(c *Config) { c.Organization = "" }, `organization ""`},
		{func(c *Config) { c.Token = nil }, "no token source"},
		{func(c *Config) { c.Timeout = -time.Second }, "timeout -1s"},
		{func(c *Config) { c.Connections = -1 }, "connections -1"},
		{func(c *Config) { c.Endpoint = "http://outlook.office365.com" }, "plain http to another machine"},
		{func(c *Config) { c.Endpoint = "http://127.0.0.1.example.org" }, "plain http to another machine"},
		{func(c *Config) { c.Endpoint = "http://localhost.example.org" }, "plain http to another machine"},
		{func(c *Config) { c.Endpoint = "http://0.0.0.0:80" }, "plain http to another machine"},
		{func(c *Config) { c.Endpoint = "http://[2001:db8::1]" }, "plain http to another machine"},
		{func(c *Config) { c.Endpoint = "ftp://localhost" }, "want https"},
		{func(c *Config) { c.Endpoint = "outlook.office365.com" }, "not a base URL"},
		{func(c *Config) { c.Endpoint = "https:outlook.office365.com" }, "not a base URL"},
		{func(c *Config) { c.Endpoint = "https://:443" }, "not a base URL"},
		{func(c *Config) { c.Endpoint = "https://h/%zz" }, "not a base URL"},
		{func(c *Config) { c.Endpoint = "http://127.0.0.1:99999" }, "port 99999: want a number up to 65535"},
		{func(c *Config) { c.Endpoint = "https://h/?a=b" }, "query or fragment"},
		{func(c *Config) { c.Endpoint = "https://h/?" }, "query or fragment"},
		{func(c *Config) { c.Endpoint = "https://h/#x" }, "query or fragment"},
		{func(c *Config) { c.Endpoint = "https://me:hunter2@h/" }, "user or password"},
		{func(c *Config) { c.Endpoint = "https://me:hunter 2@h/" }, "not a base URL"},
		{func(c *Config) { c.Endpoint = "https://me:hunter2" }, "not a base URL"},
	} {
		cfg := good
		test.change(&cfg)
		_, err := New(cfg)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("New with endpoint %q: %v; want %q", cfg.Endpoint, err, test.want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter") {
			t.Errorf("New with endpoint %q: %v, which shows the password", cfg.Endpoint, err)
		}
	}
}

func TestEndpoint(t *testing.T) {
	for _, test := range []struct{ endpoint, want string }{
		{"", "https://outlook.office365.com/adminapi/beta/" + org + "/InvokeCommand"},
		{"https://outlook.office365.us/", "https://outlook.office365.us/adminapi/beta/" + org + "/InvokeCommand"},
		{"https://proxy.example:8443/exo", "https://proxy.example:8443/exo/adminapi/beta/" + org + "/InvokeCommand"},
		{"http://127.8.8.8:80", "http://127.8.8.8:80/adminapi/beta/" + org + "/InvokeCommand"},
		{"http://[::1]:8080", "http://[::1]:8080/adminapi/beta/" + org + "/InvokeCommand"},
		{"HTTP://LocalHost", "http://LocalHost/adminapi/beta/" + org + "/InvokeCommand"},
	} {
		c := newClient(t, test.endpoint)
		if u := c.placeFor(token).invoke; u.String() != test.want || !strings.HasPrefix(u.Path, "/") {
			t.Errorf("endpoint %q: %s; want %s", test.endpoint, u, test.want)
		}
	}
}

package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"rollcall/tenant"
)

// Defaults of a [Config].
const (
	DefaultEndpoint    = "https://outlook.office365.com"
	DefaultTimeout     = 2 * time.Minute
	defaultConnections = 4
)

// A Config says what a [Client] connects to, and how.
type Config struct {
	// Endpoint is the service's base URL, [DefaultEndpoint] if empty. It is
	// https, or http if the host is this machine.
	Endpoint string

	// Organization is the tenant's ID, a GUID, or one of its domains. Required.
	// A token that says it is of a tenant with another ID is not used.
	Organization string

	// Token returns the access token to send. Required. It is called before every
	// request, by several goroutines at once, and so should cache a token as long as it
	// is valid. Timeout does not apply to it: a person may have to sign in.
	//
	// refused, unless "", is a token that the tenant did not accept: Token has to return
	// another one, with claims, a JSON object, if the tenant named any. If there is no
	// other, Token returns the same one, or an error.
	Token func(ctx context.Context, refused, claims string) (string, error)

	// Timeout bounds one request, from the first byte sent to the last one
	// read; 0 means [DefaultTimeout].
	Timeout time.Duration

	// Connections is how many calls are made at once, and so how many idle connections
	// are kept; 0 means 4. It has no effect on Transport, if that is given.
	Connections int

	// Transport makes the requests; nil means one that trusts the system's
	// roots, asks for TLS 1.2 at least, and uses the environment's proxy. It
	// must not follow redirects.
	Transport http.RoundTripper

	// Spent, unless nil, is called when a reply of success says that the tenant takes no
	// other call for so long. Several goroutines call it at once.
	Spent func(wait time.Duration)
}

// New returns a Client of a service. It sends nothing: the first error that has
// to do with the tenant is that of the first call.
//
// fault returns the error of a reply whose status is not one of success. It knows the
// service's form of errors.
func New(cfg Config, fault func(*Reply) *tenant.Error) (*Client, error) {
	if cfg.Endpoint == "" {
		cfg.Endpoint = DefaultEndpoint
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	if cfg.Connections == 0 {
		cfg.Connections = defaultConnections
	}
	endpoint, err := parseEndpoint(cfg.Endpoint)
	switch {
	case err != nil:
		return nil, err
	case CheckOrganization(cfg.Organization) != nil:
		return nil, CheckOrganization(cfg.Organization)
	case cfg.Token == nil:
		return nil, errors.New("no token source")
	case cfg.Timeout < 0:
		return nil, fmt.Errorf("timeout %v: must be positive", cfg.Timeout)
	case cfg.Connections < 0:
		return nil, fmt.Errorf("connections %d: must be positive", cfg.Connections)
	}
	if cfg.Transport == nil {
		if err := checkProxies(os.Getenv); err != nil {
			return nil, err
		}
		cfg.Transport = NewTransport(cfg.Connections)
	}
	return &Client{endpoint: endpoint, organization: cfg.Organization, token: cfg.Token, timeout: cfg.Timeout, transport: cfg.Transport, fault: fault, spent: cfg.Spent}, nil
}

// parseEndpoint reads a base URL. Its errors show only the scheme and the host, because the
// URL may have a password.
func parseEndpoint(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Hostname() == "" {
		return nil, errors.New("endpoint: not a base URL: want one such as " + DefaultEndpoint)
	}
	shown := u.Scheme + "://" + u.Host
	switch {
	case u.User != nil:
		return nil, fmt.Errorf("endpoint %q: user or password in the URL: want none", shown)
	case u.RawQuery != "", u.ForceQuery, u.Fragment != "":
		return nil, fmt.Errorf("endpoint %q: query or fragment in the URL: want none", shown)
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return nil, fmt.Errorf("endpoint %q: plain http to another machine: want https", shown)
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("endpoint %q: want https", shown)
	}
	if _, err := strconv.ParseUint(u.Port(), 10, 16); err != nil && u.Port() != "" {
		return nil, fmt.Errorf("endpoint %q: port %s: want a number up to 65535", shown, u.Port())
	}
	if u.Path == "" {
		u.Path = "/" // or JoinPath makes a path that is not rooted
	}
	return u, nil
}

// isLoopback reports whether host, a name or an address, is this machine.
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

// hostPort returns the host of u with its port, the scheme's own if u names
// none.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return strings.ToLower(u.Hostname()) + ":" + port
}

package connect

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"rollcall/tenant"
	"slices"
	"strings"
	"time"
)

// A Step is one check of what a run needs.
type Step struct {
	Name  string
	Check func(context.Context) (found string, err error) // changes nothing
	Fix   string                                          // what to do if Check fails, or ""

	// Permission is what to do after a call was refused with HTTP 401 or 403.
	Permission string

	// Overruled says that reading a user is a better check: a run may work even if this
	// one fails.
	Overruled bool

	// Settings are the names of the settings that may be wrong if Check fails, as in a
	// [SettingError].
	Settings []string
}

// An Advised is an error with advice what to do about it.
type Advised struct {
	Err      error
	Fix      string
	Settings []string // that may be wrong, as those of a [Step]
}

func (e *Advised) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Advised) Unwrap() error { return e.Err }

// A Caution is a problem with which a run may still work.
type Caution struct{ Err error }

func (e *Caution) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Caution) Unwrap() error { return e.Err }

// hostSteps are the checks for all cmdlets over HTTPS.
func (c *connector) hostSteps(token func(context.Context) (string, error)) []Step {
	return []Step{{
		Name:     "host",
		Check:    func(ctx context.Context) (string, error) { return reach(ctx, c.BaseURL()) },
		Fix:      "check the network, and HTTPS_PROXY if there is a proxy",
		Settings: []string{"endpoint", "cloud"},
	}, {
		Name: "sign-in",
		Check: func(ctx context.Context) (string, error) {
			var t string
			err := c.retrySignIn(func(ctx context.Context) (err error) {
				t, err = token(ctx)
				return err
			})(ctx)
			if err != nil {
				return "", err
			}
			return describeToken(t), nil
		},
		Fix:      fixSignIn,
		Settings: []string{"auth", "client-id", "organization"},
	}}
}

const fixSignIn = "check who signs in and how, and that the application's certificate or secret has not expired"

// reach returns an error unless a server answers at url.
func reach(ctx context.Context, url string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodHead, url, nil)
	if err != nil {
		return "", err
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(r)
	if err != nil {
		return "", err
	}
	resp.Body.Close()
	if resp.TLS == nil {
		return url + " answers", nil
	}
	return fmt.Sprintf("%s answers (%s, %s)", url, tls.VersionName(resp.TLS.Version), resp.Proto), nil
}

// missingOf returns which of the two cmdlets of noun are not among names, or "".
func missingOf(noun string, names []string) string {
	var missing []string
	for _, verb := range []string{"Get-", "Set-"} {
		if !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, verb+noun) }) {
			missing = append(missing, verb+noun)
		}
	}
	return strings.Join(missing, " and ")
}

// describeToken describes a token without showing it.
func describeToken(token string) string {
	c := tenant.CallerOf(token)
	var parts []string
	switch {
	case c.Name != "":
		parts = append(parts, "as "+c.Name)
	case c.App != "":
		parts = append(parts, "as the application "+strings.TrimSpace(c.AppName+" "+c.App))
	default:
		parts = append(parts, "got a token that does not say whose it is")
	}
	if c.Tenant != "" {
		parts = append(parts, "of the tenant "+c.Tenant)
	}
	if list := append(slices.Clone(c.Roles), c.Scopes...); len(list) > 0 {
		parts = append(parts, "with "+strings.Join(list, ", "))
	}
	if len(c.DirectoryRoles) > 0 {
		parts = append(parts, "in the roles "+strings.Join(c.DirectoryRoleNames(), ", "))
	}
	if !c.Expires.IsZero() {
		parts = append(parts, fmt.Sprintf("for another %v", time.Until(c.Expires).Round(time.Second)))
	}
	return strings.Join(parts, ", ")
}

package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"rollcall/tenant"
	"rollcall/tenant/entra"
	"rollcall/tenant/exchange"
	"rollcall/tenant/rest"
)

// batchWait is how long a call waits for company. It is short next to the time
// that a call takes, and long next to the time that a worker needs between two.
const batchWait = 5 * time.Millisecond

func (f *tenantFlags) connectExchange(a *app, noun string, workers int, log *zap.Logger) (*connection, error) {
	if f.organizationID() == "" {
		return nil, usage(errors.New("--tenant exchange needs --organization: the GUID of the tenant"))
	}
	cloud, err := f.where()
	if err != nil {
		return nil, err
	}
	endpoint := f.endpointURL()
	// The service has not been seen to answer to these, and a run that fails for
	// every user is not how to find out. Other servers may have reasons of their own.
	if tenant.InModule(noun) && entra.IsMicrosoft(endpoint) {
		return nil, &exit{status: exitUsage,
			err:  fmt.Errorf("--noun %s: its cmdlets are compiled into Microsoft's PowerShell module, and Exchange Online is not known to serve them", noun),
			hint: "--tenant powershell runs the module's own cmdlets"}
	}
	token, refused, err := f.token(a)
	if err != nil {
		return nil, err
	}
	client, err := exchange.New(exchange.Config{
		Config:       rest.Config{Endpoint: endpoint, Token: token, Timeout: f.timeout, Connections: workers},
		Organization: f.organizationID(),
		Warn:         warn(log),
	})
	if err != nil {
		return nil, usage(err)
	}
	name := "exchange tenant " + f.organizationID()
	if endpoint != cloud.Endpoint || f.cloud != "global" {
		name += " at " + endpoint
	}
	signIn := func(ctx context.Context) error {
		_, err := token(ctx, "", "")
		return err
	}
	runner, done := tenant.Runner(client), client.Close
	if f.batch > 1 {
		if workers < f.batch {
			a.console.Warn("warning: --batch %d, and --workers %d: no request will have more than %[2]d calls", f.batch, workers)
		}
		b := exchange.NewBatcher(client, exchange.BatchConfig{Size: f.batch, Callers: workers, Wait: batchWait})
		runner, done = b, b.Close
	}
	return &connection{
		Runner:  runner,
		name:    name,
		real:    true,
		signIn:  signsIn(signIn),
		refused: refused,
		save:    func() error { return nil },
		close:   done,
		steps:   exchangeSteps(noun, endpoint, token, client),
	}, nil
}

// exchangeSteps are what has to hold for cmdlets of a noun to work.
func exchangeSteps(noun, endpoint string, token tokenFunc, client *exchange.Client) []step {
	return []step{{
		name: "host",
		look: func(ctx context.Context) (string, error) { return reach(ctx, endpoint) },
		mend: "check the network, --endpoint and --cloud, and HTTPS_PROXY if there is a proxy",
	}, {
		name: "sign-in",
		look: func(ctx context.Context) (string, error) {
			var t string
			err := signsIn(func(ctx context.Context) (err error) {
				t, err = token(ctx, "", "")
				return err
			})(ctx)
			if err != nil {
				return "", err
			}
			return describeToken(t), nil
		},
		mend: "check --auth, --client-id and --organization, and that the application's certificate or secret has not expired",
	}, {
		name: "cmdlets",
		look: func(ctx context.Context) (string, error) {
			names, err := client.Cmdlets(ctx)
			if err != nil {
				return "", err
			}
			return exported(noun, names)
		},
		mend: "give the caller the API permission Exchange.ManageAsApp, with admin consent, and a role that has the cmdlets, such as Exchange Recipient Administrator",
	}}
}

// exported says whether both cmdlets of noun are among names.
func exported(noun string, names []string) (string, error) {
	var missing []string
	for _, verb := range []string{"Get-", "Set-"} {
		if !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, verb+noun) }) {
			missing = append(missing, verb+noun)
		}
	}
	if missing != nil {
		return "", fmt.Errorf("%s not among the %d that this caller may run", strings.Join(missing, " and "), len(names))
	}
	return fmt.Sprintf("Get-%s and Set-%[1]s are among the %d that this caller may run", noun, len(names)), nil
}

// reach finds out whether anything answers at a URL.
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

// describeToken says what a token is, without showing any of it.
func describeToken(token string) string {
	c := entra.Inspect(token)
	var parts []string
	switch {
	case c.AppOnly && c.App != "":
		parts = append(parts, "as the application "+strings.TrimSpace(c.Name+" "+c.App))
	case c.Name != "":
		parts = append(parts, "as "+c.Name)
	case c.App != "":
		parts = append(parts, "as the application "+c.App)
	default:
		return "got a token that does not say whose it is"
	}
	if list := append(slices.Clone(c.Roles), c.Scopes...); len(list) > 0 {
		parts = append(parts, "with "+strings.Join(list, ", "))
	}
	if len(c.DirectoryRoles) > 0 {
		parts = append(parts, "in the roles "+strings.Join(c.DirectoryRoles, ", "))
	}
	if !c.Expires.IsZero() {
		parts = append(parts, fmt.Sprintf("for another %v", time.Until(c.Expires).Round(time.Second)))
	}
	return strings.Join(parts, ", ")
}

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
	"rollcall/tenant/insights"
	"rollcall/tenant/rest"
)

// batchWait is how long a call waits for company. It is short next to the time
// that a call takes, and long next to the time that a worker needs between two.
const batchWait = 5 * time.Millisecond

// connectExchange returns the tenant over HTTPS: Exchange's own cmdlets and those
// of Viva Insights go to two services on one host, with one token.
func (f *tenantFlags) connectExchange(a *app, noun string, workers int, log *zap.Logger) (*connection, error) {
	if f.organizationID() == "" {
		return nil, usage(errors.New("--tenant exchange needs --organization: the ID of the tenant, or one of its domains"))
	}
	cloud, err := f.where()
	if err != nil {
		return nil, err
	}
	endpoint := f.endpointURL()
	switch {
	case insights.Serves(noun) && f.batch > 1:
		return nil, usage(fmt.Errorf("--batch %d: the service that has %s takes no batches", f.batch, noun))
	case tenant.InModule(noun) && !insights.Serves(noun) && entra.IsMicrosoft(endpoint):
		// A run that fails for every user is not how to find out.
		return nil, &exit{status: exitUsage,
			err:  fmt.Errorf("--noun %s: its cmdlets are compiled into Microsoft's PowerShell module, and Exchange Online is not known to serve them", noun),
			hint: "--tenant powershell runs the module's own cmdlets"}
	}
	token, refused, err := f.token(a)
	if err != nil {
		return nil, err
	}
	if cloud.Name == "china" && f.endpoint == "" {
		a.console.Warn("warning: --cloud china: Microsoft's page on Exchange Online's API has the host %s there, and its module connects to %s; neither was ever tried: --endpoint names another", cloud.Endpoint, cloud.Module)
	}
	c := &connection{
		name:    "exchange tenant " + f.organizationID(),
		real:    true,
		refused: refused,
		save:    func() error { return nil },
	}
	if endpoint != cloud.Endpoint || f.cloud != "global" {
		c.name += " at " + endpoint
	}
	cfg := rest.Config{Endpoint: endpoint, Organization: f.organizationID(), Token: token, Timeout: f.timeout, Connections: workers}
	if insights.Serves(noun) {
		return c, f.connectInsights(a, c, cfg, log)
	}
	return c, f.connectInvoke(a, c, cfg, noun, log)
}

// connectInvoke completes c, for cmdlets that InvokeCommand runs.
func (f *tenantFlags) connectInvoke(a *app, c *connection, cfg rest.Config, noun string, log *zap.Logger) error {
	client, err := exchange.New(exchange.Config{Config: cfg, Warn: warn(log)})
	if err != nil {
		return usage(err)
	}
	workers := cfg.Connections
	runner, done := tenant.Runner(client), client.Close
	if f.batch > 1 {
		if workers < f.batch {
			a.console.Warn("warning: --batch %d, and --workers %d: no request will have more than %[2]d calls", f.batch, workers)
		}
		b := exchange.NewBatcher(client, exchange.BatchConfig{Size: f.batch, Callers: workers, Wait: batchWait})
		runner, done = b, b.Close
	}
	c.Runner, c.close = runner, done
	c.signIn = f.retrySignIn(a, func(ctx context.Context) error {
		_, err := client.Token(ctx)
		return err
	})
	c.tenantID = f.tenantID(client.Token)
	c.steps = append(f.hostSteps(a, cfg.Endpoint, client.Token), step{
		name: "cmdlets",
		look: func(ctx context.Context) (string, error) {
			names, err := client.Cmdlets(ctx)
			if err != nil {
				return "", err
			}
			return exported(noun, names)
		},
		mend: "give the caller the API permission Exchange.ManageAsApp, with admin consent, and a role that has the cmdlets, such as Exchange Recipient Administrator",
	})
	return nil
}

// tenantID returns what finds out the ID of the tenant from the token.
func (f *tenantFlags) tenantID(token func(context.Context) (string, error)) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		t, err := token(ctx)
		return rest.TenantID(f.organizationID(), t), err
	}
}

// hostSteps are what has to hold for any cmdlet to work.
func (f *tenantFlags) hostSteps(a *app, endpoint string, token func(context.Context) (string, error)) []step {
	return []step{{
		name: "host",
		look: func(ctx context.Context) (string, error) { return reach(ctx, endpoint) },
		mend: "check the network, --endpoint and --cloud, and HTTPS_PROXY if there is a proxy",
	}, {
		name: "sign-in",
		look: func(ctx context.Context) (string, error) {
			var t string
			err := f.retrySignIn(a, func(ctx context.Context) (err error) {
				t, err = token(ctx)
				return err
			})(ctx)
			if err != nil {
				return "", err
			}
			return describeToken(t), nil
		},
		mend: "check --auth, --client-id and --organization, and that the application's certificate or secret has not expired",
	}}
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

// exported says whether both cmdlets of noun are among names.
func exported(noun string, names []string) (string, error) {
	if missing := missingOf(noun, names); missing != "" {
		return "", fmt.Errorf("%s not among the %d that this caller may run", missing, len(names))
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
		parts = append(parts, "got a token that does not say whose it is")
	}
	if c.Tenant != "" {
		parts = append(parts, "of the tenant "+c.Tenant)
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

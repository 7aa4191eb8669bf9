package connect

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap"

	"rollcall/tenant"
	"rollcall/tenant/entra"
	"rollcall/tenant/exchange"
	"rollcall/tenant/insights"
	"rollcall/tenant/rest"
)

// batchWait is how long a call waits for others in its batch. It is short compared with the
// time of a call, and long compared with the time of a worker between two calls.
const batchWait = 5 * time.Millisecond

// exchange returns the tenant over HTTPS: Exchange's own cmdlets and those of Viva
// Insights go to two services on one host, with one token.
func (c *connector) exchange() (*Tenant, error) {
	if c.Organization == "" {
		return nil, &SettingError{Setting: "organization", Err: errors.New("the tenant exchange needs the ID of the tenant, or one of its domains")}
	}
	cloud, err := c.cloud()
	if err != nil {
		return nil, err
	}
	endpoint := c.BaseURL()
	switch {
	case insights.Serves(c.Noun) && c.Batch > 1:
		return nil, c.batchError(fmt.Errorf("the service that has %s takes no batches", c.Noun))
	case tenant.InModule(c.Noun) && !insights.Serves(c.Noun) && entra.IsMicrosoft(endpoint):
		// Refused here, because otherwise the run would fail for every user.
		return nil, &SettingError{"noun", c.Noun, ErrModuleOnly}
	}
	token, err := c.token(cloud)
	if err != nil {
		return nil, err
	}
	if cloud.Name == "china" && c.Endpoint == "" {
		c.Warn(fmt.Sprintf("cloud china: Microsoft's page on Exchange Online's API has the host %s there, and its module connects to %s; neither was ever tried: another endpoint can be named", cloud.Endpoint, cloud.Module))
	}
	t := &Tenant{Name: "exchange tenant " + c.Organization, Real: true, Auth: c.Auth, caller: c.caller.name}
	if endpoint != cloud.Endpoint || cloud.Name != entra.CloudNames()[0] {
		t.Name += " at " + endpoint
	}
	cfg := rest.Config{Endpoint: endpoint, Organization: c.Organization, Token: token, Timeout: c.Timeout, Connections: c.Workers}
	cfg.Spent = func(wait time.Duration) {
		if f := t.spent.Load(); f != nil {
			(*f)(wait)
		}
	}
	if insights.Serves(c.Noun) {
		err = c.insights(t, cfg)
	} else {
		err = c.invoke(t, cfg)
	}
	return t, err
}

// invoke completes t, for cmdlets that InvokeCommand runs.
func (c *connector) invoke(t *Tenant, cfg rest.Config) error {
	config := exchange.Config{Config: cfg}
	if c.Log.Core().Enabled(zap.DebugLevel) {
		config.Warn = c.logWarning
	}
	client, err := exchange.New(config)
	if err != nil {
		return configError(err)
	}
	t.Runner, t.close = client, client.Close
	if c.Batch > 1 {
		if c.Workers < c.Batch {
			c.Warn(fmt.Sprintf("batch %d, and %d workers: no request will have more than %[2]d calls", c.Batch, c.Workers))
		}
		b := exchange.NewBatcher(client, exchange.BatchConfig{Size: c.Batch, Callers: c.Workers, Wait: batchWait})
		t.Runner, t.close = b, b.Close
	}
	t.signIn = c.retrySignIn(func(ctx context.Context) error {
		_, err := client.Token(ctx)
		return err
	})
	t.id = c.tokenTenant(client.Token)
	t.Steps = append(c.hostSteps(client.Token), c.tokenStep(client.Token), Step{
		Name:      "cmdlets",
		Overruled: true,
		Check: func(ctx context.Context) (string, error) {
			names, err := client.Cmdlets(ctx)
			if err != nil {
				return "", err
			}
			if missing := missingOf(c.Noun, names); missing != "" {
				return "", &Advised{
					Err: fmt.Errorf("%s not among the %d that this caller may run", missing, len(names)),
					Fix: "check the noun: if it is right, whoever signs in has no role that has these cmdlets", Settings: []string{"noun"},
				}
			}
			return fmt.Sprintf("Get-%s and Set-%[1]s are among the %d that this caller may run", c.Noun, len(names)), nil
		},
		Fix:        "check where the service is, and the tenant",
		Settings:   []string{"endpoint", "cloud", "organization"},
		Permission: "give the caller the API permission Exchange.ManageAsApp, with admin consent, and a role that has the cmdlets, such as Exchange Recipient Administrator",
	})
	return nil
}

// insights completes t, for cmdlets of Viva Insights.
func (c *connector) insights(t *Tenant, cfg rest.Config) error {
	client, err := insights.New(insights.Config{
		Config: cfg,
		Inform: func(text string) { c.Log.Info(text) },
	})
	if err != nil {
		return configError(err)
	}
	t.Runner, t.close = client, client.Close
	// If the path can't be found out, that has nothing to do with a user: it is reported
	// before the first row.
	t.signIn = c.retrySignIn(func(ctx context.Context) error {
		_, err := client.Path(ctx)
		return err
	})
	t.id = c.tokenTenant(client.Token)
	t.Steps = append(c.hostSteps(client.Token), c.tokenStep(client.Token), Step{
		Name:      "role",
		Overruled: true,
		Check: func(ctx context.Context) (string, error) {
			token, err := client.Token(ctx)
			if err != nil {
				return "", err
			}
			if !insights.HasRole(token) {
				return "", &Caution{errors.New("the token names no role that Viva Insights is known to accept: a scope may do as well")}
			}
			caller := tenant.CallerOf(token)
			return "in a role that may call Viva Insights: " + strings.Join(caller.DirectoryRoleNames(), ", "), nil
		},
		Permission: "give the caller one of the roles Global, Exchange, Teams or Insights Administrator, and sign in again",
	}, Step{
		Name:      "path",
		Overruled: true,
		Check: func(ctx context.Context) (string, error) {
			var path string
			err := c.retrySignIn(func(ctx context.Context) (err error) {
				path, err = client.Path(ctx)
				return err
			})(ctx)
			return "Viva Insights is at " + path, err
		},
		Fix:      "check where the service is",
		Settings: []string{"endpoint", "cloud"},
	})
	return nil
}

// tokenTenant returns a function that gets the ID of the tenant from the token.
func (c *connector) tokenTenant(token func(context.Context) (string, error)) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		t, err := token(ctx)
		return rest.TenantID(c.Organization, t), err
	}
}

// configError returns err, from a client's New, as a [*SettingError]: a client's
// configuration comes from the settings.
func configError(err error) error { return &SettingError{Err: err} }

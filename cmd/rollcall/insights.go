package main

import (
	"context"
	"errors"
	"strings"

	"go.uber.org/zap"

	"rollcall/tenant/entra"
	"rollcall/tenant/insights"
	"rollcall/tenant/rest"
)

// connectInsights completes c, for cmdlets of Viva Insights.
func (f *tenantFlags) connectInsights(a *app, c *connection, cfg rest.Config, log *zap.Logger) error {
	client, err := insights.New(insights.Config{
		Config: cfg,
		Inform: func(text string) { log.Info(text) },
	})
	if err != nil {
		return usage(err)
	}
	c.Runner, c.close = client, client.Close
	// That the path can't be found out concerns no user: it shows before the
	// first row is begun.
	c.signIn = f.retrySignIn(a, func(ctx context.Context) error {
		_, err := client.Path(ctx)
		return err
	})
	c.tenantID = f.tenantID(client.Token)
	c.steps = append(f.hostSteps(a, cfg.Endpoint, client.Token), step{
		name: "role",
		look: func(ctx context.Context) (string, error) {
			token, err := client.Token(ctx)
			if err != nil {
				return "", err
			}
			if !insights.HasRole(token) {
				return "", &caution{errors.New("the token names no role that Viva Insights is known to accept: a scope may do as well")}
			}
			return "in a role that may call Viva Insights: " + strings.Join(entra.Inspect(token).DirectoryRoles, ", "), nil
		},
		mend: "if calls are denied, give the caller one of the roles Global, Exchange, Teams or Insights Administrator, and sign in anew",
	}, step{
		name: "path",
		look: func(ctx context.Context) (string, error) {
			var path string
			err := f.retrySignIn(a, func(ctx context.Context) (err error) {
				path, err = client.Path(ctx)
				return err
			})(ctx)
			return "Viva Insights is at " + path, err
		},
		mend: "check --endpoint and --cloud",
	})
	return nil
}

package main

import (
	"context"
	"errors"
	"os"
	"time"

	"go.uber.org/zap"

	"rollcall/tenant"
	"rollcall/tenant/entra"
	"rollcall/tenant/powershell"
)

func (f *tenantFlags) connectPowerShell(a *app, noun string, workers int, log *zap.Logger, inherit []*os.File) (*connection, error) {
	method, err := f.method()
	var signIn powershell.SignIn
	if err == nil {
		signIn, err = f.moduleSignIn(a, method)
	}
	if e, ok := errors.AsType[*exit](err); ok && e.status == exitUsage {
		return nil, err
	}
	if err != nil {
		return noSignIn("PowerShell tenant "+f.organization, err), nil
	}
	byHand := signIn.Method == powershell.DeviceCode || signIn.Method == powershell.Interactive
	if byHand && workers > 1 {
		// Each process has to be signed in, and nobody wants to be asked four times.
		workers = 1
		a.console.Say("signing in by hand: one PowerShell process, whatever --workers says")
	}
	t, err := powershell.New(powershell.Config{
		Program:   f.pwsh,
		Processes: workers,
		Noun:      noun,
		SignIn:    signIn,
		Timeout:   f.timeout,
		Inherit:   inherit,
		Warn:      warn(log),
		Notice: func(text string) {
			if byHand { // it may be the code to sign in with
				a.console.Break()
				a.console.Say("%s", text)
				return
			}
			log.Debug("the module says", zap.String("text", text))
		},
	})
	if err != nil {
		return nil, usage(err)
	}
	return &connection{
		Runner:  t,
		name:    "PowerShell tenant " + f.organization,
		real:    true,
		signIn:  signsIn(func(ctx context.Context) error { return setupHint(t.Connect(ctx)) }),
		refused: tryAgain(method),
		save:    func() error { return nil },
		close:   t.Close,
		steps:   powershellSteps(noun, t),
	}, nil
}

// noSignIn returns a tenant that can't be signed in to: err says why, when it comes
// to that.
func noSignIn(name string, err error) *connection {
	return &connection{
		Runner: tenant.ReadOnly(nil), // never called
		name:   name,
		real:   true,
		signIn: func(context.Context) error { return err },
		save:   func() error { return nil },
		close:  func() {},
		steps:  []step{{name: "sign-in", look: func(context.Context) (string, error) { return "", err }}},
	}
}

// moduleSignIn returns how the module is to sign in. Where it has no way of its
// own it is given an access token.
func (f *tenantFlags) moduleSignIn(a *app, method string) (powershell.SignIn, error) {
	s := powershell.SignIn{
		Organization: f.organization,
		AppID:        firstOf(f.client, os.Getenv("AZURE_CLIENT_ID")),
		Account:      f.account,
	}
	cloud, err := f.where()
	if err != nil {
		return s, err
	}
	s.Environment = cloud.Environment
	switch {
	case method == entra.Certificate && f.thumbprint != "":
		s.Method, s.Thumbprint = powershell.Thumbprint, f.thumbprint
	case method == entra.DeviceCode:
		s.Method = powershell.DeviceCode
	case method == entra.Interactive:
		s.Method = powershell.Interactive
	default:
		source, err := f.tokens(a, method)
		if err != nil {
			return s, err
		}
		s.Method = powershell.AccessToken
		s.Token = func(ctx context.Context, refused string) (string, time.Time, error) {
			token, err := source.Token(ctx, refused, "")
			return token, entra.Inspect(token).Expires, err
		}
	}
	if f.organization == "" && s.Method != powershell.DeviceCode && s.Method != powershell.Interactive {
		return s, usage(errors.New("--tenant powershell needs --organization: the tenant's first domain, such as contoso.onmicrosoft.com"))
	}
	return s, nil
}

// setupHint adds what the package knows about mending err.
func setupHint(err error) error {
	if s, ok := errors.AsType[*powershell.SetupError](err); ok {
		return &exit{status: exitError, err: err, hint: s.Hint}
	}
	return err
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// powershellSteps are what has to hold for the module's cmdlets of a noun to
// work.
func powershellSteps(noun string, t *powershell.Tenant) []step {
	var facts powershell.Facts
	var err error
	known := func(found, is string) (string, error) {
		if found == "" {
			return "", err
		}
		return is + " " + found, nil
	}
	return []step{{
		name: "powershell",
		look: func(ctx context.Context) (string, error) {
			facts, err = t.Facts(ctx)
			return known(facts.PowerShell, facts.Program+" is PowerShell")
		},
		mend: "install PowerShell 7 (https://aka.ms/powershell), or name it with --pwsh",
	}, {
		name: "module",
		look: func(context.Context) (string, error) {
			return known(facts.Module, "there is ExchangeOnlineManagement")
		},
		mend: "in PowerShell: Install-Module ExchangeOnlineManagement -Scope CurrentUser",
	}, {
		name: "sign-in",
		look: func(context.Context) (string, error) {
			if facts.Cmdlets == nil {
				return "", err
			}
			return "Connect-ExchangeOnline let us in", nil
		},
		mend: "check --auth, --client-id, --organization and the certificate",
	}, {
		name: "cmdlets",
		look: func(context.Context) (string, error) {
			if err != nil {
				return "", err
			}
			return exported(noun, facts.Cmdlets)
		},
		mend: "give the caller a role that has them: Exchange Administrator or, for MyAnalytics, Insights Administrator",
	}}
}

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"go.uber.org/zap"

	"rollcall/tenant/entra"
	"rollcall/tenant/powershell"
)

// connectPowerShell returns the tenant through Microsoft's module. Rollcall signs in
// and gives the module the token, but for a certificate of Windows' and by hand,
// which only the module can do.
func (f *tenantFlags) connectPowerShell(a *app, noun string, workers int, log *zap.Logger, inherit []*os.File) (*connection, error) {
	cloud, err := f.where()
	if err != nil {
		return nil, err
	}
	method, missing := f.method()
	signIn := powershell.SignIn{
		Method:       powershell.AccessToken,
		Organization: f.organization,
		AppID:        cmp.Or(f.client, os.Getenv("AZURE_CLIENT_ID")),
		Thumbprint:   f.thumbprint,
		Account:      f.account,
		Environment:  cloud.Environment,
	}
	byHand := method == entra.DeviceCode || method == entra.Interactive
	switch {
	case missing != nil:
	case byHand:
		signIn.Method = method
	case method == entra.Certificate && f.thumbprint != "":
		if runtime.GOOS != "windows" {
			return nil, usage(errors.New("--certificate-thumbprint: a certificate's thumbprint is looked up in the store of Windows, and this is another system: --certificate names a file"))
		}
		signIn.Method = powershell.Thumbprint
		if signIn.AppID == "" {
			missing = errors.New("sign in by certificate: no client ID of an application: put it in --client-id or AZURE_CLIENT_ID")
		}
	default:
		var source *entra.Source
		if source, missing = f.tokens(a, method, cloud.Module); missing == nil {
			signIn.Token = func(ctx context.Context, refused string) (string, time.Time, error) {
				token, err := source.Token(ctx, refused, "")
				return token, entra.Inspect(token).Expires, err
			}
		}
	}
	if e, ok := errors.AsType[*exit](missing); ok && e.status == exitUsage {
		return nil, missing
	}
	if f.organization == "" && !byHand {
		return nil, usage(errors.New("--tenant powershell needs --organization: the tenant's first domain, such as contoso.onmicrosoft.com"))
	}
	if missing != nil { // which doctor says when it has looked at the rest
		signIn.Method = powershell.AccessToken
		signIn.Token = func(context.Context, string) (string, time.Time, error) { return "", time.Time{}, missing }
	}
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
		Remark: func(text string) { a.console.Warn("warning: %s", text) },
		TenantID: func(ctx context.Context, domain string) (string, error) {
			return entra.TenantID(ctx, entra.Config{Cloud: cloud}, domain)
		},
	})
	if err != nil {
		return nil, usage(err)
	}
	if cloud.Module != cloud.Endpoint {
		a.console.Warn("warning: --cloud %s: Microsoft's module connects to %s there; that a token for that host is the right one is likely, and was never tried", cloud.Name, cloud.Module)
	}
	signs := func(ctx context.Context) error {
		if missing != nil {
			return missing
		}
		return setupHint(t.Connect(ctx))
	}
	if !byHand { // or there would be a second code
		signs = f.retrySignIn(a, signs)
	}
	return &connection{
		Runner:   t,
		name:     "PowerShell tenant " + f.organization,
		real:     true,
		signIn:   signs,
		canSet:   func() error { return setupHint(t.CanSet()) },
		whose:    func() string { return whose(t.Found()) },
		tenantID: func(context.Context) (string, error) { return t.Found().TenantID, nil },
		refused:  tryAgain(method),
		save:     func() error { return nil },
		close:    t.Close,
		steps:    powershellSteps(noun, t, signIn),
	}, nil
}

// whose says who has signed in to which tenant, as far as that is known.
func whose(f powershell.Facts) string {
	var parts []string
	if f.Account != "" {
		parts = append(parts, "as "+f.Account)
	}
	if f.TenantID != "" {
		parts = append(parts, "to the tenant "+f.TenantID)
	}
	if parts == nil {
		return ""
	}
	return "signed in " + strings.Join(parts, " ")
}

// setupHint adds what is known about mending err.
func setupHint(err error) error {
	s, ok := errors.AsType[*powershell.SetupError](err)
	if !ok {
		return err
	}
	return &exit{status: exitError, err: err, hint: cmp.Or(s.Hint, hint(err), entra.Hint(err.Error()))}
}

// powershellSteps are what has to hold for the module's cmdlets of a noun to
// work. All of them are looked at by the first; each of the others says how far
// that one got.
func powershellSteps(noun string, t *powershell.Tenant, signIn powershell.SignIn) []step {
	var facts powershell.Facts
	var err error
	return []step{{
		name: "powershell",
		look: func(ctx context.Context) (string, error) {
			facts, err = t.Facts(ctx)
			if err = setupHint(err); facts.PowerShell == "" {
				return "", err
			}
			return facts.String() + " answers", nil
		},
		mend: "install PowerShell 7 (https://aka.ms/powershell), or name it with --pwsh",
	}, {
		name: "module",
		look: func(context.Context) (string, error) {
			if facts.Module == "" {
				return "", err
			}
			found := "ExchangeOnlineManagement " + facts.Module + " is loaded"
			if len(facts.Modules) > 1 {
				found += "; there are " + strings.Join(facts.Modules, ", ")
			}
			return found, nil
		},
		mend: "in PowerShell: Install-Module ExchangeOnlineManagement -Scope CurrentUser",
	}, {
		name: "sign-in",
		look: func(ctx context.Context) (string, error) {
			if !facts.SignedIn {
				return "", err
			}
			if signIn.Method != powershell.AccessToken {
				return "Connect-ExchangeOnline let us in, " + cmp.Or(whose(facts), "and does not say as whom"), nil
			}
			token, _, err := signIn.Token(ctx, "")
			if err != nil {
				return "", err
			}
			text := describeToken(token)
			if facts.TenantID != "" {
				text += ", to the tenant " + facts.TenantID
			}
			return text, nil
		},
		mend: "check --auth, --client-id, --organization and the certificate or secret",
	}, {
		name: "cmdlets",
		look: func(context.Context) (string, error) {
			if missing := missingOf(noun, facts.Cmdlets); missing != "" {
				return "", fmt.Errorf("%s not there after signing in: ExchangeOnlineManagement %s has none, or this caller may not run it", missing, facts.Module)
			}
			return fmt.Sprintf("Get-%s and Set-%[1]s are there", noun), err
		},
		mend: "give the caller a role that has them: Exchange Administrator or, for MyAnalytics, Insights Administrator",
	}}
}

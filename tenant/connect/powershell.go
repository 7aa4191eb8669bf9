package connect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"go.uber.org/zap"

	"rollcall/tenant"
	"rollcall/tenant/entra"
	"rollcall/tenant/powershell"
)

// powershell returns the tenant through Microsoft's module.
func (c *connector) powershell() (*Tenant, error) {
	cloud, err := c.cloud()
	if err != nil {
		return nil, err
	}
	signIn, missing := c.moduleSignIn(cloud)
	if _, ok := errors.AsType[*SettingError](missing); ok {
		return nil, missing
	}
	if c.Organization == "" && !c.byHand() {
		return nil, &SettingError{Setting: "organization", Err: errors.New("the tenant powershell needs the first domain of the tenant, such as contoso.onmicrosoft.com")}
	}
	if missing != nil { // the error is reported when the token is needed
		signIn.Method = powershell.AccessToken
		signIn.Token = func(context.Context, string) (string, time.Time, error) { return "", time.Time{}, missing }
	}
	processes := c.Workers
	if c.byHand() && processes > 1 {
		// Each process has to be signed in, and nobody wants to be asked four times.
		processes = 1
		c.Inform(fmt.Sprintf("signing in by hand: one PowerShell process, not %d", c.Workers))
	}
	t, err := powershell.New(powershell.Config{
		Program:   c.Program,
		Processes: processes,
		Noun:      c.Noun,
		SignIn:    signIn,
		Timeout:   c.Timeout,
		Inherit:   c.Inherit,
		Warn:      c.logWarning,
		Notice: func(text string) {
			if c.byHand() { // it may be the code to sign in with
				c.Prompt(text)
				return
			}
			c.Log.Debug("the module says", zap.String("text", text))
		},
		Remark: c.Warn,
		TenantID: func(ctx context.Context, domain string) (string, error) {
			return entra.TenantID(ctx, entra.Config{Cloud: cloud, Authority: c.Authority}, domain)
		},
	})
	if err != nil {
		return nil, configError(err)
	}
	if cloud.Module != cloud.Endpoint {
		c.Warn(fmt.Sprintf("cloud %s: Microsoft's module connects to %s there; that a token for that host is the right one is likely, and was never tried", cloud.Name, cloud.Module))
	}
	enter := func(ctx context.Context) error {
		if missing != nil {
			return missing
		}
		return t.Connect(ctx)
	}
	return &Tenant{
		Runner:   t,
		Name:     "PowerShell tenant " + c.Organization,
		Real:     true,
		Auth:     c.Auth,
		Steps:    c.powershellSteps(t, signIn),
		signIn:   c.retrySignIn(enter), // nobody is asked twice: a failure after the question is final
		canSet:   t.CanSet,
		id:       func(context.Context) (string, error) { return t.Found().TenantID, nil },
		identity: func() string { return describeIdentity(t.Found()) },
		caller:   func() string { return cmp.Or(c.caller.name(), t.Found().Account) },
		close:    t.Close,
	}, nil
}

// moduleSignIn returns how the module signs in. rollcall gives it a token, except for a
// certificate in the store of Windows and for a person, where the module signs in itself.
// The error is a [*SettingError] or a [*SignInError].
func (c *connector) moduleSignIn(cloud entra.Cloud) (powershell.SignIn, error) {
	signIn := powershell.SignIn{
		Method:       powershell.AccessToken,
		Organization: c.Organization,
		AppID:        c.Client,
		Thumbprint:   c.Thumbprint,
		Account:      c.Account,
		Environment:  cloud.Environment,
	}
	switch {
	case c.byHand():
		signIn.Method = c.Auth
		return signIn, nil
	case c.Auth == entra.Certificate && c.Thumbprint != "":
		if runtime.GOOS != "windows" {
			return signIn, &SettingError{"certificate-thumbprint", c.Thumbprint, errors.New("it is looked up in the store of Windows, and this is another system: name the certificate's file")}
		}
		signIn.Method = powershell.Thumbprint
		if signIn.AppID == "" {
			return signIn, &SignInError{fmt.Errorf("sign in by %s: %w", c.Auth, &entra.MissingError{Needs: []entra.Need{entra.NeedClient}})}
		}
		return signIn, nil
	}
	source, err := c.source(cloud, cloud.Module)
	if err != nil {
		return signIn, err
	}
	signIn.Token = func(ctx context.Context, refused string) (string, time.Time, error) {
		token, err := c.caller.note(source.Token(ctx, refused, ""))
		return token, tenant.CallerOf(token).Expires, err
	}
	return signIn, nil
}

// adviseStart adds to err, of a PowerShell that did not come to sign in, what to do if it has
// nothing to do with what is installed.
func adviseStart(err error) error {
	if isTransient(err) {
		return &Advised{Err: err, Fix: "try again later; if it fails again, check that this machine has enough memory, and start this PowerShell by hand", Settings: []string{"pwsh"}}
	}
	return err
}

// describeIdentity says who has signed in to which tenant, as far as that is known.
func describeIdentity(f powershell.Facts) string {
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

// powershellSteps are the checks for the module's cmdlets of a noun. The first step makes
// all the checks; each of the others reports its own result.
func (c *connector) powershellSteps(t *powershell.Tenant, signIn powershell.SignIn) []Step {
	noun := c.Noun
	var facts powershell.Facts
	var err error
	return []Step{{
		Name: "powershell",
		Check: func(ctx context.Context) (string, error) {
			if facts, err = t.Facts(ctx); facts.PowerShell == "" {
				return "", adviseStart(err)
			}
			return facts.String() + " answers", nil
		},
		Fix:      "install PowerShell 7 (https://aka.ms/powershell), or name the one to run",
		Settings: []string{"pwsh"},
	}, {
		Name: "module",
		Check: func(context.Context) (string, error) {
			if facts.Module == "" {
				return "", adviseStart(err)
			}
			found := "ExchangeOnlineManagement " + facts.Module + " is loaded"
			if len(facts.Modules) > 1 {
				found += "; there are " + strings.Join(facts.Modules, ", ")
			}
			return found, nil
		},
		Fix: "in PowerShell: Install-Module ExchangeOnlineManagement -Scope CurrentUser",
	}, {
		Name: "sign-in",
		Check: func(ctx context.Context) (string, error) {
			if !facts.SignedIn {
				return "", c.blameToken(ctx, signIn, err)
			}
			if signIn.Method != powershell.AccessToken {
				return "Connect-ExchangeOnline let us in, " + cmp.Or(describeIdentity(facts), "and does not say as whom"), nil
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
		Fix:      fixSignIn,
		Settings: []string{"auth", "client-id", "organization"},
	}, {
		Name: "cmdlets",
		Check: func(context.Context) (string, error) {
			if missing := missingOf(noun, facts.Cmdlets); missing != "" {
				return "", &Advised{
					Err: fmt.Errorf("%s not there after signing in: ExchangeOnlineManagement %s has none, or this caller may not run it", missing, facts.Module),
					Fix: "check the noun: if it is right, whoever signs in has no role that has these cmdlets", Settings: []string{"noun"},
				}
			}
			return fmt.Sprintf("Get-%s and Set-%[1]s are there", noun), err
		},
		Overruled:  true,
		Permission: "give the caller a role that has the cmdlets: Exchange Administrator or, for MyAnalytics, Insights Administrator",
	}}
}

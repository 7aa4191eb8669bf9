package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"go.uber.org/zap"

	"rollcall/tenant/connect"
	"rollcall/tenant/entra"
)

// tokenVariable is the environment variable that holds an access token.
const tokenVariable = "ROLLCALL_ACCESS_TOKEN"

// tenantFlags name the tenant and how to sign in to it.
type tenantFlags struct {
	tenant, endpoint, organization, cloud, pwsh string
	timeout                                     time.Duration
	batch                                       int

	auth, client, certificate, thumbprint, account string
	secretFile, tokenFile                          string
}

func (f *tenantFlags) add(fs *pflag.FlagSet) {
	grouped(fs, "The tenant", func(fs *pflag.FlagSet) {
		fs.StringVar(&f.tenant, "tenant", "sandbox", "`TENANT`: sandbox, sandbox:FILE.csv, exchange or powershell")
		fs.StringVar(&f.organization, "organization", "", "`ID` of the tenant, a GUID, or one of its domains, such as contoso.onmicrosoft.com; powershell needs its first domain")
		fs.StringVar(&f.cloud, "cloud", "global", "the `CLOUD` that the tenant is in: "+strings.Join(entra.CloudNames(), ", "))
		fs.StringVar(&f.endpoint, "endpoint", "", "exchange: base `URL` of the service, if it is not the cloud's")
		fs.StringVar(&f.pwsh, "pwsh", "", "powershell: the PowerShell `PROGRAM` to run")
		fs.DurationVar(&f.timeout, "timeout", 2*time.Minute, "give up a call, or signing in, after this `DURATION`")
		fs.IntVar(&f.batch, "batch", 1, "exchange: send up to `N` calls in one request; needs --workers N or more; fewer requests, but Microsoft does not document it")
	})
	grouped(fs, signInGroup, func(fs *pflag.FlagSet) {
		fs.StringVar(&f.auth, "auth", "", "`HOW` to sign in: "+strings.Join(entra.Methods(), ", ")+" (default token, if there is one)")
		fs.StringVar(&f.client, "client-id", "", "`ID` of the application, if not in AZURE_CLIENT_ID; with managed-identity, ID of the identity")
		fs.StringVar(&f.certificate, "certificate", "", "the application's certificate and key, a PEM or PKCS#12 `FILE`; its password is taken from AZURE_CLIENT_CERTIFICATE_PASSWORD")
		fs.StringVar(&f.thumbprint, "certificate-thumbprint", "", "powershell: `THUMBPRINT` of a certificate in the user's store on Windows")
		fs.StringVar(&f.secretFile, "secret-file", "", "the `FILE` with the application's secret, if it is not in AZURE_CLIENT_SECRET")
		fs.StringVar(&f.tokenFile, "token-file", "", "the `FILE` with an access token, if it is not in "+tokenVariable+"; read again when it is refused")
		fs.StringVar(&f.account, "account", "", "`UPN` of the administrator who signs in with interactive")
	})
}

// settings returns the values of the flags, or of the environment for flags that are
// not set.
func (f *tenantFlags) settings() connect.Settings {
	environment := func(name string) string { return strings.TrimSpace(os.Getenv(name)) }
	return connect.Settings{
		Tenant:              f.tenant,
		Organization:        f.organizationID(),
		Cloud:               f.cloud,
		Endpoint:            f.endpoint,
		Program:             f.pwsh,
		Timeout:             f.timeout,
		Batch:               f.batch,
		Auth:                f.method(),
		Client:              cmp.Or(f.client, environment("AZURE_CLIENT_ID")),
		Certificate:         cmp.Or(f.certificate, environment("AZURE_CLIENT_CERTIFICATE_PATH")),
		CertificatePassword: os.Getenv(passwordVariable),
		Thumbprint:          f.thumbprint,
		Account:             f.account,
		Secret:              environment(secretVariable),
		SecretFile:          f.secretFile,
		Token:               environment(tokenVariable),
		TokenFile:           f.tokenFile,
		FederatedTokenFile:  environment("AZURE_FEDERATED_TOKEN_FILE"),
		Authority:           environment("AZURE_AUTHORITY_HOST"),
	}
}

// organizationID returns the ID or a domain of the tenant, or "".
func (f *tenantFlags) organizationID() string {
	if f.organization == "" && f.tenant == connect.Exchange {
		return strings.TrimSpace(os.Getenv("AZURE_TENANT_ID"))
	}
	return f.organization
}

// method returns how to sign in, or "". Without --auth that is the credential that
// the command line names, or a token, and nothing else: an account that happens to
// be signed in on this machine is never used.
func (f *tenantFlags) method() string {
	switch {
	case f.auth != "":
		return f.auth
	case f.certificate != "" || f.thumbprint != "":
		return entra.Certificate
	case f.secretFile != "":
		return entra.Secret
	case f.tokenFile != "" || strings.TrimSpace(os.Getenv(tokenVariable)) != "":
		return entra.Token
	}
	return ""
}

// isSandbox reports whether no flag names a real tenant.
func (f *tenantFlags) isSandbox() bool { return f.tenant == connect.Sandbox || f.file() != "" }

// file returns the file that holds the tenant, or "".
func (f *tenantFlags) file() string { s := f.settings(); return s.File() }

// connect returns the tenant that the flags name, for cmdlets of a noun. It makes no
// call. Processes that the tenant starts inherit the open files of inherit.
func (f *tenantFlags) connect(a *app, noun string, workers int, log *zap.Logger, inherit ...*os.File) (*connect.Tenant, error) {
	t, err := connect.Open(f.settings(), connect.Options{
		Noun:    noun,
		Workers: workers,
		Inherit: inherit,
		Log:     log,
		Prompt:  func(text string) { a.console.Break(); a.console.Say("%s", text) },
		Warn:    func(text string) { a.console.Warn("warning: %s", text) },
		Inform:  func(text string) { a.console.Say("%s", text) },
	})
	if e, ok := errors.AsType[*connect.SettingError](err); ok {
		return nil, settingError(e)
	}
	return t, err
}

// settingError returns e as an error of the command line, with the flag's name.
func settingError(e *connect.SettingError) error {
	x := &exit{status: exitUsage, err: e}
	if e.Setting != "" {
		x.err = fmt.Errorf("--%w", e)
	}
	if e.Setting == "max-changes" {
		x.hint = "use --read-first, which reads the values before"
	}
	if errors.Is(e, connect.ErrModuleOnly) {
		x.hint = "--tenant powershell runs the module's own cmdlets"
	}
	return x
}

package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"go.uber.org/zap"

	"rollcall/pipeline/results"
	"rollcall/tenant"
	"rollcall/tenant/entra"
	"rollcall/tenant/exchange"
	"rollcall/tenant/powershell"
	"rollcall/tenant/sandbox"
)

// tenantFlags say where the change is made, and as whom.
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
		fs.StringVar(&f.organization, "organization", "", "`ID` of the tenant, a GUID, or one of its domains, such as contoso.onmicrosoft.com; powershell wants its first domain")
		fs.StringVar(&f.cloud, "cloud", "global", "the `CLOUD` that the tenant is in: "+strings.Join(entra.CloudNames(), ", "))
		fs.StringVar(&f.endpoint, "endpoint", "", "exchange: base `URL` of the service, if it is not the cloud's")
		fs.StringVar(&f.pwsh, "pwsh", "", "powershell: the PowerShell `PROGRAM` to run")
		fs.DurationVar(&f.timeout, "timeout", 2*time.Minute, "give up on a call, and on signing in, after this `DURATION`")
		fs.IntVar(&f.batch, "batch", 1, "exchange: send up to `N` calls in one request, which wants --workers N or more; fewer requests, but not documented")
	})
	grouped(fs, "Signing in", func(fs *pflag.FlagSet) {
		fs.StringVar(&f.auth, "auth", "", "`HOW` to sign in: "+strings.Join(entra.Methods(), ", ")+" (default token, if there is one)")
		fs.StringVar(&f.client, "client-id", "", "application `ID`, if not in AZURE_CLIENT_ID; with managed-identity the identity's")
		fs.StringVar(&f.certificate, "certificate", "", "the application's certificate and key, a PEM or PKCS#12 `FILE`; its password is taken from AZURE_CLIENT_CERTIFICATE_PASSWORD")
		fs.StringVar(&f.thumbprint, "certificate-thumbprint", "", "powershell: `THUMBPRINT` of a certificate in the user's store on Windows")
		fs.StringVar(&f.secretFile, "secret-file", "", "the `FILE` with the application's secret, if it is not in AZURE_CLIENT_SECRET")
		fs.StringVar(&f.tokenFile, "token-file", "", "the `FILE` with an access token, if it is not in "+tokenVariable+"; read again when it is refused")
		fs.StringVar(&f.account, "account", "", "`UPN` of the administrator who signs in with interactive")
	})
}

// file returns the file that holds the tenant, or "".
func (f *tenantFlags) file() string {
	name, _ := strings.CutPrefix(f.tenant, "sandbox:")
	if name == f.tenant {
		return ""
	}
	return name
}

// identity returns what tells the tenant from others.
func (f *tenantFlags) identity() string {
	if name := f.file(); name != "" {
		if path, err := filepath.EvalSymlinks(name); err == nil {
			name = path
		}
		if path, err := filepath.Abs(name); err == nil {
			name = path
		}
		return "sandbox:" + name
	}
	id := f.tenant + " " + strings.ToLower(f.organizationID())
	if f.tenant == "exchange" {
		id += " at " + f.endpointURL()
	}
	return id
}

// locked returns what tells a tenant that is written to from others, by one of the
// names of its organization: whatever way it is reached by, it is one.
func (f *tenantFlags) locked(organization string) string {
	switch f.tenant {
	case "exchange":
		return organization + " at " + f.endpointURL()
	case "powershell":
		cloud, _ := entra.LookupCloud(f.cloud) // whoever connects says what is wrong with it
		return organization + " at " + cloud.Endpoint
	}
	return f.identity()
}

// record returns which tenant the flags name, for the record.
func (f *tenantFlags) record() results.Where {
	w := results.Where{Tenant: f.tenant}
	if name := f.file(); name != "" {
		w.Tenant = f.identity()
	}
	if f.tenant == "exchange" || f.tenant == "powershell" {
		w.Organization = f.organizationID()
		w.Cloud = f.cloud
	}
	if f.tenant == "exchange" && f.endpoint != "" {
		w.Endpoint = f.endpointURL()
	}
	return w
}

// takeUp has the flags name the tenant that is on record, but for what they say
// themselves.
func (f *tenantFlags) takeUp(w results.Where) {
	f.tenant = w.Tenant
	f.organization = cmp.Or(f.organization, w.Organization)
	f.endpoint = cmp.Or(f.endpoint, w.Endpoint)
	f.cloud = cmp.Or(w.Cloud, f.cloud)
}

// organizationID returns the tenant that is meant.
func (f *tenantFlags) organizationID() string {
	if f.organization == "" && f.tenant == "exchange" {
		return strings.TrimSpace(os.Getenv("AZURE_TENANT_ID"))
	}
	return f.organization
}

// A connection is a tenant that cmdlets can be run on.
type connection struct {
	tenant.Runner
	name     string                                // for people
	real     bool                                  // it is not the built-in sandbox: a change is a change
	signIn   func(context.Context) error           // finds out whether the tenant lets us in
	tenantID func(context.Context) (string, error) // after signIn: the tenant's ID, or "" if it is not known; nil for never
	whose    func() string                         // who has signed in where, once that is known; or nil
	canSet   func() error                          // once signed in: whether there is a way to change anything; nil if it takes a change to find out
	refused  string                                // what to do if it no longer does
	save     func() error                          // puts what was changed into the tenant's file; not to be called by who only reads
	close    func()
	steps    []step // what doctor looks at
}

// connect returns the tenant that the flags name, for cmdlets of a noun. No call
// is made yet. Processes that are started for it have the files of inherit open.
func (f *tenantFlags) connect(a *app, noun string, workers int, log *zap.Logger, inherit ...*os.File) (*connection, error) {
	if f.timeout <= 0 {
		return nil, usage(fmt.Errorf("--timeout %v: want more than 0", f.timeout))
	}
	if f.batch < 1 || f.batch > exchange.MaxBatch {
		return nil, usage(fmt.Errorf("--batch %d: want 1 to %d", f.batch, exchange.MaxBatch))
	}
	if f.batch > 1 && f.tenant != "exchange" {
		return nil, usage(fmt.Errorf("--batch %d: only --tenant exchange sends requests", f.batch))
	}
	kind, file, hasFile := strings.Cut(f.tenant, ":")
	switch {
	case f.tenant == "sandbox:":
		return nil, usage(errors.New("--tenant sandbox: names no file after the colon"))
	case kind == "sandbox":
		return connectSandbox(file, hasFile, log)
	case f.tenant == "exchange":
		return f.connectExchange(a, noun, workers, log)
	case f.tenant == "powershell":
		return f.connectPowerShell(a, noun, workers, log, inherit)
	}
	return nil, usage(fmt.Errorf("--tenant %q: want sandbox, sandbox:FILE.csv, exchange or powershell", f.tenant))
}

// signInTo finds out whether the tenant lets us in, and, if writes says that
// something is to be changed, whether there is a way to.
func (c *connection) signInTo(ctx context.Context, writes bool) error {
	err := c.signIn(ctx)
	if err == nil && writes && c.canSet != nil {
		err = c.canSet()
	}
	return err
}

func connectSandbox(file string, hasFile bool, log *zap.Logger) (*connection, error) {
	t, name := sandbox.New(), "sandbox tenant"
	if hasFile {
		name += " (" + file + ")"
		var err error
		if t, err = sandbox.Load(file); err != nil {
			return nil, err
		}
	}
	t.Warn = warn(log)
	return &connection{
		Runner: t,
		name:   name,
		signIn: func(context.Context) error { return nil },
		save:   t.Save,
		close:  func() {},
		steps:  []step{{name: "tenant", look: func(context.Context) (string, error) { return "the " + name + " is built in", nil }}},
	}, nil
}

func warn(log *zap.Logger) func(tenant.Cmdlet, string) {
	return func(c tenant.Cmdlet, text string) {
		log.Debug("warning", zap.String("cmdlet", c.Name), zap.String("identity", c.Identity), zap.String("text", text))
	}
}

// title names the tenant to who is asked about it.
func (c *connection) title() string {
	if c.whose != nil {
		if whose := c.whose(); whose != "" {
			return c.name + " (" + whose + ")"
		}
	}
	return c.name
}

// explain adds to an error what to do about it if the tenant no longer lets us
// in.
func (c *connection) explain(err error) error {
	if _, told := errors.AsType[*exit](err); told || !errors.Is(err, tenant.Unauthorized) {
		return err
	}
	hint := cmp.Or(entra.Hint(err.Error()), c.refused)
	if s, ok := errors.AsType[*powershell.SetupError](err); ok && s.Hint != "" {
		hint = s.Hint
	}
	if errors.Is(err, exchange.ErrNoBatch) {
		hint = "--batch 1 sends each call in a request of its own"
	}
	if _, bad := errors.AsType[*tls.CertificateVerificationError](err); bad {
		hint = "the server's certificate is not one that this machine trusts: check --endpoint, and whether a proxy is in between"
	}
	return &exit{status: exitError, err: err, hint: hint}
}

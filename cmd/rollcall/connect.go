package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"go.uber.org/zap"

	"rollcall/tenant"
	"rollcall/tenant/exchange"
	"rollcall/tenant/sandbox"
)

// tokenVariable is the environment variable that holds an access token.
const tokenVariable = "ROLLCALL_ACCESS_TOKEN"

// tenantFlags say where the change is made.
type tenantFlags struct {
	tenant, endpoint, organization, auth string
	timeout                              time.Duration
}

func (f *tenantFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.tenant, "tenant", "sandbox", "`TENANT`: sandbox, sandbox:FILE.csv or exchange")
	fs.StringVar(&f.endpoint, "endpoint", exchange.DefaultEndpoint, "exchange: base `URL` of the service")
	fs.StringVar(&f.organization, "organization", "", "exchange: `GUID` of the tenant")
	fs.StringVar(&f.auth, "auth", "token", "exchange: `HOW` to sign in: token, which is taken from "+tokenVariable)
	fs.DurationVar(&f.timeout, "timeout", 2*time.Minute, "exchange: give up on a call after this `DURATION`")
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
	return f.tenant + " " + f.organization + " at " + f.endpoint
}

// A connection is a tenant that cmdlets can be run on.
type connection struct {
	tenant.Runner
	name  string       // for people
	real  bool         // it is not the built-in sandbox: a change is a change
	save  func() error // keeps what was changed
	close func()
}

// connect returns the tenant that the flags name. No call is made yet.
func (f *tenantFlags) connect(workers int, log *zap.Logger) (*connection, error) {
	kind, file, hasFile := strings.Cut(f.tenant, ":")
	switch {
	case f.tenant == "sandbox:":
		return nil, usage(errors.New("--tenant sandbox: names no file after the colon"))
	case kind == "sandbox":
		t, name := sandbox.New(), "sandbox tenant"
		if hasFile {
			name += " (" + file + ")"
			var err error
			if t, err = sandbox.Load(file); err != nil {
				return nil, err
			}
		}
		t.Warn = warn(log)
		return &connection{Runner: t, name: name, save: t.Save, close: func() {}}, nil
	case f.tenant == "exchange":
		return f.exchange(workers, log)
	}
	return nil, usage(fmt.Errorf("--tenant %q: want sandbox, sandbox:FILE.csv or exchange", f.tenant))
}

func (f *tenantFlags) exchange(workers int, log *zap.Logger) (*connection, error) {
	switch {
	case f.organization == "":
		return nil, usage(errors.New("--tenant exchange needs --organization: the GUID of the tenant"))
	case f.auth != "token":
		return nil, usage(fmt.Errorf("--auth %q: want token", f.auth))
	case f.timeout <= 0:
		return nil, usage(fmt.Errorf("--timeout %v: want more than 0", f.timeout))
	}
	token := strings.TrimSpace(os.Getenv(tokenVariable))
	client, err := exchange.New(exchange.Config{
		Endpoint:     f.endpoint,
		Organization: f.organization,
		Token:        func(context.Context, string, string) (string, error) { return token, nil },
		Timeout:      f.timeout,
		Connections:  workers,
		Warn:         warn(log),
	})
	if err != nil {
		return nil, usage(err)
	}
	if token == "" {
		return nil, &exit{status: exitError, err: fmt.Errorf("no access token: %s is not set", tokenVariable),
			hint: "put a token for " + f.endpoint + " in the environment variable " + tokenVariable}
	}
	name := "exchange tenant " + f.organization
	if f.endpoint != exchange.DefaultEndpoint {
		name += " at " + f.endpoint
	}
	return &connection{Runner: client, name: name, real: true, save: func() error { return nil }, close: client.Close}, nil
}

func warn(log *zap.Logger) func(tenant.Cmdlet, string) {
	return func(c tenant.Cmdlet, text string) {
		log.Debug("warning", zap.String("cmdlet", c.Name), zap.String("identity", c.Identity), zap.String("text", text))
	}
}

// refused adds to an error what to do about a token that the tenant refuses.
func refused(err error) error {
	if !errors.Is(err, tenant.Unauthorized) {
		return err
	}
	return &exit{status: exitError, err: err,
		hint: "the tenant does not accept the access token: put a fresh one in " + tokenVariable}
}

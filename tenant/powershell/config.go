package powershell

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"rollcall/tenant"
)

// DefaultTimeout is how long a cmdlet may take unless a [Config] has another
// Timeout.
const DefaultTimeout = 2 * time.Minute

// personTimeout is how long signing in by hand may take: Entra ID gives a person a
// quarter of an hour to type a code.
const personTimeout = 20 * time.Minute

// A Config is what a [Tenant] runs, and how it signs in.
type Config struct {
	// Program is the PowerShell to run. If it is empty that is pwsh, or where
	// there is none, on Windows, powershell.exe.
	Program string

	// Processes is how many there are at most; 0 means 1. Each runs one cmdlet
	// at a time.
	Processes int

	// Noun is that of the cmdlets. Only Get- and Set- of it are ever run.
	Noun string

	SignIn SignIn

	// Timeout is how long one cmdlet may take; 0 means [DefaultTimeout]. Each step of
	// the start of a process, other than signing in by hand, may take as long; the first
	// time it is given half of that, and half a minute at least.
	Timeout time.Duration

	// Inherit are files that each process, and what that starts, keep open. On
	// Windows no process inherits any.
	Inherit []*os.File

	// Warn, unless nil, is called with each warning that a cmdlet writes, by the
	// goroutine that runs it.
	Warn func(c tenant.Cmdlet, text string)

	// Notice, unless nil, is called with each line that the module writes while it
	// signs in, at once: with [DeviceCode] one has the code. Calls do not overlap.
	Notice func(text string)

	// Remark, unless nil, is called with what a person should know of a start that
	// does not fail because of it: that a version of the module can't be loaded and
	// another is tried. Calls of Notice and Remark do not overlap.
	Remark func(text string)

	// TenantID, unless nil, returns the ID of the tenant that has a domain. It is
	// for checking that a process has signed in to the tenant that
	// SignIn.Organization names by a domain. Without it, only an ID is checked.
	TenantID func(ctx context.Context, domain string) (string, error)
}

// The ways to sign in. With AccessToken the caller has signed in, and all processes
// share the token; with the others the module signs in, once for each process. With
// DeviceCode and Interactive a person is asked each time, so there should be one
// process only.
const (
	AccessToken = "access-token" // Token; Organization, or Account if the token is a user's
	Thumbprint  = "thumbprint"   // AppID, Organization, Thumbprint; only on Windows
	DeviceCode  = "device-code"  // only in PowerShell 7
	Interactive = "interactive"  // Account, if it is known
)

// A SignIn is how, and as whom, a process signs in to Exchange Online.
type SignIn struct {
	Method       string
	Organization string // such as contoso.onmicrosoft.com
	AppID        string // the application's ID, a GUID
	Thumbprint   string
	Account      string // a UPN
	Environment  string // such as O365USGovGCCHigh, or "" for O365Default

	// Token returns the access token for a process that is about to connect, and
	// when it expires: the zero time if that is not known. Refused, unless "", is a
	// token that the service no longer accepts: Token is to return another one.
	//
	// It is called for each process, and may return the same token each time. A
	// process is replaced before its token expires.
	Token func(ctx context.Context, refused string) (token string, expires time.Time, err error)
}

// New returns a Tenant. It starts nothing.
func New(cfg Config) (*Tenant, error) {
	if cfg.Processes == 0 {
		cfg.Processes = 1
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	switch {
	case !tenant.IsNoun(cfg.Noun):
		return nil, fmt.Errorf("noun %q: want one such as MyAnalyticsFeatureConfig", cfg.Noun)
	case cfg.Processes < 0:
		return nil, fmt.Errorf("processes %d: must be positive", cfg.Processes)
	case cfg.Timeout < 0:
		return nil, fmt.Errorf("timeout %v: must be positive", cfg.Timeout)
	}
	if err := cfg.SignIn.check(); err != nil {
		return nil, fmt.Errorf("sign-in: %w", err)
	}
	t := &Tenant{
		cfg:      cfg,
		idle:     make(chan *process, cfg.Processes),
		places:   make(chan struct{}, cfg.Processes),
		starting: make(chan struct{}, maxStarts),
		died:     make(chan struct{}, 1),
		closing:  make(chan struct{}),
		live:     make(map[*process]bool),
	}
	for range maxStarts - 1 { // until the first has signed in
		t.starting <- struct{}{}
	}
	return t, nil
}

// check returns an error that names all that s lacks for its method, or nil.
func (s SignIn) check() error {
	var missing []string
	need := func(name, value string) {
		if value == "" {
			missing = append(missing, name)
		}
	}
	switch s.Method {
	case Thumbprint:
		need("the application's ID", s.AppID)
		need("the organization", s.Organization)
		need("the certificate's thumbprint", s.Thumbprint)
	case AccessToken:
		need("the organization or the account", s.Organization+s.Account)
		if s.Token == nil {
			return errors.New("no token source")
		}
	case DeviceCode, Interactive:
	default:
		return fmt.Errorf("method %q: want one of %s", s.Method, strings.Join([]string{
			AccessToken, Thumbprint, DeviceCode, Interactive}, ", "))
	}
	if missing != nil {
		return fmt.Errorf("%s needs %s", s.Method, strings.Join(missing, ", "))
	}
	return nil
}

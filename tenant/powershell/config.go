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

// DefaultTimeout bounds a cmdlet for which [Config] has no other bound.
const DefaultTimeout = 2 * time.Minute

// personTimeout bounds signing in by hand: a person who types a code has a quarter
// of an hour at Entra ID.
const personTimeout = 20 * time.Minute

// A Config says what a [Tenant] runs, and as whom.
type Config struct {
	// Program is the PowerShell to run. If it is empty that is pwsh, or where
	// there is none, on Windows, powershell.exe.
	Program string

	// Processes is how many there are at most; 0 means 1. Each runs one cmdlet
	// at a time.
	Processes int

	// Noun is what the run is about. Only Get- and Set- of it are ever run.
	Noun string

	SignIn SignIn

	// Timeout bounds one cmdlet, and each step of the start of a process, but for
	// signing in by hand; 0 means [DefaultTimeout].
	Timeout time.Duration

	// Inherit are files that each process has open as long as it lives, as has what
	// it starts. On Windows no process inherits any.
	Inherit []*os.File

	// Warn, unless nil, is told of each warning that a cmdlet writes, by the
	// goroutine that runs it.
	Warn func(c tenant.Cmdlet, text string)

	// Notice, unless nil, is told what the module says while it signs in, line
	// by line and at once: with [DeviceCode] the code is in it. It is never
	// called twice at a time.
	Notice func(text string)

	// Remark, unless nil, is told what a person should know of a start that goes
	// on: that a version of the module is passed over. Like Notice, it is never
	// called twice at a time.
	Remark func(text string)

	// TenantID returns the ID of the tenant that has a domain. With it, a process
	// that has signed in to another tenant than SignIn.Organization is refused,
	// when that is a domain; when it is an ID, always.
	TenantID func(ctx context.Context, domain string) (string, error)
}

// The ways to sign in. With AccessToken it is the caller who signs in, and all
// processes share what comes of it; the module does so by itself for the others.
// With DeviceCode and Interactive each process asks again, whenever one is
// started: a run is best off with one process.
const (
	AccessToken = "access-token" // Token; Organization, or Account if the token is a user's
	Thumbprint  = "thumbprint"   // AppID, Organization, Thumbprint; only on Windows
	DeviceCode  = "device-code"  // only in PowerShell 7
	Interactive = "interactive"  // Account, if it is known
)

// A SignIn says as whom a process connects to Exchange Online.
type SignIn struct {
	Method       string
	Organization string // such as contoso.onmicrosoft.com
	AppID        string // the application's ID, a GUID
	Thumbprint   string
	Account      string // a UPN
	Environment  string // such as O365USGovGCCHigh, or "" for O365Default

	// Token returns the access token for a process that is about to connect, and
	// when it ends: the zero time if that is not known. Refused, unless "", is a
	// token that the service does not accept any more: another one is wanted.
	//
	// It is asked once for each process, and may give several the same token. A
	// process is as good as its token, and replaced ahead of its end.
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
		cfg:     cfg,
		idle:    make(chan *process, cfg.Processes),
		places:  make(chan struct{}, cfg.Processes),
		turns:   make(chan struct{}, maxStarts),
		died:    make(chan struct{}, 1),
		closing: make(chan struct{}),
		live:    make(map[*process]bool),
	}
	for range maxStarts - 1 { // until the first has signed in
		t.turns <- struct{}{}
	}
	return t, nil
}

// check returns an error if s lacks what its method needs. All that is missing
// is named at once.
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

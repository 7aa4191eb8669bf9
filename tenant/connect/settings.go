package connect

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rollcall/tenant/entra"
	"rollcall/tenant/exchange"
)

// The kinds of tenant. A sandbox may have a file: "sandbox:users.csv".
const (
	Sandbox    = "sandbox"
	Exchange   = "exchange"
	PowerShell = "powershell"
)

// Settings name the tenant, and say who signs in to it and how. Nothing is looked for
// anywhere else, not in the environment either, except by azidentity: see package entra.
type Settings struct {
	Tenant       string // "sandbox", "sandbox:FILE", "exchange" or "powershell"
	Organization string // the tenant's ID, a GUID, or one of its domains; for powershell the first
	Cloud        string // one of [entra.CloudNames]; "" is the first of them
	Endpoint     string // exchange: base URL of the service, if it is not the cloud's
	Program      string // powershell: the PowerShell to run; "" to find one

	// Timeout is the longest time for one call, and for signing in, which always has at
	// least 40 seconds. It does not apply to a person who signs in.
	Timeout time.Duration

	// Batch is how many calls may share one request; 1 for none.
	Batch int

	// Auth is one of [entra.Methods], or "" for no way to sign in: only tenants that need
	// none work then.
	Auth string

	Client              string // the application's ID
	Certificate         string // file, PEM or PKCS#12, with the application's certificate and key
	CertificatePassword string
	Thumbprint          string // powershell on Windows: of a certificate in the user's store
	Account             string // UPN of the person who signs in
	Secret, SecretFile  string // the application's secret, or the file that has it
	Token, TokenFile    string // an access token, or the file that has it, which is read again when it changes
	FederatedTokenFile  string // file with a token that is exchanged for one of Entra ID's
	Authority           string // base URL of Entra ID, if it is not the cloud's
}

// A SignInError says that the settings are not enough to sign in. Its cause is [ErrNoAuth],
// an [*entra.MissingError], or an error of a file.
type SignInError struct{ Err error }

func (e *SignInError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *SignInError) Unwrap() error { return e.Err }

// ErrNoAuth says that a way to sign in is needed and Settings name none.
var ErrNoAuth = errors.New("no access token, and no way to sign in is chosen")

// ErrModuleOnly says that the cmdlets of a noun are compiled into Microsoft's module, which
// only the powershell tenant runs.
var ErrModuleOnly = errors.New("its cmdlets are compiled into Microsoft's PowerShell module, and Exchange Online is not known to serve them")

// A SettingError says that a setting has a value that is not valid.
type SettingError struct {
	Setting string // tenant, organization, cloud, timeout, batch, auth, certificate-thumbprint or noun; "" if Err says which
	Value   string // the value, or "" if there was none
	Err     error  // what is wrong with it, or what is wanted
}

func (e *SettingError) Error() string {
	switch {
	case e.Setting == "":
		return e.Err.Error()
	case e.Value == "":
		return e.Setting + ": " + e.Err.Error()
	}
	return fmt.Sprintf("%s %s: %v", e.Setting, e.Value, e.Err)
}

func (e *SettingError) Unwrap() error { return e.Err }

// File returns the file that holds the tenant, or "".
func (s *Settings) File() string {
	name, ok := strings.CutPrefix(s.Tenant, Sandbox+":")
	if !ok {
		return ""
	}
	return name
}

// Identity returns a text that is different for each tenant.
func (s *Settings) Identity() string {
	if name := s.File(); name != "" {
		if path, err := filepath.EvalSymlinks(name); err == nil {
			name = path
		}
		if path, err := filepath.Abs(name); err == nil {
			name = path
		}
		return Sandbox + ":" + name
	}
	id := s.Tenant + " " + strings.ToLower(s.Organization)
	if s.Tenant == Exchange {
		id += " at " + s.BaseURL()
	}
	return id
}

// LockKey returns a text that is different for each tenant that can be written to. It is the
// same for every way to reach the tenant. organization is one of the tenant's names.
func (s *Settings) LockKey(organization string) string {
	switch s.Tenant {
	case Exchange:
		return organization + " at " + s.BaseURL()
	case PowerShell:
		cloud, _ := entra.LookupCloud(s.Cloud) // Open says what is wrong with it
		return organization + " at " + cloud.Endpoint
	}
	return s.Identity()
}

// BaseURL returns the base URL of the service, in one spelling.
func (s *Settings) BaseURL() string {
	if s.Endpoint == "" {
		cloud, _ := entra.LookupCloud(s.Cloud)
		return cloud.Endpoint
	}
	u, err := url.Parse(s.Endpoint)
	if err != nil {
		return s.Endpoint // Open says what is wrong with it
	}
	u.Host = strings.TrimSuffix(strings.ToLower(u.Host), map[string]string{"https": ":443", "http": ":80"}[u.Scheme])
	u.Host = strings.TrimSuffix(u.Host, ".")
	return strings.TrimRight(u.String(), "/")
}

// check returns a [*SettingError] if a setting is not valid, whatever the tenant.
func (s *Settings) check() error {
	kind, _, _ := strings.Cut(s.Tenant, ":")
	switch {
	case s.Timeout <= 0:
		return &SettingError{"timeout", s.Timeout.String(), errors.New("want more than 0")}
	case s.Batch < 1 || s.Batch > exchange.MaxBatch:
		return s.batchError(fmt.Errorf("want 1 to %d", exchange.MaxBatch))
	case s.Batch > 1 && s.Tenant != Exchange:
		return s.batchError(errors.New("only the tenant exchange is sent requests"))
	case s.Tenant == Sandbox+":":
		return &SettingError{"tenant", fmt.Sprintf("%q", s.Tenant), errors.New("names no file after the colon")}
	case kind != Sandbox && s.Tenant != Exchange && s.Tenant != PowerShell:
		return &SettingError{"tenant", fmt.Sprintf("%q", s.Tenant), errors.New("want sandbox, sandbox:FILE.csv, exchange or powershell")}
	}
	return nil
}

func (s *Settings) batchError(err error) error {
	return &SettingError{"batch", fmt.Sprint(s.Batch), err}
}

// cloud returns the cloud that the tenant is in.
func (s *Settings) cloud() (entra.Cloud, error) {
	cloud, err := entra.LookupCloud(s.Cloud)
	if err != nil {
		return cloud, &SettingError{"cloud", fmt.Sprintf("%q", s.Cloud), fmt.Errorf("want one of %s", strings.Join(entra.CloudNames(), ", "))}
	}
	return cloud, nil
}

// checkAuth returns a [*SignInError] if Auth is "", and a [*SettingError] if it is not one
// of [entra.Methods].
func (s *Settings) checkAuth() error {
	switch {
	case s.Auth == "":
		return &SignInError{ErrNoAuth}
	case !slices.Contains(entra.Methods(), s.Auth):
		return &SettingError{"auth", fmt.Sprintf("%q", s.Auth), fmt.Errorf("want one of %s", strings.Join(entra.Methods(), ", "))}
	}
	return nil
}

// byHand reports whether a person signs in.
func (s *Settings) byHand() bool { return s.Auth == entra.DeviceCode || s.Auth == entra.Interactive }

// entraConfig returns who signs in, for tokens of a host, as its base URL.
func (s *Settings) entraConfig(cloud entra.Cloud, host string) entra.Config {
	return entra.Config{
		Method:             s.Auth,
		Cloud:              cloud,
		Authority:          s.Authority,
		Tenant:             s.Organization,
		Client:             s.Client,
		Scope:              host + "/.default",
		Certificate:        s.Certificate,
		Password:           s.CertificatePassword,
		Secret:             s.Secret,
		SecretFile:         s.SecretFile,
		Token:              s.Token,
		TokenFile:          s.TokenFile,
		FederatedTokenFile: s.FederatedTokenFile,
	}
}

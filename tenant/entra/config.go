package entra

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// The ways to sign in.
const (
	Default         = "default"          // azidentity's DefaultAzureCredential: the environment, a managed identity, developers' tools; AZURE_TOKEN_CREDENTIALS narrows it
	Certificate     = "certificate"      // an application, by a certificate
	Secret          = "secret"           // an application, by a secret
	ManagedIdentity = "managed-identity" // the identity of the machine in Azure
	Workload        = "workload"         // a federated token, as in Kubernetes
	DeviceCode      = "device-code"      // a person, in a browser on any device
	Interactive     = "interactive"      // a person, in the browser of this machine
	AzureCLI        = "azure-cli"        // who is signed in with az
	Token           = "token"            // a token that is given
)

// Methods returns the names of the ways to sign in.
func Methods() []string {
	return []string{Default, Certificate, Secret, ManagedIdentity, Workload, DeviceCode, Interactive, AzureCLI, Token}
}

// The environment variables that are read. All but the last are azidentity's.
const (
	tenantVariable    = "AZURE_TENANT_ID"
	clientVariable    = "AZURE_CLIENT_ID"
	secretVariable    = "AZURE_CLIENT_SECRET"
	certVariable      = "AZURE_CLIENT_CERTIFICATE_PATH"
	passwordVariable  = "AZURE_CLIENT_CERTIFICATE_PASSWORD"
	federatedVariable = "AZURE_FEDERATED_TOKEN_FILE"
	authorityVariable = "AZURE_AUTHORITY_HOST"
	tokenVariable     = "ROLLCALL_ACCESS_TOKEN"
)

// moduleClient is the application that the Exchange Online module signs people
// in with (likely: public clients use it; Microsoft does not document it). A
// tenant's conditional access may keep others from using it; an application of
// one's own is the better choice.
const moduleClient = "fb78d390-0c51-40cd-8e17-fdbfab77341b"

// A Config says who signs in, how and where.
type Config struct {
	Method string // one of [Methods]
	Cloud  Cloud  // the zero value means global; AZURE_AUTHORITY_HOST overrules its Authority

	// Tenant is the ID or a domain of the tenant, Client the application's ID;
	// if empty, AZURE_TENANT_ID and AZURE_CLIENT_ID. People may sign in
	// without either: to their own tenant, and with the application of
	// Microsoft's module, which a tenant can block.
	Tenant, Client string

	// Scope is what the tokens are for; if empty, the default of the Cloud's
	// Endpoint.
	Scope string

	// Certificate is a file, PEM or PKCS#12, with a certificate and its
	// private key; if empty, AZURE_CLIENT_CERTIFICATE_PATH. A password is
	// only ever read from AZURE_CLIENT_CERTIFICATE_PASSWORD.
	Certificate string

	// SecretFile and TokenFile are read instead of AZURE_CLIENT_SECRET and
	// ROLLCALL_ACCESS_TOKEN. The token's is read again when it changes.
	SecretFile, TokenFile string

	// Prompt shows a person what there is to do. Required for DeviceCode.
	Prompt func(string)

	// Getenv reads the environment; nil means os.Getenv. Azidentity has no
	// choice for what it looks for by itself: the environments of managed
	// identities, and whatever Default tries.
	Getenv func(string) string

	// Transport makes the requests; nil means one that trusts the system's
	// roots, asks for TLS 1.2 at least, uses the environment's proxy and
	// follows no redirect.
	Transport policy.Transporter
}

// New returns a Source. It reads files and the environment and makes no
// request. Its errors say what is missing and where to put it.
func New(cfg Config) (*Source, error) {
	cfg.fill()
	if !slices.Contains(Methods(), cfg.Method) {
		return nil, fmt.Errorf("sign in by %q: want one of %s", cfg.Method, strings.Join(Methods(), ", "))
	}
	var s *Source
	var err error
	if cfg.Method == Token {
		s, err = newGiven(cfg)
	} else {
		s, err = newIdentity(cfg)
	}
	if err != nil {
		return nil, fmt.Errorf("sign in by %s: %w", cfg.Method, err)
	}
	return s, nil
}

// fill gives cfg what its zero values mean.
func (cfg *Config) fill() {
	if cfg.Getenv == nil {
		cfg.Getenv = os.Getenv
	}
	if cfg.Transport == nil {
		cfg.Transport = newTransport()
	}
	if cfg.Cloud == (Cloud{}) {
		cfg.Cloud = clouds[0]
	}
}

// authority returns the base URL of Entra ID.
func (cfg *Config) authority() (*url.URL, error) {
	host := cfg.or("", authorityVariable)
	if host == "" {
		host = cfg.Cloud.Authority
	}
	return parseAuthority(host)
}

// A need is a value that a method can't do without, and where it may be put.
type need struct{ value, what, where string }

// missing returns an error that names those of needs which have no value, or
// nil if there is none.
func missing(needs ...need) error {
	var all []string
	for _, n := range needs {
		if n.value == "" {
			all = append(all, fmt.Sprintf("no %s: put it in %s", n.what, n.where))
		}
	}
	if all == nil {
		return nil
	}
	return errors.New(strings.Join(all, "; "))
}

// or returns value, or what the environment has instead.
func (cfg *Config) or(value, variable string) string {
	if value != "" {
		return value
	}
	return strings.TrimSpace(cfg.Getenv(variable))
}

// isTenant reports whether s has the form of a tenant's ID or domain. It
// becomes part of a URL, and of a command.
func isTenant(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") == ""
}

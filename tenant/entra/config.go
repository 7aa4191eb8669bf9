package entra

import (
	"cmp"
	"fmt"
	"net/url"
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
	AzureCLI        = "azure-cli"        // the account that is signed in with az
	Token           = "token"            // a token that the caller has
)

// Methods returns the names of the ways to sign in.
func Methods() []string {
	return []string{Default, Certificate, Secret, ManagedIdentity, Workload, DeviceCode, Interactive, AzureCLI, Token}
}

// moduleClient is the application that the Exchange Online module signs people
// in with (likely: public clients use it; Microsoft does not document it). A
// tenant's conditional access may keep others from using it; an application of
// one's own is the better choice.
const moduleClient = "fb78d390-0c51-40cd-8e17-fdbfab77341b"

// A Config says who signs in, how and where. This package uses nothing else. Only azidentity
// also reads the environment: for managed identities, and for what Default tries.
type Config struct {
	Method string // one of [Methods]
	Cloud  Cloud  // the zero value means global

	// Authority is the base URL of Entra ID, if it is not the Cloud's.
	Authority string

	// Tenant is the ID or a domain of the tenant, Client the application's ID. A person
	// may sign in without them: to the person's own tenant, with the application of
	// Microsoft's module, which a tenant can block.
	Tenant, Client string

	// Scope is what the tokens are for; if empty, the default of the Cloud's
	// Endpoint.
	Scope string

	// Certificate is a file, PEM or PKCS#12, with a certificate and its
	// private key; Password is that of a PKCS#12 file, or "".
	Certificate, Password string

	// Secret is the application's, and Token an access token. SecretFile and
	// TokenFile, unless empty, name files that have them instead; TokenFile is
	// read again when it changes.
	Secret, SecretFile string
	Token, TokenFile   string

	// FederatedTokenFile is the file with the token that Workload signs in by.
	FederatedTokenFile string

	// Prompt shows a person what to do to sign in. Required for DeviceCode.
	Prompt func(string)

	// Transport makes the requests; nil means one that trusts the system's
	// roots, asks for TLS 1.2 at least, uses the environment's proxy and
	// follows no redirect.
	Transport policy.Transporter
}

// New returns a Source. It reads the files that cfg names, and makes no request.
// The error wraps a [*MissingError] if cfg lacks what its method needs.
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

// fill sets the defaults of cfg.
func (cfg *Config) fill() {
	if cfg.Transport == nil {
		cfg.Transport = newTransport()
	}
	if cfg.Cloud == (Cloud{}) {
		cfg.Cloud = clouds[0]
	}
}

// authority returns the base URL of Entra ID.
func (cfg *Config) authority() (*url.URL, error) {
	return parseAuthority(cmp.Or(cfg.Authority, cfg.Cloud.Authority))
}

// isTenant reports whether s has the form of a tenant's ID or domain. It
// becomes part of a URL, and of a command.
func isTenant(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") == ""
}

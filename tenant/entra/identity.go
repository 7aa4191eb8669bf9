package entra

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"rollcall/tenant"
)

// An identity gets its tokens by azidentity. It is a getter.
type identity struct {
	method  string
	object  string // what it signs in to or with, for errors
	scope   string
	wire    *wire
	secrets []string // that no text may show
	prompt  func(string)
	cred    azcore.TokenCredential
}

// newIdentity returns the Source of cfg's identity.
func newIdentity(cfg Config) (*Source, error) {
	authority, err := cfg.authority()
	if err != nil {
		return nil, err
	}
	if cfg.Scope == "" {
		cfg.Scope = cfg.Cloud.Endpoint + "/.default"
	}
	if cfg.Tenant != "" && !isTenant(cfg.Tenant) {
		return nil, fmt.Errorf("tenant %q: want its ID or a domain such as contoso.onmicrosoft.com", cfg.Tenant)
	}

	id := &identity{
		method: cfg.Method,
		object: "to " + authority.Host,
		scope:  cfg.Scope,
		wire:   &wire{next: cfg.Transport},
		prompt: cfg.Prompt,
	}
	s := &Source{get: id, about: cfg.Method + " at " + authority.Host}
	o := builder{
		Config: cfg,
		options: azcore.ClientOptions{
			Cloud:     cloud.Configuration{ActiveDirectoryAuthorityHost: authority.String()},
			Transport: id.wire,
			// The caller tries again; retries in both places would take minutes.
			Retry:     policy.RetryOptions{MaxRetries: -1, TryTimeout: 30 * time.Second},
			Telemetry: policy.TelemetryOptions{ApplicationID: "rollcall"},
		},
		offline: !isMicrosoftAuthority(authority),
	}
	if cfg.Method == ManagedIdentity {
		// What has identities is in the machine's own network and answers at once,
		// or is not there.
		o.options.Retry.TryTimeout = 10 * time.Second
	}
	switch cfg.Method {
	case Default, ManagedIdentity, AzureCLI:
		id.object = "by " + cfg.Method
		s.about = cfg.Method
	}
	if id.cred, err = o.credential(); err != nil {
		return nil, err
	}
	id.secrets, s.warnings = o.secrets, o.warnings
	return s, nil
}

// emptyClaims are claims without a demand. A credential that is called with claims does not
// use its cached token; with these, its request is the same as without claims.
//
// A new credential would have the same effect for an application, but not otherwise: a
// person would have to sign in again, and tokens of managed identities are cached for the
// whole process.
const emptyClaims = "{}"

// token gets a token.
func (s *identity) token(ctx context.Context, refused, claims string) (issued, error) {
	s.wire.reset()
	at, err := s.ask(ctx, refused, claims)
	switch {
	case err != nil && ctx.Err() != nil:
		return issued{}, ctx.Err()
	case errors.Is(err, errNoOther), err == nil && at.Token == refused:
		return issued{}, &tenant.Error{Op: op, Object: s.object, Class: tenant.Unauthorized, Err: errNoOther}
	case err != nil:
		return issued{}, s.fault(err)
	}
	got := issued{token: at.Token, expires: at.ExpiresOn, renew: at.ExpiresOn.Add(-margin)}
	if r := at.RefreshOn; !r.IsZero() && r.Before(got.renew) {
		got.renew = r
	}
	return got, nil
}

var errNoOther = errors.New("the access token is not accepted, and there is no other to be had: sign in again")

// ask asks the credential, without its cached token if that is refused.
func (s *identity) ask(ctx context.Context, refused, claims string) (azcore.AccessToken, error) {
	opts := policy.TokenRequestOptions{Scopes: []string{s.scope}, EnableCAE: true}
	switch {
	case refused == "":
		return s.get(ctx, opts)
	case isObject(claims):
		opts.Claims = claims
		return s.get(ctx, opts)
	case s.method == Default, s.method == AzureCLI:
		// Tools are run each time, and refuse all claims; what the default
		// comes down to is not known.
		at, err := s.get(ctx, opts)
		if err != nil || at.Token != refused {
			return at, err
		}
		s.wire.reset()
		opts.Claims = emptyClaims
		at, err = s.get(ctx, opts)
		if x := s.wire.get(); err != nil && x.status == 0 && x.err == nil {
			err = errNoOther // it is a tool
		}
		return at, err
	}
	opts.Claims = emptyClaims
	return s.get(ctx, opts)
}

// An authenticator asks a person to sign in.
type authenticator interface {
	Authenticate(context.Context, *policy.TokenRequestOptions) (azidentity.AuthenticationRecord, error)
}

// get asks the credential. It asks a person only if there is no other way: azidentity alone
// would ask for a sign-in whenever a token can't be renewed, even for a lost connection in
// the middle of the night.
func (s *identity) get(ctx context.Context, opts policy.TokenRequestOptions) (azcore.AccessToken, error) {
	at, err := s.cred.GetToken(ctx, opts)
	if _, ok := errors.AsType[*azidentity.AuthenticationRequiredError](err); !ok {
		return at, err
	}
	if x := s.wire.get(); x.err != nil || s.passes(answer{}, x.status) {
		return at, err
	}
	if s.method == Interactive && s.prompt != nil {
		s.prompt("sign in in the browser that opens; where none does, sign in by device-code: it shows a code to type elsewhere")
	}
	if _, err := s.cred.(authenticator).Authenticate(ctx, &opts); err != nil {
		return azcore.AccessToken{}, err
	}
	opts.Claims = "" // the token that has them is in store
	return s.cred.GetToken(ctx, opts)
}

// isObject reports whether claims is a JSON object.
func isObject(claims string) bool {
	var o map[string]any
	return json.Unmarshal([]byte(claims), &o) == nil && o != nil
}

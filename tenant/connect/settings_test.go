package connect

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"rollcall/tenant/entra"
)

const organization = "11111111-2222-3333-4444-555555555555"

// exchangeSettings name a tenant over HTTPS, with a token.
func exchangeSettings() Settings {
	return Settings{Tenant: Exchange, Organization: organization, Timeout: time.Minute, Batch: 1, Auth: entra.Token, Token: "token-8d2f"}
}

func open(s Settings, noun string) (*Tenant, error) {
	return Open(s, Options{Noun: noun, Workers: 4, Log: zap.NewNop()})
}

// Settings that can't be meant are refused ahead of any call, and the error says
// which one it is.
func TestOpenRefuses(t *testing.T) {
	for _, test := range []struct {
		change        func(*Settings)
		noun          string
		setting, want string
	}{
		{func(s *Settings) { s.Timeout = 0 }, "CASMailbox", "timeout", "timeout 0s: want more than 0"},
		{func(s *Settings) { s.Batch = 0 }, "CASMailbox", "batch", "batch 0: want 1 to 10"},
		{func(s *Settings) { s.Batch = 11 }, "CASMailbox", "batch", "batch 11: want 1 to 10"},
		{func(s *Settings) { s.Batch = 2 }, "MyAnalyticsFeatureConfig", "batch", "batch 2: the service that has MyAnalyticsFeatureConfig takes no batches"},
		{func(s *Settings) { s.Tenant, s.Batch = "sandbox", 2 }, "CASMailbox", "batch", "batch 2: only the tenant exchange is sent requests"},
		{func(s *Settings) { s.Tenant = "sandbox:" }, "CASMailbox", "tenant", `tenant "sandbox:": names no file after the colon`},
		{func(s *Settings) { s.Tenant = "exchange:x" }, "CASMailbox", "tenant", `tenant "exchange:x": want sandbox`},
		{func(s *Settings) { s.Organization = "" }, "CASMailbox", "organization", "organization: the tenant exchange needs the ID"},
		{func(s *Settings) { s.Tenant, s.Organization = PowerShell, "" }, "CASMailbox", "organization", "organization: the tenant powershell needs the first domain"},
		{func(s *Settings) { s.Organization = "contoso" }, "CASMailbox", "", `organization "contoso": want`},
		{func(s *Settings) { s.Endpoint = "http://contoso.com" }, "CASMailbox", "", `endpoint "http://contoso.com": plain http`},
		{func(s *Settings) { s.Cloud = "nine" }, "CASMailbox", "cloud", `cloud "nine": want one of global, `},
		{func(s *Settings) { s.Auth = "magic" }, "CASMailbox", "auth", `auth "magic": want one of default, `},
		{func(s *Settings) { s.Auth, s.Thumbprint = entra.Certificate, "0123" }, "CASMailbox", "certificate-thumbprint", "certificate-thumbprint 0123: only the tenant powershell"},
		{func(s *Settings) {}, "DefaultTenantBriefingConfig", "noun", "noun DefaultTenantBriefingConfig: its cmdlets are compiled into"},
	} {
		s := exchangeSettings()
		test.change(&s)
		_, err := open(s, test.noun)
		e, ok := errors.AsType[*SettingError](err)
		if !ok || e.Setting != test.setting || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("error %v of %+v, want %s", err, e, test.want)
		}
	}
}

// What is missing for signing in is said when somebody signs in, and typed.
func TestOpenWithoutSignIn(t *testing.T) {
	for _, test := range []struct {
		auth  string
		noun  string
		needs []entra.Need
	}{
		{"", "CASMailbox", nil},
		{"", "MyAnalyticsFeatureConfig", nil},
		{entra.Secret, "CASMailbox", []entra.Need{entra.NeedClient, entra.NeedSecret}},
	} {
		s := exchangeSettings()
		s.Auth, s.Endpoint = test.auth, "http://127.0.0.1:1" // nobody is asked
		tenant, err := open(s, test.noun)
		if err != nil {
			t.Fatal(err)
		}
		defer tenant.Close()
		err = tenant.SignIn(t.Context(), false)
		if _, ok := errors.AsType[*SignInError](err); !ok || errors.Is(err, ErrNoAuth) != (test.auth == "") {
			t.Errorf("by %q: error %v", test.auth, err)
		}
		if e, ok := errors.AsType[*entra.MissingError](err); ok != (test.needs != nil) || ok && !slices.Equal(e.Needs, test.needs) {
			t.Errorf("by %q: error %v, want what is missing to be %v", test.auth, err, test.needs)
		}
	}
}

// One tenant has one key, however it is reached and spelled; two have two.
func TestLockKey(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "tenant.csv"), filepath.Join(dir, "link.csv")
	if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Symlink(file, link)); err != nil {
		t.Skip(err)
	}
	const id = organization
	for _, test := range []struct {
		a, b Settings
		same bool
	}{
		{Settings{Tenant: Exchange}, Settings{Tenant: PowerShell}, true},
		{Settings{Tenant: Exchange}, Settings{Tenant: Exchange, Endpoint: "https://Outlook.office365.com:443/"}, true},
		{Settings{Tenant: Exchange}, Settings{Tenant: Exchange, Endpoint: "https://outlook.office365.com."}, true},
		{Settings{Tenant: Exchange}, Settings{Tenant: Exchange, Cloud: "dod"}, false},
		{Settings{Tenant: PowerShell}, Settings{Tenant: PowerShell, Cloud: "china"}, false},
		{Settings{Tenant: "sandbox:" + file}, Settings{Tenant: "sandbox:" + link}, true},
		{Settings{Tenant: "sandbox:" + file}, Settings{Tenant: "sandbox:" + dir}, false},
	} {
		if a, b := test.a.LockKey(id), test.b.LockKey(id); (a == b) != test.same {
			t.Errorf("keys %q and %q: one tenant is %t", a, b, test.same)
		}
	}
}

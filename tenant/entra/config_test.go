package entra

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// write returns the name of a file with text that only we can read.
func write(t *testing.T, name, text string) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// What is missing is named, all of it; so is what is wrong.
func TestNewRefuses(t *testing.T) {
	both := func(cfg Config) Config {
		cfg.Tenant, cfg.Client = contoso, app
		return cfg
	}
	_, err := os.Open("/no/such/file")
	noFile := errors.Unwrap(err).Error()
	for _, test := range []struct {
		cfg  Config
		want string
	}{
		{Config{}, `sign in by "": want one of default, certificate, secret, managed-identity, workload, device-code, interactive, azure-cli, token`},
		{Config{Method: "magic"}, `sign in by "magic": want one of`},
		{Config{Method: Secret}, "sign in by secret: no tenant ID, no client ID of an application, no secret"},
		{Config{Method: Secret, Tenant: contoso, Secret: "x"}, "sign in by secret: no client ID of an application"},
		{both(Config{Method: Secret}), "sign in by secret: no secret"},
		{Config{Method: Certificate}, "sign in by certificate: no tenant ID, no client ID of an application, no certificate"},
		{Config{Method: Workload}, "sign in by workload: no tenant ID, no client ID of an application, no federated token"},
		{both(Config{Method: Workload, FederatedTokenFile: "/no/such/file"}), noFile},
		{Config{Method: Token}, "sign in by token: no access token"},
		{Config{Method: Token, TokenFile: "/no/such/file", Token: "x"}, noFile},
		{Config{Method: DeviceCode}, "sign in by device-code: there is no person to show the code to"},
		{both(Config{Method: Certificate, Certificate: "/no/such/file"}), noFile},
		{both(Config{Method: Secret, SecretFile: "/no/such/file"}), noFile},
		{both(Config{Method: Secret, SecretFile: t.TempDir()}), "a directory"},
		{both(Config{Method: Secret, SecretFile: write(t, "s", " \n")}), "empty"},
		{both(Config{Method: Secret, SecretFile: write(t, "s", "hunter2\nhunter3\n")}), "more than one line"},
		{both(Config{Method: Secret, SecretFile: write(t, "s", "\xFF\xFEh\x00u\x00")}), "in UTF-16: save it as UTF-8"},
		{both(Config{Method: Secret, SecretFile: write(t, "s", strings.Repeat("hunter2", maxFile))}), "more than 1 MiB"},
		{Config{Method: AzureCLI, Tenant: "contoso; rm -rf"}, `tenant "contoso; rm -rf": want its ID or a domain`},
		{both(Config{Method: Secret, Authority: "http://login.example"}), "authority: want a URL such as https://login.microsoftonline.com"},
		{both(Config{Method: Secret, Authority: "https://me:hunter2@login.example"}), "authority: want a URL"},
		{both(Config{Method: Secret, Authority: "login.example"}), "authority: want a URL"},
	} {
		s, err := New(test.cfg)
		if err == nil || s != nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("New by %q: %v; want %s", test.cfg.Method, err, test.want)
		} else if strings.Contains(err.Error(), "hunter") {
			t.Errorf("New by %q: %v, which shows the secret", test.cfg.Method, err)
		}
	}
}

// With all that it needs, each method is made, and asks nobody.
func TestNew(t *testing.T) {
	for _, method := range Methods() {
		s, err := New(Config{Method: method, Tenant: contoso, Client: app, Secret: "x", Token: "x",
			Certificate: write(t, "c.pem", pemOf(t)), FederatedTokenFile: write(t, "f", "x"),
			Prompt: func(string) {}, Transport: &authority{t: t, reply: nil}})
		if err != nil {
			t.Errorf("%s: %v", method, err)
		} else if s.String() == "" || len(s.Warnings()) != 0 {
			t.Errorf("%s: %q with warnings %q", method, s, s.Warnings())
		}
	}
}

// The authority is the cloud's unless another is named, and only
// one that is not Microsoft's is taken at its word.
func TestAuthority(t *testing.T) {
	for _, test := range []struct {
		cloud, authority string
		host             string
		discovers        bool
	}{
		{"", "", "login.microsoftonline.com", true},
		{"dod", "", "login.microsoftonline.us", true},
		{"china", "", "login.partner.microsoftonline.cn", true},
		{"china", "https://login.microsoftonline.us/", "login.microsoftonline.us", true},
		{"", "https://login.example", "login.example", false},
		{"", "https://login.microsoftonline.com.example", "login.microsoftonline.com.example", false},
	} {
		cloud, err := LookupCloud(test.cloud)
		if err != nil {
			t.Fatal(err)
		}
		a := &authority{t: t, reply: issues}
		cfg := secretConfig(a)
		hosts := map[string]bool{}
		cfg.Transport = transporter(hostsOf(a, hosts))
		cfg.Cloud = cloud
		cfg.Authority = test.authority
		s := newSource(t, cfg)
		want(t, s, "", "", "t1")
		if !hosts[test.host+" token"] || hosts["discovery"] != test.discovers {
			t.Errorf("%s %s: hosts %v", test.cloud, test.authority, hosts)
		}
		if got, want := a.forms[0].Get("scope"), cloud.Endpoint+"/.default"; !strings.HasPrefix(got, want) {
			t.Errorf("%s: scope %q; want %q", test.cloud, got, want)
		}
	}
}

// A file that others can read is warned of.
func TestExposedFile(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no such bits")
	}
	name := write(t, "secret", "\uFEFFhunter2\r\n")
	for mode, warned := range map[os.FileMode]bool{0o600: false, 0o400: false, 0o640: true, 0o644: true, 0o604: true} {
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
		a := &authority{t: t, reply: issues}
		cfg := secretConfig(a)
		cfg.SecretFile = name
		s := newSource(t, cfg)
		if got := strings.Join(s.Warnings(), ""); (got != "") != warned || warned && (!strings.Contains(got, name) || strings.Contains(got, "hunter")) {
			t.Errorf("mode %o: warnings %q", mode, got)
		}
		want(t, s, "", "", "t1")
		if got := a.forms[0].Get("client_secret"); got != "hunter2" {
			t.Errorf("secret %q", got)
		}
	}
}

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

// What is missing is named, all of it, with where to put it; so is what is
// wrong.
func TestNewRefuses(t *testing.T) {
	const (
		noTenant = "no tenant ID: put it in --organization or AZURE_TENANT_ID"
		noClient = "no client ID of an application: put it in --client-id or AZURE_CLIENT_ID"
	)
	both := env{tenantVariable: contoso, clientVariable: app}
	with := func(name, value string) env {
		return env{tenantVariable: contoso, clientVariable: app, name: value}
	}
	_, err := os.Open("/no/such/file")
	noFile := errors.Unwrap(err).Error()
	for _, test := range []struct {
		cfg  Config
		env  env
		want string
	}{
		{Config{}, nil, `sign in by "": want one of default, certificate, secret, managed-identity, workload, device-code, interactive, azure-cli, token`},
		{Config{Method: "magic"}, nil, `sign in by "magic": want one of`},
		{Config{Method: Secret}, nil, "sign in by secret: " + noTenant + "; " + noClient + "; no secret: put it in AZURE_CLIENT_SECRET or a file that --secret-file names"},
		{Config{Method: Secret, Tenant: contoso}, env{secretVariable: "x"}, "sign in by secret: " + noClient},
		{Config{Method: Secret}, both, "sign in by secret: no secret: put it in AZURE_CLIENT_SECRET or a file that --secret-file names"},
		{Config{Method: Certificate}, nil, "sign in by certificate: " + noTenant + "; " + noClient + "; no certificate: put it in a file that --certificate or AZURE_CLIENT_CERTIFICATE_PATH names"},
		{Config{Method: Workload}, nil, "sign in by workload: " + noTenant + "; " + noClient + "; no federated token: put it in a file that AZURE_FEDERATED_TOKEN_FILE names"},
		{Config{Method: Workload}, with(federatedVariable, "/no/such/file"), noFile},
		{Config{Method: Token}, nil, "sign in by token: no access token: put it in ROLLCALL_ACCESS_TOKEN or a file"},
		{Config{Method: Token, TokenFile: "/no/such/file"}, env{tokenVariable: "x"}, noFile},
		{Config{Method: DeviceCode}, nil, "sign in by device-code: nobody to show the code to"},
		{Config{Method: Certificate, Certificate: "/no/such/file"}, both, noFile},
		{Config{Method: Secret, SecretFile: "/no/such/file"}, both, noFile},
		{Config{Method: Secret, SecretFile: t.TempDir()}, both, "a directory"},
		{Config{Method: Secret, SecretFile: write(t, "s", " \n")}, both, "empty"},
		{Config{Method: Secret, SecretFile: write(t, "s", "hunter2\nhunter3\n")}, both, "more than one line"},
		{Config{Method: Secret, SecretFile: write(t, "s", "\xFF\xFEh\x00u\x00")}, both, "in UTF-16: save it as UTF-8"},
		{Config{Method: Secret, SecretFile: write(t, "s", strings.Repeat("hunter2", maxFile))}, both, "more than 1 MiB"},
		{Config{Method: AzureCLI, Tenant: "contoso; rm -rf"}, nil, `tenant "contoso; rm -rf": want its ID or a domain`},
		{Config{Method: Secret}, with(authorityVariable, "http://login.example"), "authority: want a URL such as https://login.microsoftonline.com"},
		{Config{Method: Secret}, with(authorityVariable, "https://me:hunter2@login.example"), "authority: want a URL"},
		{Config{Method: Secret}, with(authorityVariable, "login.example"), "authority: want a URL"},
	} {
		test.cfg.Getenv = test.env.get
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
	all := env{tenantVariable: contoso, clientVariable: app, secretVariable: "x", tokenVariable: "x",
		certVariable: write(t, "c.pem", pemOf(t)), federatedVariable: write(t, "f", "x")}
	for _, method := range Methods() {
		s, err := New(Config{Method: method, Getenv: all.get, Prompt: func(string) {}, Transport: &authority{t: t, reply: nil}})
		if err != nil {
			t.Errorf("%s: %v", method, err)
		} else if s.String() == "" || len(s.Warnings()) != 0 {
			t.Errorf("%s: %q with warnings %q", method, s, s.Warnings())
		}
	}
}

// The authority is the cloud's unless the environment names another, and only
// one that is not Microsoft's is taken at its word.
func TestAuthority(t *testing.T) {
	for _, test := range []struct {
		cloud, variable string
		host            string
		discovers       bool
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
		cfg.Getenv = env{secretVariable: "x-of-length", authorityVariable: test.variable}.get
		s := newSource(t, cfg)
		want(t, s, "", "", "t1")
		if !hosts[test.host+" token"] || hosts["discovery"] != test.discovers {
			t.Errorf("%s %s: hosts %v", test.cloud, test.variable, hosts)
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

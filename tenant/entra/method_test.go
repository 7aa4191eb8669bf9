package entra

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"rollcall/tenant"
)

// A federated token is exchanged for one of Entra ID's.
func TestWorkload(t *testing.T) {
	a := &authority{t: t, reply: issues}
	cfg := secretConfig(a)
	cfg.Method = Workload
	cfg.FederatedTokenFile = write(t, "f", "federated")
	s := newSource(t, cfg)
	want(t, s, "", "", "t1")
	want(t, s, "t1", "", "t2")
	if got := a.forms[0].Get("client_assertion"); got != "federated" {
		t.Errorf("assertion %q", got)
	}
}

// The tokens of managed identities are kept for the process, whoever asks;
// past that store there is another.
func TestManagedIdentity(t *testing.T) {
	t.Setenv("IDENTITY_ENDPOINT", "http://identity.example/token")
	t.Setenv("IDENTITY_HEADER", "header-of-length")
	status, n := 200, 0
	app := rand.Text() // or a test that runs twice finds its own token
	cfg := Config{Method: ManagedIdentity, Client: app,
		Transport: transporter(func(r *http.Request) (*http.Response, error) {
			n++
			if q := r.URL.Query(); r.URL.Host != "identity.example" || q.Get("client_id") != app || q.Get("resource") != "https://outlook.office365.com" {
				t.Errorf("request %s", r.URL)
			}
			body := fmt.Sprintf(`{"token_type":"Bearer","access_token":"t%d","expires_on":"9000000000","resource":"x"}`, n)
			return respond(r, status, body), nil
		})}
	want(t, newSource(t, cfg), "", "", "t1")
	s := newSource(t, cfg)
	want(t, s, "", "", "t1")
	want(t, s, "t1", "", "t2")
	for code, class := range map[int]tenant.Class{404: tenant.Unavailable, 410: tenant.Unavailable, 500: tenant.Unavailable, 400: tenant.Unauthorized} {
		status = code
		if e := failed(t, s, "t2", class); e.Object != "by managed-identity" || e.Status != code {
			t.Errorf("error %v", e)
		}
	}
}

func respond(r *http.Request, status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}
}

// tool puts an az before all others that prints what script says.
func tool(t *testing.T, script string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the tool is a shell script")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "az"), []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":/bin:/usr/bin")
}

// The tool is asked each time; what it has is all there is.
func TestAzureCLI(t *testing.T) {
	tool(t, `echo run >> "$0.log"; echo '{"accessToken":"t1","expires_on":9000000000}'`)
	cfg := Config{Method: AzureCLI, Tenant: contoso, Transport: &authority{t: t}}
	s := newSource(t, cfg)
	want(t, s, "", "", "t1")
	want(t, s, "", "", "t1")
	e := failed(t, s, "t1", tenant.Unauthorized)
	if !strings.HasPrefix(e.Error(), "sign in by azure-cli: the access token is not accepted, and there is no other") {
		t.Errorf("error %v", e)
	}
	_, err := s.Token(t.Context(), "t1", `{"a":1}`)
	if err == nil || !strings.Contains(err.Error(), "az login --tenant "+contoso+" --claims-challenge eyJhIjoxfQ==") {
		t.Errorf("error %v", err)
	}

	tool(t, `echo run >> "$0.log"; echo '{"accessToken":"t'$(wc -l < "$0.log" | tr -d " ")'","expires_on":9000000000}'`)
	s = newSource(t, cfg)
	want(t, s, "", "", "t1")
	want(t, s, "t1", "", "t2")

	tool(t, `echo "ERROR: Please run 'az login' to setup account. Trace ID: 1" >&2; exit 1`)
	s = newSource(t, cfg)
	s.get.(*identity).wire.last = exchange{status: 503} // of a call before
	e = failed(t, s, "", tenant.Unauthorized)
	if got := e.Err.Error(); !strings.Contains(got, "az login") || strings.Contains(got, "Trace") || strings.Contains(got, "troubleshoot") {
		t.Errorf("error %v", got)
	}
}

// The default is whatever the environment has, and gets another token too,
// without claims first, for not all that it may be takes any.
func TestDefault(t *testing.T) {
	a := &authority{t: t, reply: issues}
	t.Setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")
	t.Setenv("AZURE_TENANT_ID", contoso)
	t.Setenv("AZURE_CLIENT_ID", app)
	t.Setenv("AZURE_CLIENT_SECRET", hunter)
	cfg := secretConfig(a)
	cfg.Method = Default
	s := newSource(t, cfg)
	want(t, s, "", "", "t1")
	want(t, s, "t1", "", "t2")
	want(t, s, "t2", `{"a":1}`, "t3")

	a.reply = func(_ int, f url.Values, w http.ResponseWriter) { w.WriteHeader(503) }
	failed(t, s, "t3", tenant.Unavailable)
	a.reply = func(_ int, f url.Values, w http.ResponseWriter) {
		w.WriteHeader(401)
		fmt.Fprintf(w, `{"error":"x","error_description":"AADSTS7: no %s"}`, f.Get("client_secret"))
	}
	if e := failed(t, s, "t3", tenant.Unauthorized); e.Error() != "sign in by default: AADSTS7: no [secret] (HTTP 401)" {
		t.Errorf("error %v", e)
	}

	t.Setenv("AZURE_TOKEN_CREDENTIALS", "AzureCLICredential")
	tool(t, `echo '{"accessToken":"t1","expires_on":9000000000}'`)
	s = newSource(t, cfg)
	want(t, s, "", "", "t1")
	if e := failed(t, s, "t1", tenant.Unauthorized); e.Err != errNoOther {
		t.Errorf("error %v", e)
	}

	t.Setenv("PATH", t.TempDir())
	t.Setenv("AZURE_TOKEN_CREDENTIALS", "dev")
	e := failed(t, newSource(t, cfg), "", tenant.Unauthorized)
	if got := e.Error(); !strings.HasPrefix(got, "sign in by default: none of the ways to sign in that are tried by default can be used: AzureCLICredential: ") || e.Status != 0 {
		t.Errorf("error %v", got)
	}

	// Outside of Azure there is no such network, and that does not pass.
	t.Setenv("AZURE_TOKEN_CREDENTIALS", "prod")
	os.Unsetenv("AZURE_TENANT_ID")
	cfg.Transport = transporter(func(*http.Request) (*http.Response, error) { return nil, errors.New("no route to host") })
	e = failed(t, newSource(t, cfg), "", tenant.Unauthorized)
	if got := e.Error(); !strings.Contains(got, "EnvironmentCredential: ") || !strings.Contains(got, "ManagedIdentityCredential: no route to host") {
		t.Errorf("error %v", got)
	}
}

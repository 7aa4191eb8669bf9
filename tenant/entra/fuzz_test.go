package entra

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/tenant"
	"rollcall/tenant/internal/errorcases"
)

const fuzzSecret = "c2VzYW1lLXNlc2FtZS1zZXNhbWU0MTIz"

// The replies that an authority gives when all is well.
const (
	fuzzInstance  = `{"tenant_discovery_endpoint":"https://login.microsoftonline.com/x/v2.0/.well-known/openid-configuration","metadata":[{"preferred_network":"login.microsoftonline.com","preferred_cache":"login.windows.net","aliases":["login.microsoftonline.com"]}]}`
	fuzzDiscovery = `{"issuer":"https://login.microsoftonline.com/x/v2.0","authorization_endpoint":"https://login.microsoftonline.com/authorize","token_endpoint":"https://login.microsoftonline.com/token"}`
	fuzzDevice    = `{"device_code":"SECRET","user_code":"ABCD","verification_uri":"https://example.org","expires_in":900,"interval":5,"message":"Enter the code\nABCD"}`
	fuzzToken     = `{"token_type":"Bearer","access_token":"t1","expires_in":3600,"expires_on":"9000000000","resource":"x"}`
)

// Whatever stands where Entra ID should, what comes of it is a token that is in a
// whole reply, or an error that may be shown. SECRET stands for the secret that
// was sent.
func FuzzSignIn(f *testing.F) {
	f.Setenv("IDENTITY_ENDPOINT", "https://identity.example/token")
	f.Setenv("IDENTITY_HEADER", fuzzSecret)
	methods := []string{Secret, DeviceCode, ManagedIdentity}
	add := func(method uint8, own bool, instance, discovery, device string, status int, header, token string) {
		f.Add(method, own, instance, discovery, device, status, header, token)
	}
	for m := range methods {
		for _, own := range []bool{false, true} {
			add(uint8(m), own, fuzzInstance, fuzzDiscovery, fuzzDevice, 200, "", fuzzToken)
			add(uint8(m), own, fuzzInstance, fuzzDiscovery, fuzzDevice, 401, "", `{"error":"invalid_client","error_description":"AADSTS7000215: Invalid SECRET. Trace ID: x","error_codes":[1],"claims":"{}"}`)
			add(uint8(m), own, fuzzInstance, fuzzDiscovery, fuzzDevice, 400, "5", `{"error":"authorization_pending","error_description":"SEC\u0000RET"}`)
			add(uint8(m), own, fuzzInstance, fuzzDiscovery, fuzzDevice, 503, "1e300", "<html>SECRET")
			add(uint8(m), own, fuzzInstance, fuzzDiscovery, fuzzDevice, 302, "https://SECRET/x", "")
			add(uint8(m), own, fuzzInstance, fuzzDiscovery, fuzzDevice, 200, "", `{"access_token":"t1","expires_in":"-1","refresh_token":7,"id_token":"a.b.c","client_info":"x"}`)
			add(uint8(m), own, fuzzInstance, fuzzDiscovery, fuzzDevice, 200, "", `{"access_token":"t1","expires_in":1e300,"scope":null,"id_token":"`+"h.eyJhIjoxfQ.s"+`","client_info":"eyJ1aWQiOiJ4In0"}`)
			add(uint8(m), own, `{"metadata":[{"aliases":null}]}`, `{}`, `{"expires_in":-1}`, 200, "", fuzzToken[:40])
			add(uint8(m), own, "null", "null", "null", 200, "", "null")
		}
	}
	f.Fuzz(func(t *testing.T, method uint8, own bool, instance, discovery, device string, status int, header, token string) {
		if status < 100 || status > 999 {
			return // net/http lets no other through
		}
		replace := strings.NewReplacer("SECRET", fuzzSecret, `SEC\u0000RET`, fuzzSecret[:12]+`\u0000`+fuzzSecret[12:]).Replace
		cfg := Config{Method: methods[int(method)%len(methods)], Tenant: contoso, Client: app}
		if cfg.Method == ManagedIdentity {
			cfg.Client = rand.Text() // tokens are kept for the process
		}
		cfg.Secret = fuzzSecret
		if own {
			cfg.Authority = "https://login.example"
		}
		cfg.Prompt = func(text string) { errorcases.CheckText(t, text, "") }
		secret := "" // once it has been sent
		cfg.Transport = transporter(func(r *http.Request) (*http.Response, error) {
			sent := r.Header.Get("X-Identity-Header")
			if r.Body != nil {
				b, _ := io.ReadAll(r.Body)
				sent += string(b)
			}
			if strings.Contains(sent, fuzzSecret) {
				secret = fuzzSecret
			}
			if err := r.Context().Err(); err != nil {
				return nil, err
			}
			var resp *http.Response
			switch {
			case strings.HasSuffix(r.URL.Path, "/discovery/instance"):
				resp = respond(r, 200, replace(instance))
			case strings.HasSuffix(r.URL.Path, "openid-configuration"):
				resp = respond(r, 200, replace(discovery))
			case strings.HasSuffix(r.URL.Path, "/devicecode"):
				resp = respond(r, 200, replace(device))
			default:
				resp = respond(r, status, replace(token))
				resp.Header.Set("Retry-After", header)
				resp.Header.Set("Location", replace(header))
			}
			return resp, nil
		})
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			got, err := newSource(t, cfg).Token(ctx, "", "")
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				if _, ok := err.(*tenant.Error); !ok || got != "" {
					t.Errorf("%q, error %v (%T), want a *tenant.Error", got, err, err)
				}
				errorcases.CheckError(t, err, secret)
				return
			}
			var o map[string]any
			if err := json.Unmarshal([]byte(replace(token)), &o); err != nil || status/100 != 2 || got == "" {
				t.Errorf("the token %q of status %d, %q", got, status, token)
			}
		})
	})
}

// Whatever is in the file of a certificate, it is one or an error.
func FuzzCertificate(f *testing.F) {
	f.Add([]byte(good().cert+good().key), "")
	f.Add([]byte(good().cert), "")
	f.Add([]byte("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"), "")
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n-----BEGIN RSA PRIVATE KEY-----\nMAA=\n-----END RSA PRIVATE KEY-----\n"), "x")
	if b, err := exec.Command("openssl", "version").Output(); err == nil && len(b) > 0 {
		dir := f.TempDir()
		pem, pfx := filepath.Join(dir, "c.pem"), filepath.Join(dir, "c.pfx")
		os.WriteFile(pem, []byte(good().cert+good().key), 0o600)
		exec.Command("openssl", "pkcs12", "-export", "-in", pem, "-out", pfx, "-passout", "pass:x", "-certpbe", "PBE-SHA1-3DES", "-keypbe", "PBE-SHA1-3DES", "-macalg", "sha1").Run()
		if b, err := os.ReadFile(pfx); err == nil {
			f.Add(b, "x")
			f.Add(b, "")
		}
	}
	f.Add([]byte{0x30, 0x80, 0x02, 0x01, 0x03}, "x")
	name := filepath.Join(f.TempDir(), "c")
	f.Fuzz(func(t *testing.T, data []byte, password string) {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := readCertificate(name, password)
		if err == nil && (len(c.certs) == 0 || c.key == nil) {
			t.Errorf("%q is a certificate", data)
		}
		if err != nil && len(password) > 8 && strings.Contains(err.Error(), password) && !strings.Contains(name, password) {
			t.Errorf("%v has the password", err)
		}
	})
}

// Whatever is in the file of a secret, it is one line or an error.
func FuzzSecretFile(f *testing.F) {
	f.Add([]byte("\uFEFFhunter2\r\n"))
	f.Add([]byte("\xff\xfeh\x00"))
	name := filepath.Join(f.TempDir(), "s")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if secret, _, err := readSecret(name); err == nil && (secret == "" || strings.ContainsAny(secret, "\r\n\x00")) {
			t.Errorf("%q is the secret %q", data, secret)
		}
	})
}

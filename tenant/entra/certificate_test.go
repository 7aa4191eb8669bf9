package entra

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// A pair is a certificate and its key, as PEM.
type pair struct{ cert, key string }

// makePair makes one that ends at end.
func makePair(end time.Time) pair {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "rollcall"}, NotBefore: end.AddDate(-1, 0, 0), NotAfter: end}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	return pair{
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})),
	}
}

// good is a pair for all tests: to make one takes time.
var good = sync.OnceValue(func() pair { return makePair(time.Now().AddDate(1, 0, 0)) })

func pemOf(t *testing.T) string {
	t.Helper()
	return good().cert + good().key
}

// certConfig signs in by the certificate in a file.
func certConfig(a *authority, file string) Config {
	cfg := secretConfig(a)
	cfg.Method, cfg.Certificate = Certificate, file
	return cfg
}

// By a certificate the request has an assertion that its key signed; neither
// it nor the key gets into an error.
func TestCertificate(t *testing.T) {
	a := &authority{t: t, reply: issues}
	s := newSource(t, certConfig(a, write(t, "c.pem", pemOf(t))))
	want(t, s, "", "", "t1")
	want(t, s, "t1", "", "t2")
	assertion := a.forms[0].Get("client_assertion")
	if strings.Count(assertion, ".") != 2 || a.forms[0].Get("client_secret") != "" {
		t.Errorf("form %v", a.forms[0])
	}
	payload, _ := base64.RawURLEncoding.DecodeString(strings.Split(assertion, ".")[1])
	if !strings.Contains(string(payload), `"iss":"`+app+`"`) {
		t.Errorf("assertion of %s", payload)
	}

	a.reply = func(_ int, f url.Values, w http.ResponseWriter) {
		w.WriteHeader(401)
		w.Write([]byte(`{"error":"invalid_client","error_description":"AADSTS700027: ` + f.Get("client_assertion") + `"}`))
	}
	_, err := s.Token(t.Context(), "t2", "")
	if err == nil || err.Error() != "sign in to login.example: AADSTS700027: [secret] (HTTP 401)" {
		t.Errorf("error %v", err)
	}
}

// A file that no certificate can be read from is told apart by what is to be
// done about it.
func TestCertificateFiles(t *testing.T) {
	other := makePair(time.Now().AddDate(1, 0, 0))
	for _, test := range []struct{ name, text, want string }{
		{"no key", good().cert, "the private key is missing"},
		{"no certificate", good().key, "the certificate is missing"},
		{"encrypted", good().cert + strings.ReplaceAll(good().key, "PRIVATE", "ENCRYPTED PRIVATE"), "is encrypted, which can't be read from PEM: decrypt it with (openssl pkey -in FILE; openssl x509 -in FILE) > plain.pem"},
		{"encrypted as of old", good().cert + strings.Replace(good().key, "KEY-----\n", "KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n", 1), "is encrypted"},
		{"elliptic", good().cert + strings.ReplaceAll(good().key, "PRIVATE", "EC PRIVATE"), "not RSA"},
		{"another's key", good().cert + other.key, "key doesn't match any certificate"},
		{"rubbish", "rubbish", "neither PEM nor PKCS#12"},
		{"empty", "", "neither PEM nor PKCS#12"},
	} {
		file := write(t, "c.pem", test.text)
		_, err := New(certConfig(&authority{t: t}, file))
		if err == nil || !strings.Contains(err.Error(), strings.ReplaceAll(test.want, "FILE", file)) || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v; want %s", test.name, err, test.want)
		}
	}
}

// A certificate that ends soon is warned of, with the day, and a chain about it
// is not.
func TestCertificateEnds(t *testing.T) {
	for _, test := range []struct {
		in   time.Duration
		want string
	}{{31 * 24 * time.Hour, ""}, {29 * 24 * time.Hour, "ends on"}, {-time.Hour, "ended on"}} {
		end := time.Now().Add(test.in)
		p := makePair(end)
		old := makePair(time.Now().AddDate(-5, 0, 0))
		s := newSource(t, certConfig(&authority{t: t}, write(t, "c.pem", old.cert+p.cert+p.key)))
		got := strings.Join(s.Warnings(), "")
		if test.want == "" && got != "" || !strings.Contains(got, test.want) || test.want != "" && !strings.Contains(got, end.UTC().Format(time.DateOnly)) {
			t.Errorf("ends in %v: warnings %q; want %q", test.in, got, test.want)
		}
	}
}

// PKCS#12 is read in its older form and in the one that OpenSSL 3 makes, whatever
// order the certificates of a chain are in.
func TestPKCS12(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("no openssl")
	}
	dir := t.TempDir()
	run := func(args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), openssl, args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Skipf("openssl %v: %v\n%s", args, err, out)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "in.pem"), []byte(pemOf(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	run("pkcs12", "-export", "-in", "in.pem", "-out", "old.pfx", "-passout", "pass:sesame", "-certpbe", "PBE-SHA1-3DES", "-keypbe", "PBE-SHA1-3DES", "-macalg", "sha1")
	run("pkcs12", "-export", "-in", "in.pem", "-out", "new.pfx", "-passout", "pass:sesame", "-certpbe", "AES-256-CBC", "-keypbe", "AES-256-CBC", "-macalg", "sha256")
	run("pkcs12", "-export", "-in", "in.pem", "-out", "default.pfx", "-passout", "pass:sesame")
	run("pkcs12", "-export", "-in", "in.pem", "-out", "plain.pfx", "-passout", "pass:")
	if err := os.WriteFile(filepath.Join(dir, "ca.pem"), []byte(makePair(time.Now().AddDate(1, 0, 0)).cert), 0o600); err != nil {
		t.Fatal(err)
	}
	run("pkcs12", "-export", "-in", "in.pem", "-certfile", "ca.pem", "-out", "chain.pfx", "-passout", "pass:sesame")
	run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x", "-keyout", "ec.key", "-out", "ec.crt")
	run("pkcs12", "-export", "-inkey", "ec.key", "-in", "ec.crt", "-out", "elliptic.pfx", "-passout", "pass:sesame")
	for _, test := range []struct{ file, password, want string }{
		{"old.pfx", "sesame", ""},
		{"old.pfx", "", "it has a password: no password of the certificate"},
		{"old.pfx", "wrong-password", "the password is not that of the file"},
		{"new.pfx", "sesame", ""},
		{"new.pfx", "", "it has a password"},
		{"new.pfx", "wrong-password", "is not that of the file"},
		{"default.pfx", "sesame", ""},
		{"chain.pfx", "sesame", ""},
		{"plain.pfx", "", ""},
		{"elliptic.pfx", "sesame", "not RSA"},
		{"in.pem", "sesame", ""},
	} {
		file := filepath.Join(dir, test.file)
		a := &authority{t: t, reply: issues}
		cfg := certConfig(a, "")
		cfg.Certificate, cfg.Password = file, test.password
		s, err := New(cfg)
		if test.want == "" {
			if err != nil {
				t.Errorf("%s: %v", test.file, err)
				continue
			}
			want(t, s, "", "", "t1")
		} else if err == nil || !strings.Contains(err.Error(), strings.ReplaceAll(test.want, "FILE", file)) || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s with %q: %v; want %s", test.file, test.password, err, test.want)
		}
	}
}

package server

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"net/url"
	"rollcall/tenant/sandbox"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

type keyPair struct {
	key  *rsa.PrivateKey
	cert *x509.Certificate
}

func newKeyPair() keyPair {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return keyPair{key, cert}
}

var keyPairs = sync.OnceValue(func() [2]keyPair { return [2]keyPair{newKeyPair(), newKeyPair()} })

// azidentity signs in with the certificate that is known, and with no other.
func TestCertificate(t *testing.T) {
	known := keyPairs()[0]
	for i, pair := range keyPairs() {
		s := &Server{Tenant: sandbox.New(), RequireIssued: true, ClientCertificate: known.cert}
		url, client := serveTLS(t, s, true)
		c, err := azidentity.NewClientCertificateCredential(organization, clientID, []*x509.Certificate{pair.cert}, pair.key,
			&azidentity.ClientCertificateCredentialOptions{ClientOptions: options(url, client), DisableInstanceDiscovery: true, SendCertificateChain: true})
		if err != nil {
			t.Fatal(err)
		}
		token, err := c.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{resource + "/.default"}})
		if i == 0 && (err != nil || use(t, s, token.Token).Code != 200) {
			t.Errorf("with the certificate: %v", err)
		}
		if i == 1 && (err == nil || !strings.Contains(err.Error(), "AADSTS700027")) {
			t.Errorf("with another: %v", err)
		}
	}
}

// An assertion is looked into from all sides.
func TestAssertion(t *testing.T) {
	known, other := keyPairs()[0], keyPairs()[1]
	const endpoint = "https://sandbox.test/" + organization + "/" + tokenPath
	hash1, hash256 := sha1.Sum(known.cert.Raw), sha256.Sum256(known.cert.Raw)
	other256 := sha256.Sum256(other.cert.Raw)
	good := map[string]any{"aud": endpoint, "iss": clientID, "sub": clientID, "exp": time.Now().Add(time.Minute).Unix(), "nbf": time.Now().Unix()}
	with := func(name string, value any) map[string]any {
		m := maps.Clone(good)
		m[name] = value
		return m
	}
	long := map[string]any{"alg": "PS256", "x5t#S256": base64.StdEncoding.EncodeToString(hash256[:])}
	for _, test := range []struct {
		name           string
		header, claims map[string]any
		key            *rsa.PrivateKey
		number         float64 // 0 for a token
	}{
		{"PS256", long, good, known.key, 0},
		{"RS256", map[string]any{"alg": "RS256", "x5t": base64.RawURLEncoding.EncodeToString(hash1[:])}, good, known.key, 0},
		{"both thumbprints", map[string]any{"alg": "RS256", "x5t": base64.RawURLEncoding.EncodeToString(hash1[:]), "x5t#S256": base64.RawURLEncoding.EncodeToString(hash256[:])}, good, known.key, 0},
		{"issuer as audience", long, with("aud", strings.Replace(endpoint, tokenPath, "v2.0", 1)), known.key, 0},
		{"other key", long, good, other.key, 700027},
		{"other thumbprint", map[string]any{"alg": "PS256", "x5t#S256": base64.RawURLEncoding.EncodeToString(other256[:])}, good, known.key, 700027},
		{"one thumbprint of two", map[string]any{"alg": "PS256", "x5t": base64.RawURLEncoding.EncodeToString(hash1[:]), "x5t#S256": base64.RawURLEncoding.EncodeToString(other256[:])}, good, known.key, 700027},
		{"no thumbprint", map[string]any{"alg": "PS256"}, good, known.key, 700027},
		{"none", map[string]any{"alg": "none", "x5t#S256": long["x5t#S256"]}, good, known.key, 700027},
		{"audience", long, with("aud", "https://login.microsoftonline.com/x"), known.key, 700023},
		{"expired", long, with("exp", time.Now().Add(-time.Hour).Unix()), known.key, 700024},
		{"no expiry", long, with("exp", nil), known.key, 700024},
		{"future", long, with("nbf", time.Now().Add(time.Hour).Unix()), known.key, 700024},
		{"issuer", long, with("iss", "x"), known.key, 700021},
		{"subject", long, with("sub", "x"), known.key, 700021},
		{"text as time", long, with("exp", "soon"), known.key, 50027},
	} {
		s := &Server{Tenant: sandbox.New(), ClientCertificate: known.cert, ClientSecret: hush}
		assertion := makeAssertion(t, test.header, test.claims, test.key)
		status, body := postAssertion(t, s, assertion)
		if numbers, _ := body["error_codes"].([]any); (status == 200) != (test.number == 0) || test.number != 0 && (len(numbers) != 1 || numbers[0] != test.number) {
			t.Errorf("%s: %d %v, want %v", test.name, status, body, test.number)
		}
	}

	assertion := makeAssertion(t, long, good, known.key)
	s := &Server{Tenant: sandbox.New(), ClientCertificate: known.cert}
	parts := strings.Split(assertion, ".")
	changed := makeAssertion(t, long, with("jti", "x"), known.key)
	for _, text := range []string{"x", "..", parts[0] + "." + parts[1], assertion + ".x", parts[0] + "." + parts[1] + ".!", "!." + parts[1] + "." + parts[2],
		parts[0] + "." + strings.Split(changed, ".")[1] + "." + parts[2]} {
		if status, body := postAssertion(t, s, text); status == 200 {
			t.Errorf("a token for %.60s: %v", text, body)
		}
	}
	if status, _ := postAssertion(t, &Server{Tenant: sandbox.New()}, "x"); status != 200 {
		t.Errorf("%d where no certificate is known", status)
	}
	if status, _ := post(t, s, "/"+organization+"/"+tokenPath, "grant_type=client_credentials&client_id=x&client_assertion="+assertion+"&scope="+resource+"/.default"); status != 401 {
		t.Errorf("%d without the assertion's type", status)
	}
}

func postAssertion(t *testing.T, s *Server, assertion string) (int, map[string]any) {
	return post(t, s, "/"+organization+"/"+tokenPath, url.Values{
		"grant_type": {"client_credentials"}, "client_id": {clientID}, "scope": {resource + "/.default"},
		"client_assertion_type": {assertionType}, "client_assertion": {assertion},
	}.Encode())
}

func makeAssertion(t *testing.T, header, claims map[string]any, key *rsa.PrivateKey) string {
	t.Helper()
	var parts [2]string
	for i, m := range []map[string]any{header, claims} {
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		parts[i] = base64.RawURLEncoding.EncodeToString(b)
	}
	text := parts[0] + "." + parts[1]
	hash := sha256.Sum256([]byte(text))
	var signature []byte
	var err error
	if header["alg"] == "RS256" {
		signature, err = rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, hash[:])
	} else {
		signature, err = rsa.SignPSS(rand.Reader, key, crypto.SHA256, hash[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	}
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

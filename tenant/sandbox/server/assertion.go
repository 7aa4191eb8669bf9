package server

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// authenticate returns what is wrong with the secret or the assertion by which
// an app signs in.
func (s *Server) authenticate(q *signInRequest) *signInError {
	secret, assertion := q.form.Get("client_secret"), q.form.Get("client_assertion")
	switch {
	case secret != "":
		if s.ClientSecret != "" && subtle.ConstantTimeCompare([]byte(secret), []byte(s.ClientSecret)) != 1 {
			return invalidClient(7000215, "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, "+
				"not the client secret ID, for a secret added to app '"+q.form.Get("client_id")+"'.")
		}
		return nil
	case assertion == "" || q.form.Get("client_assertion_type") != assertionType:
		return invalidClient(7000218, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.")
	case s.ClientCertificate == nil:
		return nil
	}
	return checkAssertion(assertion, s.ClientCertificate, q)
}

func invalidClient(number int, text string) *signInError {
	return &signInError{http.StatusUnauthorized, "invalid_client", number, text}
}

// checkAssertion returns what is wrong with a JWT that is to be signed by the
// key of cert: its form, its key, its signature, and then what it says.
func checkAssertion(assertion string, cert *x509.Certificate, q *signInRequest) *signInError {
	malformed := &signInError{http.StatusBadRequest, "invalid_request", 50027, "JWT token is invalid or malformed."}
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 {
		return malformed
	}
	var header struct {
		Algorithm  string `json:"alg"`
		Thumbprint string `json:"x5t"`
		SHA256     string `json:"x5t#S256"`
	}
	var claims struct {
		Audience  string  `json:"aud"`
		Issuer    string  `json:"iss"`
		Subject   string  `json:"sub"`
		Expires   float64 `json:"exp"`
		NotBefore float64 `json:"nbf"`
	}
	for i, v := range []any{&header, &claims} {
		b, err := base64URL.DecodeString(parts[i])
		if err != nil || json.Unmarshal(b, v) != nil {
			return malformed
		}
	}
	signature, err := base64URL.DecodeString(parts[2])
	if err != nil {
		return malformed
	}

	if !isThumbprint(header.Thumbprint, header.SHA256, cert) {
		return invalidClient(700027, "The certificate with identifier used to sign the client assertion is not registered on application. "+
			"[Reason - The key was not found.]")
	}
	if !verify(header.Algorithm, cert, parts[0]+"."+parts[1], signature) {
		return invalidClient(700027, "Client assertion contains an invalid signature. [Reason - The key was found, but use of the key to verify the signature failed.]")
	}
	now := float64(time.Now().Unix())
	const skew = 300
	switch {
	case claims.Audience != q.endpoint && claims.Audience != q.issuer:
		return invalidClient(700023, "Client assertion audience claim does not match Realm issuer.")
	case claims.Expires <= now-skew || claims.NotBefore > now+skew:
		return invalidClient(700024, "Client assertion is not within its valid time range.")
	case claims.Issuer != q.form.Get("client_id") || claims.Subject != claims.Issuer:
		return invalidClient(700021, "Client assertion application identifier doesn't match 'client_id' parameter.")
	}
	return nil
}

// isThumbprint reports whether x5t and x5tS256, of which one may be empty, are
// hashes of cert, in any alphabet of base64.
func isThumbprint(x5t, x5tS256 string, cert *x509.Certificate) bool {
	if x5t == "" && x5tS256 == "" {
		return false
	}
	short, long := sha1.Sum(cert.Raw), sha256.Sum256(cert.Raw)
	is := func(text string, hash []byte) bool {
		text = strings.NewReplacer("+", "-", "/", "_", "=", "").Replace(text)
		b, err := base64.RawURLEncoding.DecodeString(text)
		return err == nil && slices.Equal(b, hash)
	}
	return (x5t == "" || is(x5t, short[:])) && (x5tS256 == "" || is(x5tS256, long[:]))
}

func verify(algorithm string, cert *x509.Certificate, text string, signature []byte) bool {
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok {
		return false
	}
	hash := sha256.Sum256([]byte(text))
	switch algorithm {
	case "RS256":
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, hash[:], signature) == nil
	case "PS256":
		return rsa.VerifyPSS(key, crypto.SHA256, hash[:], signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
	}
	return false
}

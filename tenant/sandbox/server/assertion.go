package server

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
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

// errUnknownKey is that an assertion is signed with a certificate that is not the
// application's.
var errUnknownKey = errors.New("no such key")

// assertions reads those that Entra ID takes.
var assertions = jwt.NewParser(jwt.WithValidMethods([]string{"RS256", "PS256"}), jwt.WithExpirationRequired(), jwt.WithLeeway(5*time.Minute))

// checkAssertion returns what is wrong with a JWT that is to be signed by the
// key of cert: its form, its key, its signature, and then what it says.
func checkAssertion(assertion string, cert *x509.Certificate, q *signInRequest) *signInError {
	var claims jwt.RegisteredClaims
	_, err := assertions.ParseWithClaims(assertion, &claims, func(t *jwt.Token) (any, error) {
		short, _ := t.Header["x5t"].(string)
		long, _ := t.Header["x5t#S256"].(string)
		if !isThumbprint(short, long, cert) {
			return nil, errUnknownKey
		}
		return cert.PublicKey, nil
	})
	switch {
	case errors.Is(err, errUnknownKey):
		return invalidClient(700027, "The certificate with identifier used to sign the client assertion is not registered on application. "+
			"[Reason - The key was not found.]")
	case errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return invalidClient(700027, "Client assertion contains an invalid signature. [Reason - The key was found, but use of the key to verify the signature failed.]")
	case errors.Is(err, jwt.ErrTokenMalformed), errors.Is(err, jwt.ErrTokenUnverifiable):
		return &signInError{http.StatusBadRequest, "invalid_request", 50027, "JWT token is invalid or malformed."}
	case !slices.Contains(claims.Audience, q.endpoint) && !slices.Contains(claims.Audience, q.issuer):
		return invalidClient(700023, "Client assertion audience claim does not match Realm issuer.")
	case err != nil:
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

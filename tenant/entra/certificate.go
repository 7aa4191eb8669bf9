package entra

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"software.sslmate.com/src/go-pkcs12"
)

// soon is how long before its end there is a warning about a certificate.
const soon = 30 * 24 * time.Hour

// A certificate is one to sign in with.
type certificate struct {
	certs    []*x509.Certificate
	key      crypto.PrivateKey
	warnings []string
}

// readCertificate reads a file, PEM or PKCS#12.
func readCertificate(name, password string) (*certificate, error) {
	data, warning, err := readFile(name)
	if err != nil {
		return nil, err
	}
	c := &certificate{}
	if warning != "" {
		c.warnings = append(c.warnings, warning)
	}
	isPEM, err := checkPEM(data, name)
	if err != nil {
		return nil, err
	}
	if isPEM {
		c.certs, c.key, err = azidentity.ParseCertificates(data, nil)
	} else {
		c.certs, c.key, err = parsePKCS12(data, password)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, explain(err, isPEM, name, password))
	}
	if w := ending(leaf(c.certs, c.key), name, time.Now()); w != "" {
		c.warnings = append(c.warnings, w)
	}
	return c, nil
}

// parsePKCS12 reads old and new forms of PKCS#12. Azidentity reads only those that OpenSSL
// and Windows made until some years ago.
func parsePKCS12(data []byte, password string) ([]*x509.Certificate, crypto.PrivateKey, error) {
	key, first, others, err := pkcs12.DecodeChain(data, password)
	if err != nil {
		return nil, nil, err
	}
	if _, ok := key.(*rsa.PrivateKey); !ok {
		return nil, nil, errNotRSA
	}
	certs := append([]*x509.Certificate{first}, others...)
	if leaf(certs, key) == nil {
		return nil, nil, errNoMatch
	}
	return certs, key, nil
}

var (
	errNotRSA  = errors.New("the private key is not RSA: rollcall can sign in only with an RSA key")
	errNoMatch = errors.New("key doesn't match any certificate")
)

// checkPEM reports whether data is PEM. It returns an error if it is PEM that can't be used
// to sign in.
func checkPEM(data []byte, name string) (isPEM bool, err error) {
	certs, keys := 0, 0
	for {
		var b *pem.Block
		if b, data = pem.Decode(data); b == nil {
			break
		}
		isPEM = true
		switch {
		case b.Type == "ENCRYPTED PRIVATE KEY", strings.Contains(b.Headers["Proc-Type"], "ENCRYPTED"):
			return true, fmt.Errorf("read %s: the private key is encrypted, which can't be read from PEM: decrypt it with (openssl pkey -in %[1]s; openssl x509 -in %[1]s) > plain.pem", name)
		case b.Type == "EC PRIVATE KEY":
			return true, fmt.Errorf("read %s: %w", name, errNotRSA)
		case b.Type == "CERTIFICATE":
			certs++
		case strings.HasSuffix(b.Type, "PRIVATE KEY"):
			keys++
		}
	}
	switch {
	case !isPEM:
		return false, nil
	case keys == 0:
		return true, fmt.Errorf("read %s: the private key is missing: the file needs the certificate and its key", name)
	case certs == 0:
		return true, fmt.Errorf("read %s: the certificate is missing: the file needs the key and its certificate", name)
	}
	return true, nil
}

// explain returns err, an error of ParseCertificates, in words for a person.
func explain(err error, isPEM bool, name, password string) error {
	_, unknown := errors.AsType[pkcs12.NotImplementedError](err)
	switch {
	case isPEM, errors.Is(err, errNotRSA), errors.Is(err, errNoMatch):
		return err
	case unknown:
		return fmt.Errorf("PKCS#12 of a form that can't be read: convert it with openssl pkcs12 -in %s -nodes -out plain.pem", name)
	case errors.Is(err, pkcs12.ErrIncorrectPassword) && password == "":
		return fmt.Errorf("it has a password: %w", &MissingError{[]Need{NeedPassword}})
	case errors.Is(err, pkcs12.ErrIncorrectPassword):
		return errors.New("the password is not that of the file")
	}
	return errors.New("neither PEM nor PKCS#12 with a certificate and its private key")
}

// leaf returns the one of certs that has the key, or nil.
func leaf(certs []*x509.Certificate, key crypto.PrivateKey) *x509.Certificate {
	k, ok := key.(*rsa.PrivateKey)
	for _, c := range certs {
		if ok && k.PublicKey.Equal(c.PublicKey) {
			return c
		}
	}
	return nil
}

// ending returns a warning if c expires soon or has expired.
func ending(c *x509.Certificate, name string, now time.Time) string {
	switch {
	case c == nil:
	case c.NotAfter.Before(now):
		return fmt.Sprintf("the certificate in %s ended on %s", name, c.NotAfter.Format(time.DateOnly))
	case c.NotAfter.Before(now.Add(soon)):
		return fmt.Sprintf("the certificate in %s ends on %s", name, c.NotAfter.Format(time.DateOnly))
	}
	return ""
}

package queue

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// testCertificates are those of a server and of a client, of an authority.
type testCertificates struct{ server, client TLS }

// certificates makes certificates of an authority of their own.
func certificates(t *testing.T) (c testCertificates) {
	t.Helper()
	dir := t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	ca := filepath.Join(dir, "ca.pem")
	root, err := x509.CreateCertificate(rand.Reader, authority, authority, &key.PublicKey, key)
	check(t, err)
	writePEM(t, ca, "CERTIFICATE", root)
	issue := func(name string, use x509.ExtKeyUsage) TLS {
		own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		check(t, err)
		b, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
			SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
			ExtKeyUsage: []x509.ExtKeyUsage{use}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		}, authority, &own.PublicKey, key)
		check(t, err)
		k, err := x509.MarshalPKCS8PrivateKey(own)
		check(t, err)
		files := TLS{Cert: filepath.Join(dir, name+".pem"), Key: filepath.Join(dir, name+"-key.pem"), CA: ca}
		writePEM(t, files.Cert, "CERTIFICATE", b)
		writePEM(t, files.Key, "PRIVATE KEY", k)
		return files
	}
	return testCertificates{issue("server", x509.ExtKeyUsageServerAuth), issue("client", x509.ExtKeyUsageClientAuth)}
}

func writePEM(t *testing.T, name, kind string, b []byte) {
	t.Helper()
	check(t, os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600))
}

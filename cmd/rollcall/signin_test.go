package main

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// makeKey writes a key with its certificate to a file, and the certificate alone
// to another.
func makeKey(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: key FILE CERTIFICATE")
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	ts.Check(err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "rollcall"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	ts.Check(err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	ts.Check(err)
	var both, certificate bytes.Buffer
	ts.Check(pem.Encode(&certificate, &pem.Block{Type: "CERTIFICATE", Bytes: der}))
	ts.Check(pem.Encode(&both, &pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	both.Write(certificate.Bytes())
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), both.Bytes(), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), certificate.Bytes(), 0o600))
	made := ts.Value(keysMade{}).(*[]string)
	*made = append(*made, ts.MkAbs(args[0]))
}

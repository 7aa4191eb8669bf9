package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"rollcall/tenant/sandbox/server"
)

// readCertificate returns the first certificate of a PEM file. The file may hold
// the key too.
func readCertificate(name string) (*x509.Certificate, error) {
	rest, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return nil, fmt.Errorf("read %s: the file has no certificate in PEM form", name)
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		return c, nil
	}
}

// makeTLS returns the TLS configuration of the sandbox, and writes the certificate of
// its authority to the file called name, unless name is empty.
func makeTLS(name string) (*tls.Config, error) {
	config, authority, err := server.NewTLS()
	if err != nil || name == "" {
		return config, err
	}
	// A file that an earlier start wrote is replaced. Any other file belongs to
	// the user and is left alone.
	switch c, err := readCertificate(name); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("--ca would replace an existing file: %w", err)
	case c.Subject.CommonName != server.Authority:
		return nil, fmt.Errorf("--ca would replace an existing file: %s holds another certificate, of %q", name, c.Subject.CommonName)
	}
	return config, os.WriteFile(name, authority, 0o600)
}

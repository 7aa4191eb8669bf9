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

// readCertificate returns the first certificate of a PEM file, which may have
// its key beside it.
func readCertificate(name string) (*x509.Certificate, error) {
	rest, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return nil, fmt.Errorf("read %s: no certificate in PEM", name)
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

// makeTLS returns what the sandbox needs for https. The authority goes to the
// file called name, unless that is empty.
func makeTLS(name string) (*tls.Config, error) {
	config, authority, err := server.NewTLS()
	if err != nil || name == "" {
		return config, err
	}
	// The next start replaces what this one writes; anything else that is there
	// is somebody's.
	switch c, err := readCertificate(name); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("--ca would replace what is there: %w", err)
	case c.Subject.CommonName != server.Authority:
		return nil, fmt.Errorf("--ca would replace what is there: %s has another certificate, of %q", name, c.Subject.CommonName)
	}
	return config, os.WriteFile(name, authority, 0o600)
}

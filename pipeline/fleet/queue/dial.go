package queue

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/nats-io/nats.go"

	"rollcall/tenant/disk"
)

// TLS names the files of certificates and keys, in PEM.
type TLS struct {
	Cert, Key string // of this side; a client needs none unless the server asks for it
	CA        string // whom to trust; "" trusts whom the system does
	ClientCA  string // of a server: every client and peer has to have a certificate of it; "" asks for none
}

// dialer returns how the server of o is dialled.
func (o *Options) dialer() (dialer, error) {
	secure := o.TLS.CA != ""
	for name := range strings.SplitSeq(o.URL, ",") {
		u, err := url.Parse(strings.TrimSpace(name))
		switch {
		case err != nil || u.Hostname() == "" || u.Scheme != "tls" && u.Scheme != "nats":
			return nil, errors.New("want a URL such as tls://fleet.example.com:4233")
		case u.User != nil:
			return nil, errors.New("its URL holds credentials")
		case u.Scheme == "tls":
			secure = true
		case !loopback(u.Hostname()):
			return nil, fmt.Errorf("nats://%s is not encrypted, and for this machine alone: want tls://", u.Host)
		}
	}
	settings := []nats.Option{nats.Token(o.Token)}
	if secure {
		c, err := o.TLS.client()
		if err != nil {
			return nil, err
		}
		settings = append(settings, nats.Secure(c))
	}
	return func(more ...nats.Option) (*nats.Conn, error) {
		c, err := nats.Connect(o.URL, append(settings, more...)...)
		if errors.Is(err, nats.ErrAuthorization) && o.Token == "" {
			err = errNoToken
		}
		return c, err
	}, nil
}

// client returns what a client does TLS with.
func (t *TLS) client() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	var err error
	if t.CA != "" {
		if c.RootCAs, err = pool(t.CA); err != nil {
			return nil, err
		}
	}
	if t.Cert != "" || t.Key != "" {
		p := &keyPair{cert: t.Cert, key: t.Key}
		if err := p.read(); err != nil {
			return nil, err
		}
		c.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return p.get(), nil }
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return p.get(), nil }
	}
	return c, nil
}

// server returns what a server does TLS with, to clients and peers.
func (t *TLS) server() (*tls.Config, error) {
	c, err := t.client()
	if err == nil && t.ClientCA != "" {
		c.ClientAuth = tls.RequireAndVerifyClientCert
		c.ClientCAs, err = pool(t.ClientCA)
	}
	return c, err
}

// pool reads certificates of authorities.
func pool(name string) (*x509.CertPool, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read the authority %q: %w", name, disk.Cause(err))
	}
	p := x509.NewCertPool()
	if !p.AppendCertsFromPEM(b) {
		return nil, fmt.Errorf("authority %q: no certificate in PEM", name)
	}
	return p, nil
}

// loopback reports whether a host is this machine, without asking anyone.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// errNoToken is why a client without a token is refused.
var errNoToken = errors.New("the server wants a token")

// refused reports whether err says that the two sides do not want each other, which
// another attempt won't change.
func refused(err error) bool {
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	e, ok := errors.AsType[*net.OpError](err)
	alert := ok && e.Op == "remote error"
	return certificate || alert || errors.Is(err, errNoToken) || errors.Is(err, nats.ErrAuthorization) || errors.Is(err, nats.ErrSecureConnWanted) || errors.Is(err, nats.ErrSecureConnRequired)
}

// cause returns err in words for people who do not know the engine.
func cause(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, nats.ErrAuthorization):
		return errors.New("the server does not accept the token")
	case errors.Is(err, nats.ErrSecureConnWanted):
		return errors.New("the server has no TLS")
	case errors.Is(err, nats.ErrNoServers), errors.Is(err, nats.ErrReconnectBufExceeded):
		return errors.New("there is no server to be reached")
	case errors.Is(err, nats.ErrTimeout), errors.Is(err, nats.ErrNoResponders):
		return errors.New("the server does not answer")
	}
	return err
}

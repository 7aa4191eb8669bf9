package queue

import (
	"os"
	"testing"
)

// A server and a client go on with certificates that were renewed, and with the old ones as
// long as the new ones can't be read.
func TestRenewedCertificates(t *testing.T) {
	t.Parallel()
	c, renewed := certificates(t), certificates(t)
	strict := c.server
	strict.ClientCA = c.server.CA
	s := serve(t, ServerOptions{TLS: strict})
	dial := func(ca string) error {
		q, err := Connect(t.Context(), Options{URL: s.URL(), TLS: TLS{CA: ca, Cert: c.client.Cert, Key: c.client.Key}})
		if err == nil {
			q.Close()
		}
		return err
	}
	check(t, dial(c.server.CA))
	replace := func(to, from string) {
		b, err := os.ReadFile(from)
		check(t, err)
		check(t, os.WriteFile(to, b, 0o600))
	}
	replace(c.server.Cert, renewed.server.Cert) // and not its key
	check(t, dial(c.server.CA))
	replace(c.server.Key, renewed.server.Key)
	says(t, dial(c.server.CA), "certificate signed by unknown authority")
	check(t, dial(renewed.server.CA))

	p := &keyPair{cert: c.client.Cert, key: c.client.Key}
	check(t, p.read())
	was := p.get()
	check(t, os.Remove(c.client.Key))
	if p.get() != was {
		t.Error("another pair while there is no key")
	}
	replace(c.client.Cert, renewed.client.Cert)
	replace(c.client.Key, renewed.client.Key)
	if p.get() == was {
		t.Error("the pair of files that were replaced is used")
	}
}

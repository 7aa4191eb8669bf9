package queue

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A client and a server that do not want each other say so at once, each in words that
// tell what to do, without the secret.
func TestConnectRefused(t *testing.T) {
	t.Parallel()
	c, foreign := certificates(t), certificates(t)
	withTLS := serve(t, ServerOptions{TLS: c.server, Token: "s3cret"})
	strict := c.server
	strict.ClientCA = c.server.CA
	withClients := serve(t, ServerOptions{TLS: strict})
	plain := serve(t, ServerOptions{Token: "s3cret"})
	trust := TLS{CA: c.server.CA}

	dialed(t, Options{URL: withTLS.URL(), TLS: trust, Token: "s3cret"})
	dialed(t, Options{URL: strings.Replace(withTLS.URL(), "tls:", "nats:", 1), TLS: trust, Token: "s3cret"})
	dialed(t, Options{URL: withClients.URL(), TLS: c.client})
	dialed(t, Options{URL: plain.URL(), Token: "s3cret"})
	for _, s := range []*Server{withTLS, withClients, plain} {
		q, err := s.Connect(t.Context())
		check(t, err)
		q.Close()
	}
	for _, test := range []struct {
		o    Options
		want string
	}{
		{Options{URL: withTLS.URL(), Token: "s3cret"}, "certificate signed by unknown authority"},
		{Options{URL: withTLS.URL(), Token: "s3cret", TLS: TLS{CA: foreign.server.CA}}, "certificate signed by unknown authority"},
		{Options{URL: strings.Replace(withTLS.URL(), "tls:", "nats:", 1), Token: "s3cret"}, "certificate signed by unknown authority"},
		{Options{URL: withTLS.URL(), TLS: trust, Token: "wr0ng"}, "the server does not accept the token"},
		{Options{URL: withTLS.URL(), TLS: trust}, "the server wants a token"},
		{Options{URL: plain.URL(), Token: "wr0ng"}, "the server does not accept the token"},
		{Options{URL: plain.URL()}, "the server wants a token"},
		{Options{URL: strings.Replace(plain.URL(), "nats:", "tls:", 1), Token: "s3cret"}, "the server has no TLS"},
		{Options{URL: withClients.URL(), TLS: trust}, "certificate required"},
		{Options{URL: withClients.URL(), TLS: TLS{CA: c.client.CA, Cert: foreign.client.Cert, Key: foreign.client.Key}}, "certificate"},
		{Options{URL: "nats://fleet.example.com:4233", Token: "s3cret"}, "nats://fleet.example.com:4233 is not encrypted"},
		{Options{URL: "nats://127.0.0.1:1,nats://10.0.0.1:4233"}, "nats://10.0.0.1:4233 is not encrypted"},
		{Options{URL: "tls://user:s3cret@127.0.0.1:1"}, "its URL holds credentials"},
		{Options{URL: "http://127.0.0.1:1"}, "want a URL such as tls://"},
		{Options{URL: "127.0.0.1:1"}, "want a URL such as tls://"},
		{Options{}, "want a URL such as tls://"},
		{Options{URL: withTLS.URL(), TLS: TLS{CA: "none.pem"}}, `read the authority "none.pem": no such file`},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		q, err := Connect(ctx, test.o)
		if err == nil {
			q.Close()
		}
		says(t, err, "connect to ", test.want)
		if ctx.Err() != nil {
			t.Errorf("%s: it was tried again and again", test.want)
		}
		if err != nil && (strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "wr0ng")) {
			t.Errorf("the token is in %v", err)
		}
		cancel()
	}
}

// A server that is not there yet is waited for, as long as there is time.
func TestConnectWaits(t *testing.T) {
	t.Parallel()
	at := ports(t, 1)[0]
	ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	_, err := Connect(ctx, Options{URL: "nats://" + at})
	says(t, err, "connect to nats://"+at+": there is no server to be reached")
	came := make(chan error)
	go func() {
		q, err := Connect(t.Context(), Options{URL: "nats://" + at})
		if err == nil {
			q.Close()
		}
		came <- err
	}()
	time.Sleep(500 * time.Millisecond)
	serve(t, ServerOptions{Listen: at})
	check(t, <-came)
}

// A server that can't answer right now is asked again, whichever part of its client says so.
func TestAway(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]bool{503: true, 500: true, 400: false, 404: false} {
		for _, err := range []error{&nats.APIError{Code: code}, &jetstream.APIError{Code: code}} {
			if away(err) != want {
				t.Errorf("away(%v) = %v", err, !want)
			}
		}
	}
}

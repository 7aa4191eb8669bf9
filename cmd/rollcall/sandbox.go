package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"rollcall/tenant/sandbox"
	"rollcall/tenant/sandbox/server"
)

// The environment variables that hold an application's secrets.
const (
	secretVariable   = "AZURE_CLIENT_SECRET"
	passwordVariable = "AZURE_CLIENT_CERTIFICATE_PASSWORD"
)

func (a *app) sandbox() *cobra.Command {
	c := &cobra.Command{
		Use:   "sandbox",
		Short: "Run a test tenant on this machine",
		Args:  noCommand,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.serve())
	return c
}

// serveFlags are the flags of sandbox serve.
type serveFlags struct {
	listen      string
	faults      []string
	tls         bool
	ca          string
	tlsCert     string
	tlsKey      string
	certificate string
	console     consoleFlags
	stale       time.Duration
	server      server.Server
}

func (a *app) serve() *cobra.Command {
	var f serveFlags
	c := &cobra.Command{
		Use:   "serve [FILE.csv]",
		Short: "Serve a sandbox tenant over HTTP, with the faults that you choose",
		Long: `serve speaks the protocols of Exchange Online and Viva Insights, so that you can try
--tenant exchange without Microsoft 365. It produces the faults that you choose.`,
		Example: `  rollcall sandbox serve
  rollcall sandbox serve tenant.csv --listen 127.0.0.1:8080 --latency 50ms
  rollcall sandbox serve --rate 20 --burst 5 --retry-after 1s --fault 503:0.02 --fault lost:0.01
  rollcall sandbox serve --listen 127.0.0.1:8443 --tls --ca ca.pem --token-lifetime 1m`,
		Annotations: more(`The server prints its address on standard output and, after an interrupt, the number of
calls of each kind. It has InvokeCommand and $batch of Exchange Online and, for the nouns
of Viva Insights, autodiscover and a GET or PATCH for each cmdlet. The reads of
MyAnalyticsFeatureConfig and VivaInsightsSettings are the same GET, which is counted as
"GET settings". Microsoft's own module can connect to the server if the host name of the
module's service resolves to this machine, the port is 443, and the machine trusts the
certificate in --tls-cert and --tls-key.

The users are those of FILE.csv, which has the columns UserPrincipalName, Licensed and
one for each property. The file is written back at the end. Until then, each change is
written to FILE.csv.changes before its reply is sent, so that no change is lost if the
server is killed: the next run with FILE.csv reads them. Without FILE.csv every user
exists, has a license and is opted in.

The server accepts the token in `+tokenVariable+` or, if that is not set, any token.
With --require-issued it accepts neither.

It also issues tokens, as Entra ID does: to a client that has the secret in
`+secretVariable+` (any secret if that is not set), to one that signs with the key of
--client-certificate, and to a device, whose code it approves itself. It accepts these
tokens until they expire. Clients ask for tokens over https only: use --tls. On Linux,
they trust the authority in the file of --ca if SSL_CERT_FILE names that file. For a
server started as in the last example, and a secret in AZURE_CLIENT_SECRET:

  export SSL_CERT_FILE=ca.pem AZURE_AUTHORITY_HOST=https://127.0.0.1:8443
  export AZURE_CLIENT_ID=22222222-3333-4444-5555-666666666666
  rollcall apply users.csv --privacy-mode opt-out -o results.csv --auth secret \
      --tenant exchange --endpoint https://127.0.0.1:8443 --organization 11111111-2222-3333-4444-555555555555

Faults:
`+server.FaultHelp(), meaning{exitOK, "it served until it was interrupted"},
			meaning{exitError, "it could not serve, or could not save its users"}, meansWrong),
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return f.serve(a, args) },
	}
	fs := c.Flags()
	s := &f.server
	fs.StringVar(&f.listen, "listen", "127.0.0.1:0", "`ADDRESS` to listen on; port 0 for any free port")
	fs.BoolVar(&f.tls, "tls", false, "serve https, with a new certificate for this machine")
	fs.StringVar(&f.ca, "ca", "", "with --tls: write the authority that clients must trust to this `FILE`")
	fs.StringVar(&f.tlsCert, "tls-cert", "", "serve https with the certificate, and its chain, in this `FILE` (PEM)")
	fs.StringVar(&f.tlsKey, "tls-key", "", "the key of --tls-cert, in this `FILE` (PEM)")
	fs.StringVar(&s.Organization, "organization", "", "issue tokens for the tenant with this `GUID` only")
	fs.StringVar(&f.certificate, "client-certificate", "", "issue tokens only for assertions signed with the key of the certificate in this `FILE` (PEM)")
	fs.IntVar(&s.DevicePolls, "device-polls", 0, "approve the code of a device after the device has asked `N` times")
	fs.DurationVar(&s.TokenLifetime, "token-lifetime", time.Hour, "let tokens expire after this `DURATION`")
	fs.BoolVar(&s.RequireIssued, "require-issued", false, "accept only tokens that this server issued")
	fs.DurationVar(&s.Latency, "latency", 0, "wait this `DURATION` before each reply")
	fs.DurationVar(&s.Jitter, "jitter", 0, "wait up to this `DURATION` more, at random")
	fs.Float64Var(&s.Rate, "rate", 0, "allow `N` cmdlets a second; no reply names this limit")
	fs.BoolVar(&s.ShowRate, "show-rate", false, "send Rate-Limit-Remaining and Rate-Limit-Reset with replies to cmdlets that are not in a batch")
	fs.IntVar(&s.Burst, "burst", 0, "allow a burst of `N` cmdlets after a pause")
	fs.DurationVar(&s.RetryAfter, "retry-after", 0, "send this `DURATION` as Retry-After to throttled clients; 0 to send none")
	fs.IntVar(&s.MaxConcurrent, "max-concurrent", 0, "allow `N` requests at once")
	fs.StringArrayVar(&f.faults, "fault", nil, "`NAME:PROBABILITY` of a fault; can be repeated")
	fs.DurationVar(&f.stale, "stale", 0, "return the old value for this `DURATION` after a write")
	fs.Uint64Var(&s.Seed, "seed", 1, "seed of the random faults, a `NUMBER`")
	f.console.add(fs)
	return c
}

func (f *serveFlags) serve(a *app, args []string) (err error) {
	// Nearly all memory is free after a request: with the usual 100, a fifth of the
	// time goes into garbage collection.
	debug.SetGCPercent(400)
	s := &f.server
	switch {
	case min(s.Latency, s.Jitter, s.RetryAfter, f.stale, s.TokenLifetime) < 0 || s.Rate < 0 || min(s.Burst, s.MaxConcurrent, s.DevicePolls) < 0:
		return usage(errors.New("a flag has a negative value: want 0 or more"))
	case f.ca != "" && !f.tls:
		return usage(errors.New("--ca needs --tls"))
	case (f.tlsCert == "") != (f.tlsKey == ""):
		return usage(errors.New("--tls-cert and --tls-key need each other"))
	case f.tls && f.tlsCert != "":
		return usage(errors.New("--tls makes a certificate, --tls-cert names one: want one of them"))
	}
	if s.Faults, err = server.ParseFaults(f.faults...); err != nil {
		return usage(err)
	}
	if err := s.Check(); err != nil {
		return usage(err)
	}
	log, err := f.console.start(a)
	if err != nil {
		return err
	}
	s.Log = log
	s.Token = strings.TrimSpace(os.Getenv(tokenVariable))
	s.ClientSecret = os.Getenv(secretVariable)
	if f.certificate != "" {
		if s.ClientCertificate, err = readCertificate(f.certificate); err != nil {
			return err
		}
	}
	s.Tenant = sandbox.New()
	if len(args) == 1 {
		if s.Tenant, err = sandbox.Load(args[0]); err != nil {
			return err
		}
	}
	s.Tenant.Stale = f.stale
	web := &http.Server{Handler: s, ReadHeaderTimeout: time.Minute, ErrorLog: zap.NewStdLog(log)}
	listener, err := net.Listen("tcp", f.listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", f.listen, err)
	}
	serve, scheme := web.Serve, "http"
	if f.tls || f.tlsCert != "" {
		scheme = "https"
		serve = func(l net.Listener) error { return web.ServeTLS(l, "", "") }
		if web.TLSConfig, err = f.tlsConfig(); err != nil {
			listener.Close()
			return err
		}
	}

	interrupts := watch(a.console, stopTimeout)
	interrupts.says(func() string { return "finishing the requests in progress" })
	defer interrupts.end()
	served := make(chan error, 1)
	go func() { served <- serve(listener) }()
	fmt.Fprintf(a.out, "%s://%s\n", scheme, listener.Addr())
	select {
	case err = <-served:
	case <-interrupts.stop:
		s.Close() // ends requests that hang because of a fault
		err = shutdown(interrupts.ctx, web)
	}
	fmt.Fprint(a.out, s.Counts())
	if serr := s.Tenant.Save(); err == nil {
		err = serr
	}
	return err
}

// tlsConfig returns the TLS configuration of the server.
func (f *serveFlags) tlsConfig() (*tls.Config, error) {
	if f.tls {
		return makeTLS(f.ca)
	}
	pair, err := tls.LoadX509KeyPair(f.tlsCert, f.tlsKey)
	if err != nil {
		return nil, fmt.Errorf("--tls-cert: %w", err)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2", "http/1.1"}}, nil
}

// shutdown stops the server. Requests in progress may end within five seconds.
func shutdown(ctx context.Context, server *http.Server) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		err = server.Close()
	}
	return err
}

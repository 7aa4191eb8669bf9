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
		Short: "A tenant of your own, to try things on",
		Args:  noCommand,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.serve())
	return c
}

// serveFlags are the sandbox server's.
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
		Short: "Serve a sandbox tenant over HTTP, with faults to order",
		Long: `serve speaks the protocols of Exchange Online and Viva Insights, so that the exchange
tenant can be tried without Microsoft 365, and brings about the faults that are ordered.`,
		Example: `  rollcall sandbox serve
  rollcall sandbox serve tenant.csv --listen 127.0.0.1:8080 --latency 50ms
  rollcall sandbox serve --rate 20 --burst 5 --retry-after 1s --fault 503:0.02 --fault lost:0.01
  rollcall sandbox serve --listen 127.0.0.1:8443 --tls --ca ca.pem --token-lifetime 1m`,
		Annotations: more(`It prints its address on standard output and, when it is interrupted, the counts of
what it was asked. The protocols are those of InvokeCommand and $batch; and, for the
nouns of Viva Insights, of autodiscover and a GET or PATCH for each cmdlet. Those of
MyAnalyticsFeatureConfig and VivaInsightsSettings are one GET, which is counted as
"GET settings". Microsoft's own module can connect to it, where its host name leads
here, on port 443, with a certificate that the machine trusts: --tls-cert and
--tls-key.

The users are those of FILE.csv, with columns UserPrincipalName, Licensed and one
for each property; it is written back at the end. Until then each change is kept in
FILE.csv.changes before its reply is sent, so that none is lost if the server is
killed: the next run with FILE.csv finds them. Without FILE.csv every user is known,
licensed and opted in.

The token that is accepted is the one in `+tokenVariable+`; if that is not set,
any token is; with --require-issued, neither.

It issues tokens too, as Entra ID does: to who has the client secret in `+secretVariable+`
(if that is not set, any) or signs with the key of --client-certificate, and to a
device, whose code it approves by itself. These are accepted until they expire.
Clients ask for tokens over https only, which --tls is for: they trust the authority
in the file that --ca names if SSL_CERT_FILE does (on Linux). For a server started as
in the last example, and a secret in AZURE_CLIENT_SECRET:

  export SSL_CERT_FILE=ca.pem AZURE_AUTHORITY_HOST=https://127.0.0.1:8443
  export AZURE_CLIENT_ID=22222222-3333-4444-5555-666666666666
  rollcall apply users.csv --privacy-mode opt-out -o results.csv --auth secret \
      --tenant exchange --endpoint https://127.0.0.1:8443 --organization 11111111-2222-3333-4444-555555555555

Faults:
`+server.FaultHelp(), meaning{exitOK, "it served until it was interrupted"},
			meaning{exitError, "it could not serve, or not save its users"}, meansWrong),
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return f.serve(a, args) },
	}
	fs := c.Flags()
	s := &f.server
	fs.StringVar(&f.listen, "listen", "127.0.0.1:0", "`ADDRESS` to listen on; port 0 for any that is free")
	fs.BoolVar(&f.tls, "tls", false, "serve https, with a certificate for this machine that is made at the start")
	fs.StringVar(&f.ca, "ca", "", "with --tls: write to this `FILE` the authority that clients are to trust")
	fs.StringVar(&f.tlsCert, "tls-cert", "", "serve https with the certificate in this `FILE` (PEM), and those that vouch for it")
	fs.StringVar(&f.tlsKey, "tls-key", "", "and its key in this `FILE` (PEM)")
	fs.StringVar(&s.Organization, "organization", "", "know no tenant but the one of this `GUID` when asked for a token")
	fs.StringVar(&f.certificate, "client-certificate", "", "give tokens only for assertions that are signed by the key of the certificate in this `FILE` (PEM)")
	fs.IntVar(&s.DevicePolls, "device-polls", 0, "approve a device's code after it was asked for `N` times")
	fs.DurationVar(&s.TokenLifetime, "token-lifetime", time.Hour, "let tokens expire after this `DURATION`")
	fs.BoolVar(&s.RequireIssued, "require-issued", false, "accept only tokens that were issued here")
	fs.DurationVar(&s.Latency, "latency", 0, "take this `DURATION` for each reply")
	fs.DurationVar(&s.Jitter, "jitter", 0, "and up to this `DURATION` more")
	fs.Float64Var(&s.Rate, "rate", 0, "allow `N` cmdlets a second, without announcing it")
	fs.IntVar(&s.Burst, "burst", 0, "allow `N` cmdlets at once after a rest")
	fs.DurationVar(&s.RetryAfter, "retry-after", 0, "tell those who are too fast to wait for this `DURATION`; 0 for not telling them")
	fs.IntVar(&s.MaxConcurrent, "max-concurrent", 0, "allow `N` requests at once")
	fs.StringArrayVar(&f.faults, "fault", nil, "`NAME:PROBABILITY` of a fault; can be repeated")
	fs.DurationVar(&f.stale, "stale", 0, "let reads lag this `DURATION` behind writes")
	fs.Uint64Var(&s.Seed, "seed", 1, "`NUMBER` that the random faults are drawn from")
	f.console.add(fs)
	return c
}

func (f *serveFlags) serve(a *app, args []string) (err error) {
	// Little lives longer than a request, so that with the usual 100 a fifth of
	// the time goes into collecting garbage.
	debug.SetGCPercent(400)
	s := &f.server
	switch {
	case min(s.Latency, s.Jitter, s.RetryAfter, f.stale, s.TokenLifetime) < 0 || s.Rate < 0 || min(s.Burst, s.MaxConcurrent, s.DevicePolls) < 0:
		return usage(errors.New("want no flag below 0"))
	case f.ca != "" && !f.tls:
		return usage(errors.New("--ca needs --tls"))
	case (f.tlsCert == "") != (f.tlsKey == ""):
		return usage(errors.New("--tls-cert and --tls-key need each other"))
	case f.tls && f.tlsCert != "":
		return usage(errors.New("--tls makes a certificate, and --tls-cert names one: want one of the two"))
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
	interrupts.says(func() string { return "letting requests in progress end" })
	defer interrupts.end()
	served := make(chan error, 1)
	go func() { served <- serve(listener) }()
	fmt.Fprintf(a.out, "%s://%s\n", scheme, listener.Addr())
	select {
	case err = <-served:
	case <-interrupts.stop:
		s.Close() // lets go of those who hang
		err = shutdown(interrupts.ctx, web)
	}
	fmt.Fprint(a.out, s.Counts())
	if serr := s.Tenant.Save(); err == nil {
		err = serr
	}
	return err
}

// tlsConfig returns what the server needs for https.
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

// shutdown lets requests in progress end, for a while.
func shutdown(ctx context.Context, server *http.Server) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		err = server.Close()
	}
	return err
}

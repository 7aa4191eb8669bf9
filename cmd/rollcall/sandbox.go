package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"rollcall/tenant/sandbox"
)

func (a *app) sandbox() *cobra.Command {
	c := &cobra.Command{
		Use:   "sandbox",
		Short: "A tenant of your own, to try things on",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.serve())
	return c
}

// serveFlags are the sandbox server's.
type serveFlags struct {
	listen string
	faults []string
	talk   talkFlags
	server sandbox.Server
}

func (a *app) serve() *cobra.Command {
	var f serveFlags
	c := &cobra.Command{
		Use:   "serve [FILE.csv]",
		Short: "Serve a sandbox tenant over HTTP, with faults to order",
		Long: `serve speaks the protocol that Exchange Online speaks (InvokeCommand), so that the
exchange tenant can be tried without Microsoft 365. It prints its address on
standard output, and when it is interrupted the counts of what it was asked.

The users are those of FILE.csv, with columns UserPrincipalName, Licensed and one
for each property; it is written back at the end. Without FILE.csv every user is
known, licensed and opted in.

The token that is accepted is the one in ` + tokenVariable + `; if that is not set,
any token is.

Faults:
` + sandbox.FaultHelp(),
		Example: `  rollcall sandbox serve
  rollcall sandbox serve tenant.csv --listen 127.0.0.1:8080 --latency 50ms
  rollcall sandbox serve --rate 20 --burst 5 --retry-after 1s --fault 503:0.02 --fault lost:0.01`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return f.serve(a, args) },
	}
	fs := c.Flags()
	s := &f.server
	fs.StringVar(&f.listen, "listen", "127.0.0.1:0", "`ADDRESS` to listen on; port 0 for any that is free")
	fs.DurationVar(&s.Latency, "latency", 0, "take this `DURATION` for each reply")
	fs.DurationVar(&s.Jitter, "jitter", 0, "and up to this `DURATION` more")
	fs.Float64Var(&s.Rate, "rate", 0, "allow `N` cmdlets a second, without announcing it")
	fs.IntVar(&s.Burst, "burst", 0, "allow `N` cmdlets at once after a rest")
	fs.DurationVar(&s.RetryAfter, "retry-after", 0, "tell those who are too fast to wait for this `DURATION`; 0 for not telling them")
	fs.IntVar(&s.MaxConcurrent, "max-concurrent", 0, "allow `N` requests at once")
	fs.StringArrayVar(&f.faults, "fault", nil, "`NAME:PROBABILITY` of a fault; can be repeated")
	fs.DurationVar(&s.Stale, "stale", 0, "let reads lag this `DURATION` behind writes")
	fs.Uint64Var(&s.Seed, "seed", 1, "`NUMBER` that the random faults are drawn from")
	f.talk.add(fs)
	return c
}

func (f *serveFlags) serve(a *app, args []string) (err error) {
	s := &f.server
	if min(s.Latency, s.Jitter, s.RetryAfter, s.Stale) < 0 || s.Rate < 0 || min(s.Burst, s.MaxConcurrent) < 0 {
		return usage(errors.New("want no flag below 0"))
	}
	if f.server.Faults, err = sandbox.ParseFaults(f.faults...); err != nil {
		return usage(err)
	}
	log, err := f.talk.start(a)
	if err != nil {
		return err
	}
	f.server.Log = log
	f.server.Token = strings.TrimSpace(os.Getenv(tokenVariable))
	f.server.Tenant = sandbox.New()
	if len(args) == 1 {
		if f.server.Tenant, err = sandbox.Load(args[0]); err != nil {
			return err
		}
	}
	listener, err := net.Listen("tcp", f.listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", f.listen, err)
	}

	interrupts := watch(a.console)
	interrupts.says(func() string { return "letting requests in hand end" })
	defer interrupts.end()
	server := &http.Server{Handler: &f.server, ReadHeaderTimeout: time.Minute, ErrorLog: zap.NewStdLog(log)}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	fmt.Fprintf(a.out, "http://%s\n", listener.Addr())
	select {
	case err = <-served:
	case <-interrupts.stop:
		f.server.Close() // lets go of those who hang
		err = shutdown(interrupts.ctx, server)
	}
	fmt.Fprint(a.out, f.server.Counts())
	if serr := f.server.Tenant.Save(); err == nil {
		err = serr
	}
	return err
}

// shutdown lets requests in hand end, for a while.
func shutdown(ctx context.Context, server *http.Server) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		err = server.Close()
	}
	return err
}

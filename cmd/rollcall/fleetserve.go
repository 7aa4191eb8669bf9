package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rollcall/pipeline/fleet/queue"
)

// fleetListen is where a fleet server listens unless said otherwise.
const fleetListen = "127.0.0.1:4233"

// fleetServeFlags are those of fleet serve.
type fleetServeFlags struct {
	store, listen string
	node          int
	peers         []string
	auth          fleetAuthFlags
	keep          days
	health        healthFlags
	console       consoleFlags
}

func (a *app) fleetServe() *cobra.Command {
	f := fleetServeFlags{keep: days(30 * 24 * time.Hour)}
	c := &cobra.Command{
		Use:   "serve",
		Short: "Keep the jobs, rosters and results of fleets for workers on any number of machines",
		Long: `serve keeps fleets that submit sends to it, gives their tenants to workers (fleet work),
and has the results. It runs until it is interrupted; one node, or a cluster of three or five.`,
		Example: `  rollcall fleet serve --store /var/lib/rollcall/fleet
  rollcall fleet serve --store /var/lib/rollcall/fleet --listen 0.0.0.0:4233 \
      --tls-cert server.pem --tls-key server.key --token-file /etc/rollcall/token
  rollcall fleet serve --store /var/lib/rollcall/fleet --listen 0.0.0.0:4233 --node 1 --peers a:4234,b:4234,c:4234 \
      --tls-cert server.pem --tls-key server.key --tls-ca ca.pem --token-file /etc/rollcall/token`,
		Annotations: more(`It prints the URL for --server of the other commands on standard output. On a machine of
its own it needs nothing else; where others have accounts it needs a token, or each of
them can read what is there and submit. Beyond loopback it needs a certificate and a
token, which workers and all who submit have to show; --tls-client-ca asks for a
certificate as well.

The store holds personal data: rosters and results. Only the account of the server can
read it; keep it on a local disk, not on NFS or SMB. With one node, what is in the store
is lost with its disk. Three nodes go on when one is lost, five when two are: each has
--peers with the addresses of all, in the same order, and --node with its own place among
them. A directory of anything else than a store is refused.

Workers that are at it when the server is stopped go on, and come back to it. When its
disk is full it ends with 1, and loses nothing: make room, and start it again.`,
			meaning{exitOK, "it served until it was interrupted"},
			meaning{exitError, "it could not serve: the address, the store or a certificate can't be used; or it could no longer: the disk of the store is full, or broken"}, meansWrong,
			meaning{exitHeld, "another process serves the store"}),
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return f.run(a) },
	}
	grouped(c.Flags(), "The store", func(fs *pflag.FlagSet) {
		fs.StringVar(&f.store, "store", "", "keep everything in this `DIR`, which is made if need be")
		fs.Var(&f.keep, "keep", "remove fleets that ended longer than this `TIME` ago, such as 30d or 12h; 0 for never")
	})
	grouped(c.Flags(), "The server", func(fs *pflag.FlagSet) {
		fs.StringVar(&f.listen, "listen", fleetListen, "`ADDRESS` to listen on for workers and the other commands; port 0 for any free port")
		fs.IntVar(&f.node, "node", 0, "this is node `N` of --peers, from 1")
		fs.StringSliceVar(&f.peers, "peers", nil, "the `ADDRESSES` at which the nodes of a cluster, three or five, listen for each other")
		fs.StringVar(&f.auth.tls.Cert, "tls-cert", "", "the server's certificate, and its chain, in this `FILE` (PEM)")
		fs.StringVar(&f.auth.tls.Key, "tls-key", "", "the key of --tls-cert, in this `FILE` (PEM)")
		fs.StringVar(&f.auth.tls.CA, "tls-ca", "", "trust nodes whose certificates are of an authority in this `FILE` (PEM) (default: the authorities of the system)")
		fs.StringVar(&f.auth.tls.ClientCA, "tls-client-ca", "", "accept only clients with a certificate of an authority in this `FILE` (PEM)")
		f.auth.addToken(fs)
	})
	grouped(c.Flags(), "Messages", f.console.add)
	grouped(c.Flags(), "Monitoring", f.health.add)
	return c
}

// check returns an error if the flags contradict each other.
func (f *fleetServeFlags) check() error {
	switch n := len(f.peers); {
	case f.store == "":
		return usage(errors.New("no store: want --store DIR"))
	case f.keep < 0:
		return usage(fmt.Errorf("--keep %v: want 0 (for ever) or more", &f.keep))
	case n == 0 && f.node != 0:
		return usage(errors.New("--node needs --peers"))
	case n > 0 && (f.node < 1 || f.node > n):
		return usage(fmt.Errorf("--node %d: want 1 to %d, the place of this node in --peers", f.node, n))
	case n > 0 && (n < 3 || n%2 == 0):
		return usage(fmt.Errorf("--peers has %d: want three nodes, or five, or none for a single one", n))
	}
	return f.auth.check()
}

// run serves until it is interrupted.
func (f *fleetServeFlags) run(a *app) error {
	if err := f.check(); err != nil {
		return err
	}
	log, err := f.console.service(a)
	if err != nil {
		return err
	}
	token, err := f.auth.token()
	if err != nil {
		return err
	}
	if err := f.checkBeyond(token); err != nil {
		return err
	}
	i := watch(a.console, stopTimeout)
	defer i.end()
	if !f.console.quiet {
		i.says(func() string { return "closing the store" })
	}
	if err := checkStoreDir(a, f.store); err != nil {
		return err
	}
	s, err := queue.Serve(i.ctx, queue.ServerOptions{Dir: f.store, Listen: f.listen, Node: f.node, Peers: f.peers, TLS: f.auth.tls,
		Token: token, Keep: time.Duration(f.keep), Log: log})
	if err != nil {
		return storeError(err)
	}
	server := &fleetServer{s: s, url: reachable(s.URL())}
	stopHealth, err := f.health.serve(log, s.Ready, server.metrics)
	if err == nil {
		fmt.Fprintln(a.out, server.url)
		f.greet(a, server.url, token != "")
		err = server.await(i.stop, log)
		stopHealth()
		if err != nil { // to close the store would be to write to it
			return storeError(err)
		}
	}
	closed := make(chan struct{})
	go func() { server.close(); close(closed) }()
	select {
	case <-closed:
	case <-i.ctx.Done(): // what was acknowledged is on the disk
		return &exit{status: i.status()}
	}
	return err
}

// greet says where the server is, and how the others reach it.
func (f *fleetServeFlags) greet(a *app, url string, token bool) {
	a.console.Say("fleet server on %s; the store is %s", url, f.store)
	how := "rollcall fleet work --server " + url
	if f.auth.tls.Cert != "" {
		how += " --tls-ca FILE"
	}
	if f.auth.tls.ClientCA != "" {
		how += " --tls-cert FILE --tls-key FILE"
	}
	if token {
		how += " --token-file FILE"
	}
	a.console.Say("workers: %s", how)
	if !token && f.auth.tls.ClientCA == "" {
		a.console.Warn("warning: no token: every account of this machine can read the rosters and results, and submit fleets, which workers do with their profiles; --token-file FILE asks for one")
	}
}

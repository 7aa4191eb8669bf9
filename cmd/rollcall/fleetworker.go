package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rollcall/pipeline/fleet/work"
)

// fleetWorkFlags are those of fleet work.
type fleetWorkFlags struct {
	server      fleetServerFlags
	slots       int
	dir         string
	stopTimeout time.Duration
	health      healthFlags
	console     consoleFlags
}

func (a *app) fleetWork() *cobra.Command {
	var f fleetWorkFlags
	c := &cobra.Command{
		Use:   "work",
		Short: "Work on the tenants of fleets that a fleet server has, on any number of machines",
		Long: `work takes tenants of fleets from a fleet server and runs them here, several at once,
with the profiles of this machine. It dials out, and runs until it is interrupted.`,
		Example: `  rollcall fleet work --server nats://127.0.0.1:4233
  rollcall fleet work --server tls://fleet.contoso.com:4233 --token-file /etc/rollcall/token --slots 8 \
      --config /etc/rollcall/rollcall.yaml
  rollcall fleet work --server tls://a:4233,tls://b:4233,tls://c:4233 --tls-ca ca.pem --token-file token \
      --metrics-listen 127.0.0.1:9233 --log-format json`,
		Annotations: more(`A worker needs no disk that lasts: it has the roster of a tenant from the server, writes
the journal to it as it goes, and leaves the results there. When it is lost, another
worker goes on where it was, after the takeover time of the fleet.

Credentials are never on the server: each worker finds the profile that a tenant names
in its own file (--config), with certificates and secrets of its own. A tenant whose
profile it does not have, or has for another tenant, it hands back to others. Files that
flags name, ROLLCALL_ variables and the state of the pace are those of this machine, too.

The first interrupt finishes the rows in progress, for as long as --stop-timeout says,
and hands the tenants back at once; the second, or the end of that time, stops at once.`,
			meaning{exitOK, "it worked until it was interrupted, and handed back what it had"},
			meaning{exitError, "the server can't be reached or does not accept the token; the directory can't be used"}, meansWrong,
			meaning{exitInterrupted, "interrupted, and stopped at once: rows in progress have no result yet"},
			meaning{exitTerminated, "terminated, and stopped at once: rows in progress have no result yet"}),
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return f.run(a) },
	}
	f.server.add(c.Flags())
	grouped(c.Flags(), "Pace", func(fs *pflag.FlagSet) {
		fs.IntVar(&f.slots, "slots", 4, "work on at most `N` tenants at once")
		fs.DurationVar(&f.stopTimeout, "stop-timeout", stopTimeout, "finish rows in progress for this `DURATION`, at most, after an interrupt; then stop at once")
	})
	grouped(c.Flags(), "Output", func(fs *pflag.FlagSet) {
		fs.StringVar(&f.dir, "dir", "", "keep rosters and results in this `DIR` while they are worked on (default one in the user's cache directory)")
	})
	grouped(c.Flags(), "Messages", f.console.add)
	grouped(c.Flags(), "Monitoring", f.health.add)
	return c
}

// maxSlots bounds the tenants that one process works on at once.
const maxSlots = 1000

// run works until it is interrupted.
func (f *fleetWorkFlags) run(a *app) error {
	switch {
	case f.slots < 1 || f.slots > maxSlots:
		return usage(fmt.Errorf("--slots %d: want 1 to %d", f.slots, maxSlots))
	case f.stopTimeout < 0:
		return usage(fmt.Errorf("--stop-timeout %v: want 0 (stop at once) or more", f.stopTimeout))
	}
	log, err := f.console.service(a)
	if err != nil {
		return err
	}
	dir, remove, err := f.directory()
	if err != nil {
		return err
	}
	defer remove()
	i := watch(a.console, f.stopTimeout)
	defer i.end()
	if !f.console.quiet {
		i.says(func() string { return "stopping" })
	}
	first, cancel := i.first()
	defer cancel()
	q, err := f.server.connect(first, log)
	if err != nil {
		return err
	}
	defer q.Close()
	w := &fleetWorker{app: a, log: log, slots: f.slots, interrupts: i, names: slices.Clip(flagNames(new(app).root()))}
	worker := &work.Worker{Queue: q, Name: workerName(), Slots: f.slots, Dir: dir, Remote: true,
		Prepare: w.prepare, Exit: w.exit, Observer: w, Log: log}
	stopHealth, err := f.health.serve(log, q.Ready, w.metrics)
	if err != nil {
		return err
	}
	defer stopHealth()
	a.console.Say("worker %s of %s: %d at once", worker.Name, masked(f.server.url), f.slots)
	if !f.console.quiet {
		i.says(w.stopping)
	}
	err = worker.Run(i.ctx, i.stop)
	if i.ctx.Err() != nil {
		return &exit{status: i.status(), err: errors.New(message(err))}
	}
	return err
}

// directory returns the directory for the files of jobs, which is made if need be, and
// what removes it if it is for this process alone.
func (f *fleetWorkFlags) directory() (dir string, remove func(), err error) {
	dir, remove = f.dir, func() {}
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil { // a service without a home; others can write to the temp directory
			if dir, err = os.MkdirTemp("", "rollcall-fleet-"); err != nil {
				return "", nil, err
			}
			return dir, func() { os.RemoveAll(dir) }, nil
		}
		dir = filepath.Join(cache, "rollcall", "fleet")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", nil, fmt.Errorf("--dir: %w", err)
	}
	return dir, remove, nil
}

// workerName returns a name for this process that no other worker has.
func workerName() string {
	host := hostName()
	if host == "" {
		host = "worker"
	}
	return fmt.Sprintf("%s-%d", host, os.Getpid())
}

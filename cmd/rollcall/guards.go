package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"rollcall/pipeline"
	"rollcall/tenant"
)

// guardFlags say when enough is enough.
type guardFlags struct {
	maxErrors, maxChanges string
	canary, limit         int
	maxDuration           time.Duration

	changes pipeline.Share // maxChanges
}

// alike is how many rows that all fail the same way, ahead of any other, are
// taken for a sign that the run itself is wrong.
const alike = 20

func (f *guardFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.maxErrors, "max-errors", "50%", "stop when more than `N|P%` of the rows attempted failed, a percentage once there are 100, and when the first 20 all fail alike; 100% for never")
	fs.IntVar(&f.canary, "canary", 0, "do the first `N` rows, and go on only if none of them fails")
	fs.IntVar(&f.limit, "limit", 0, "attempt `N` rows, and stop")
	fs.DurationVar(&f.maxDuration, "max-duration", 0, "begin no row after this `DURATION`")
}

func (f *guardFlags) addMaxChanges(fs *pflag.FlagSet) {
	fs.StringVar(&f.maxChanges, "max-changes", "", "write nothing if more than `N|P%` of the users would change; with --read-first or a diff")
}

// guards returns what the flags say.
func (f *guardFlags) guards() (g pipeline.Guards, err error) {
	if f.maxChanges != "" {
		if f.changes, err = pipeline.ParseShare(f.maxChanges); err != nil {
			return g, usage(fmt.Errorf("--max-changes %w", err))
		}
	}
	if g.MaxErrors, err = pipeline.ParseShare(f.maxErrors); err != nil {
		return g, usage(fmt.Errorf("--max-errors %w", err))
	}
	if f.canary < 0 || f.limit < 0 || f.maxDuration < 0 {
		return g, usage(fmt.Errorf("--canary %d, --limit %d, --max-duration %v: want none below 0", f.canary, f.limit, f.maxDuration))
	}
	g.Canary, g.Limit, g.MaxDuration = f.canary, f.limit, f.maxDuration
	if g.MaxErrors.Percent != 100 {
		g.Alike = alike
	}
	return g, nil
}

// countChanges returns an error if the run would change more users than
// --max-changes allows. It reads all of them first, and writes nothing.
func (f *guardFlags) countChanges(run *pipeline.Run, rows pipeline.Rows, users int, i *interrupts) error {
	counting := &pipeline.Run{
		Tenant: tenant.ReadOnly(run.Tenant), Change: run.Change, Limiter: run.Limiter, Workers: run.Workers, Audit: true,
		Retries: run.Retries, RowTimeout: run.RowTimeout, Outages: run.Outages, Stop: run.Stop, Guards: run.Guards, Log: run.Log,
	}
	counting.Guards.Canary, counting.Guards.Limit = 0, 0
	var summary pipeline.Counts
	if err := counting.Do(i.ctx, rows, &summary); err != nil || i.status() != 0 {
		return outcome(err, &summary, i)
	}
	if why := counting.Stopped(); why != "" {
		return &exit{status: exitGuard, err: fmt.Errorf("stopped while counting changes: %s; nothing was changed", why)}
	}
	return f.tooMany(summary.ByStatus[pipeline.Differs], users)
}

// tooMany returns an error if n changes of so many users are more than
// --max-changes allows.
func (f *guardFlags) tooMany(n, users int) error {
	if !f.changes.Exceeded(n, users) {
		return nil
	}
	return &exit{status: exitGuard, err: fmt.Errorf("%d of %s would change, more than %v (--max-changes): nothing was changed",
		n, pipeline.Plural(users, "user"), f.changes)}
}

// again returns the command line that goes on with a run.
func (a *app) again() string {
	var words []string
	resume := false
	for i, arg := range a.args {
		switch {
		case strings.HasPrefix(arg, "--ping="), arg == "--ping", i > 0 && a.args[i-1] == "--ping":
			continue // who has the URL can say that all is well
		case arg == "--overwrite" || strings.HasPrefix(arg, "--overwrite="):
			continue
		case arg == "--resume":
			resume = true
		}
		words = append(words, arg)
	}
	if !resume {
		words = append(words, "--resume")
	}
	return commandLine(words)
}

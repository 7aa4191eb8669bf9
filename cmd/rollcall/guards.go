package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"rollcall/pipeline"
)

// guardFlags say when enough is enough.
type guardFlags struct {
	maxErrors, maxChanges string
	canary, limit         int
	maxDuration           time.Duration

	changes pipeline.Share // maxChanges
}

func (f *guardFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.maxErrors, "max-errors", "50%", "stop when more than `N|P%` of the rows attempted failed, a percentage once there are 100, and when the first 20 all fail alike; 100% for never")
	fs.IntVar(&f.canary, "canary", 0, "do the first `N` rows, and go on only if none of them fails")
	fs.IntVar(&f.limit, "limit", 0, "attempt `N` rows, and stop")
	fs.DurationVar(&f.maxDuration, "max-duration", 0, "begin no row after this `DURATION`")
}

func (f *guardFlags) addMaxChanges(fs *pflag.FlagSet) {
	fs.StringVar(&f.maxChanges, "max-changes", "", "write nothing if more than `N|P%` of the users would change; with --read-first or a diff")
}

// guards returns what the flags say. isSet reports whether a flag was given a value.
func (f *guardFlags) guards(isSet func(name string) bool) (g pipeline.Guards, err error) {
	if f.maxChanges != "" {
		if f.changes, err = pipeline.ParseShare(f.maxChanges); err != nil {
			return g, usage(fmt.Errorf("--max-changes %w", err))
		}
	}
	if g.MaxErrors, err = pipeline.ParseShare(f.maxErrors); err != nil {
		return g, usage(fmt.Errorf("--max-errors %w", err))
	}
	for _, n := range []struct {
		name string
		rows int
	}{{"canary", f.canary}, {"limit", f.limit}} {
		if n.rows < 1 && isSet(n.name) { // 0 would be no guard, which nobody asks for
			return g, usage(fmt.Errorf("--%s %d: want 1 or more", n.name, n.rows))
		}
	}
	g.Canary, g.Limit, g.MaxDuration = f.canary, f.limit, f.maxDuration
	return g, nil
}

// hasNoPlaceAgain reports whether arg is a flag, with its value to follow, that is
// left out of what goes on with a run: one whose value is a secret, for who has the
// URL can post there too, or --baseline, which compares whole audits.
func hasNoPlaceAgain(arg string) bool {
	name, ok := strings.CutPrefix(arg, "--")
	return ok && (name == "baseline" || slices.Contains(secretFlags, name))
}

// again returns the command line that goes on with the run.
func (x *execution) again() string {
	if x.onward != "" {
		return x.onward
	}
	a := x.app
	var words []string
	resume := false
	for i, arg := range a.args {
		name, _, _ := strings.Cut(arg, "=")
		switch {
		case i > 0 && hasNoPlaceAgain(a.args[i-1]), hasNoPlaceAgain(name):
			continue
		case arg == "--overwrite" || strings.HasPrefix(arg, "--overwrite="):
			continue
		case arg == "--resume":
			resume = true
		}
		words = append(words, arg)
	}
	if x.recordNamed || x.output.makes {
		words = append(words, "-o", x.output.name)
	}
	if !resume {
		words = append(words, "--resume")
	}
	return commandLine(words)
}

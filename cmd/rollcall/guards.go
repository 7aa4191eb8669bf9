package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"rollcall/pipeline"
)

// guardFlags limit how many rows a run attempts, changes and lets fail, and its time.
type guardFlags struct {
	maxErrors, maxChanges string
	canary, limit         int
	maxDuration           time.Duration

	changes pipeline.Share // maxChanges
}

func (f *guardFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.maxErrors, "max-errors", "50%", "stop when more than `N|P%` of the attempted rows failed (a percentage: from 100 rows on), or when the first 20 all fail in the same way; 100% for never")
	fs.IntVar(&f.canary, "canary", 0, "do the first `N` rows, and continue only if none of them fails; 0 for no such check")
	fs.IntVar(&f.limit, "limit", 0, "attempt `N` rows, then stop; 0 for no limit")
	fs.DurationVar(&f.maxDuration, "max-duration", 0, "begin no more rows after this `DURATION`; 0 for no limit")
}

func (f *guardFlags) addMaxChanges(fs *pflag.FlagSet) {
	fs.StringVar(&f.maxChanges, "max-changes", "", "write nothing if more than `N|P%` of the users would change, 100% for no limit; needs --read-first or the diff of an audit")
}

// guards returns the guards that the flags set, and sets f.changes.
func (f *guardFlags) guards() (g pipeline.Guards, err error) {
	if f.maxChanges != "" {
		if f.changes, err = pipeline.ParseShare(f.maxChanges); err != nil {
			return g, usage(fmt.Errorf("--max-changes %w", err))
		}
		if f.changes.Percent == 100 { // no limit, and so nothing has to be read before
			f.changes = pipeline.Share{}
		}
	}
	if g.MaxErrors, err = pipeline.ParseShare(f.maxErrors); err != nil {
		return g, usage(fmt.Errorf("--max-errors %w", err))
	}
	g.Canary, g.Limit, g.MaxDuration = f.canary, f.limit, f.maxDuration
	return g, nil
}

// isLeftOut reports whether arg is the name of a flag that the command line for
// --resume leaves out, with its value: a flag whose value is a secret, such as the URL
// of a webhook, or --baseline, which compares complete audits.
func isLeftOut(arg string) bool {
	name, ok := strings.CutPrefix(arg, "--")
	return ok && (name == "baseline" || slices.Contains(secretFlags, name))
}

// again returns the command line that resumes the run.
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
		case i > 0 && isLeftOut(a.args[i-1]), isLeftOut(name):
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

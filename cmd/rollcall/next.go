package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"rollcall/pipeline"
	"rollcall/pipeline/results"
	"rollcall/tenant/connect"
)

// next returns the command line that the user is likely to want after this run, which
// was carried out, and what it is for; or "".
func (x *execution) next(o *results.Outcome) (why, line string) {
	why = "next"
	s, file := &o.Rows, x.output.file()
	failed := triable(s.ByStatus[:])
	var words []string
	switch {
	case x.undo, x.audit && file == "" && x.rosterName == "-":
	case x.audit && s.ByStatus[pipeline.Differs] == 0:
	case x.audit && file != "":
		words = applyDiff(file)
	case x.audit:
		words = append([]string{"apply", x.rosterName}, x.givenFlags("What to change", "The file")...)
		words = append(words, "--read-first", "-o", unused("results.csv"))
	case file == "":
	case failed != "":
		return why, x.retry(o)
	case s.ByStatus[pipeline.Applied] > 0 && x.hasBefores(o) && o.Tenant != connect.Sandbox: // the sandbox keeps nothing to undo
		why, words = "to see what undo would put back", []string{"undo", file, "--dry-run"}
	default:
		return why, commandLine([]string{"report", file, "--html", unused("report.html")})
	}
	if words == nil {
		return "", ""
	}
	return why, commandLine(append(words, x.sameTenant()...))
}

// hasBefores reports whether some value before is on record that undo could put back.
func (x *execution) hasBefores(o *results.Outcome) bool {
	return o.Manifest.Befores && (x.readFirst || x.failures.befores)
}

// sameTenant returns the flags that another command line needs for the same tenant.
func (x *execution) sameTenant() []string {
	return x.givenFlags("The tenant", "Signing in", "Everywhere", "The setting", "Pace")
}

// unused returns the name of a file that does not exist: name or, for example,
// results-2.csv.
func unused(name string) string {
	return unusedIf(name, func(name string) bool {
		_, err := os.Lstat(name)
		return err != nil
	})
}

// unusedIf returns the first of name, name-2 and so on that isFree says is free.
func unusedIf(name string, isFree func(string) bool) string {
	ext := filepath.Ext(name)
	for n, candidate := 2, name; ; n++ {
		if isFree(candidate) {
			return candidate
		}
		candidate = fmt.Sprintf("%s-%d%s", strings.TrimSuffix(name, ext), n, ext)
	}
}

// givenFlags returns the flags of these groups that are on the command line, in the
// environment or in the profile.
func (x *execution) givenFlags(groups ...string) []string {
	var words []string
	x.flags.Visit(func(flag *pflag.Flag) {
		group := "Everywhere"
		if g := flag.Annotations[groupAnnotation]; g != nil {
			group = g[0]
		}
		if !slices.Contains(groups, group) || flag.Name == "dry-run" || flag.Name == "read-first" {
			return
		}
		values := []string{flag.Value.String()}
		if s, ok := flag.Value.(pflag.SliceValue); ok {
			values = s.GetSlice()
		}
		for _, v := range values {
			if flag.Value.Type() == "bool" && v == "true" {
				words = append(words, "--"+flag.Name)
			} else {
				words = append(words, "--"+flag.Name, v)
			}
		}
	})
	return words
}

// triable returns the counted statuses for which another try may help, as --only takes
// them.
func triable(counts []int) string {
	return namesOf(counts, pipeline.Failed, pipeline.Unverified, pipeline.Mismatch)
}

// namesOf returns the names of those statuses that were counted, as --only takes them.
func namesOf(counts []int, statuses ...pipeline.Status) string {
	slices.Sort(statuses)
	var names []string
	for _, s := range statuses {
		if counts[s] > 0 {
			names = append(names, s.String())
		}
	}
	return strings.Join(names, ",")
}

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

// next returns the command line that a person would likely want after this run,
// which was carried out, or "" if nothing suggests itself.
func (x *execution) next(o *results.Outcome) string {
	s, file := &o.Rows, x.output.file()
	failed := triable(s.ByStatus[:])
	tenant := x.said("The tenant", "Signing in", "Everywhere", "The setting", "Pace")
	var words []string
	switch {
	case x.undo, x.audit && file == "" && x.rosterName == "-":
	case x.audit && s.ByStatus[pipeline.Differs] == 0:
	case x.audit && file != "":
		words = applyDiff(file)
	case x.audit:
		words = append([]string{"apply", x.rosterName}, x.said("What to change", "The file")...)
		words = append(words, "--read-first", "-o", unused("results.csv"))
	case file == "":
	case failed != "":
		words = tryAgain(file, failed)
	case s.ByStatus[pipeline.Applied] > 0 && o.Manifest.Befores && o.Tenant != connect.Sandbox: // which forgets
		words = []string{"undo", file, "--dry-run"}
	default:
		return commandLine([]string{"report", file, "--html", unused("report.html")})
	}
	if words == nil {
		return ""
	}
	return commandLine(append(words, tenant...))
}

// unused returns the name of a file that there is not yet: name or, for example,
// results-2.csv.
func unused(name string) string {
	ext := filepath.Ext(name)
	for n, candidate := 2, name; ; n++ {
		if _, err := os.Lstat(candidate); err != nil {
			return candidate
		}
		candidate = fmt.Sprintf("%s-%d%s", strings.TrimSuffix(name, ext), n, ext)
	}
}

// said returns the flags of some groups that are on the command line.
func (x *execution) said(groups ...string) []string {
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

// triable returns those of the statuses counted that another try may mend, as
// --only takes them.
func triable(counts []int) string {
	var names []string
	for status, n := range counts {
		switch s := pipeline.Status(status); s {
		case pipeline.Failed, pipeline.Unverified, pipeline.Mismatch:
			if n > 0 {
				names = append(names, s.String())
			}
		}
	}
	return strings.Join(names, ",")
}

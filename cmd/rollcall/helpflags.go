package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rollcall/pipeline"
)

// common lists, for each command with many flags, the ten that help shows: those that
// a user needs first.
var common = map[string][]string{
	"apply": {"privacy-mode", "set", "read-first", "dry-run", "output", "resume", "tenant", "organization", "auth", "yes"},
	"audit": {"privacy-mode", "set", "noun", "output", "format", "html", "tenant", "organization", "auth", "quiet"},
	"undo":  {"dry-run", "output", "resume", "html", "tenant", "organization", "auth", "yes", "limit", "quiet"},
}

// asksAll reports whether a command line has --help all, which shows all flags.
func asksAll(args []string) bool {
	i := slices.IndexFunc(args, func(arg string) bool { return arg == "--help" || arg == "-h" })
	return i >= 0 && i+1 < len(args) && args[i+1] == "all"
}

// showFlags prints the flags of c, in sections.
func showFlags(c *cobra.Command, all bool, section func(title, text string), w io.Writer) {
	sets := make(map[string]*pflag.FlagSet)
	add := func(group string, flag *pflag.Flag) {
		if sets[group] == nil {
			sets[group] = pflag.NewFlagSet(group, pflag.ContinueOnError)
			sets[group].SortFlags = false
		}
		sets[group].AddFlag(inWords(flag))
	}
	c.InitDefaultHelpFlag()
	names := common[c.Name()]
	for _, name := range names {
		if !all {
			add("Flags", c.Flag(name))
		}
	}
	others := 0
	each := func(flag *pflag.Flag) {
		switch group := groupOf(c, flag); {
		case all || names == nil || group == "Everywhere":
			add(group, flag)
		case !slices.Contains(names, flag.Name):
			others++
		}
	}
	c.LocalFlags().VisitAll(each)
	c.InheritedFlags().VisitAll(each)
	for _, g := range groups {
		if set := sets[g]; set != nil {
			section(g, set.FlagUsages())
		}
	}
	if others > 0 {
		fmt.Fprintf(w, "\n%s --help all shows the other %s: %s.\n", c.CommandPath(), pipeline.Plural(others, "flag"), strings.Join(otherGroups(c), ", "))
	}
}

// otherGroups returns the groups of c's flags, in lower case and in order.
func otherGroups(c *cobra.Command) []string {
	has := make(map[string]bool)
	c.LocalFlags().VisitAll(func(flag *pflag.Flag) { has[groupOf(c, flag)] = true })
	var names []string
	for _, g := range groups {
		if has[g] && g != "Everywhere" {
			names = append(names, strings.ToLower(g[:1])+g[1:])
		}
	}
	return names
}

// inWords returns a copy of flag whose usage ends with the default in words.
func inWords(flag *pflag.Flag) *pflag.Flag {
	zero := map[string]string{"bool": "false", "string": "", "duration": "0s", "stringArray": "[]", "stringSlice": "[]"}
	f := *flag
	none, ok := zero[f.Value.Type()]
	if !ok {
		none = "0"
	}
	if f.DefValue == none {
		return &f
	}
	text := f.DefValue
	if d, err := time.ParseDuration(text); err == nil && f.Value.Type() == "duration" {
		text = durationText(d)
	}
	f.Usage += " (default " + text + ")"
	f.DefValue = none
	return &f
}

// durationText returns d in words, such as 30 minutes.
func durationText(d time.Duration) string {
	for _, unit := range []struct {
		of   time.Duration
		name string
	}{{time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		if d >= unit.of && d%unit.of == 0 {
			return pipeline.Plural(int64(d/unit.of), unit.name)
		}
	}
	return d.String()
}

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The groups of flags in help, in the order in which they are shown.
var groups = []string{"What to change", "The setting", "The file", "The tenant", "Signing in", "Pace", "Guards", "Output", "Messages", "Monitoring", "As apply has them", "Flags", "Everywhere"}

const groupAnnotation = "rollcall_group"

// grouped adds the flags that add adds, to be shown under the name of a group.
func grouped(fs *pflag.FlagSet, group string, add func(*pflag.FlagSet)) {
	fs.SortFlags = false
	sub := pflag.NewFlagSet(group, pflag.ContinueOnError)
	sub.SortFlags = false
	add(sub)
	sub.VisitAll(func(flag *pflag.Flag) {
		flag.Annotations = map[string][]string{groupAnnotation: {group}}
		fs.AddFlag(flag)
	})
}

func groupOf(c *cobra.Command, flag *pflag.Flag) string {
	switch g := flag.Annotations[groupAnnotation]; {
	case g != nil:
		return g[0]
	case flag.Name == "help" || c.InheritedFlags().Lookup(flag.Name) != nil:
		return "Everywhere"
	}
	return "Flags"
}

// A command's further matter, which help shows after what most people need.
const (
	notesAnnotation  = "rollcall_notes"
	statusAnnotation = "rollcall_status"
)

// more gives a command notes, and the exit statuses that it can have.
func more(notes string, status ...int) map[string]string {
	return map[string]string{notesAnnotation: notes, statusAnnotation: statusLines(status...)}
}

// meanings says what the exit statuses mean.
var meanings = []struct {
	status int
	text   string
}{
	{exitOK, "every row is as wanted (audit: nothing differs)"},
	{exitError, "the run could not be carried out"},
	{exitUsage, "the command line is wrong"},
	{exitRows, "carried out, and some rows failed (audit: some could not be read)"},
	{exitDiffers, "audit: something differs"},
	{exitGuard, "a guard stopped it; --resume goes on"},
	{exitHeld, "another run holds the results file or the tenant"},
	{exitInterrupted, "interrupted; --resume goes on"},
	{exitTerminated, "terminated; --resume goes on"},
}

// everyStatus is all of them.
var everyStatus = []int{exitOK, exitError, exitUsage, exitRows, exitDiffers, exitGuard, exitHeld, exitInterrupted, exitTerminated}

// statusLines returns what the exit statuses mean.
func statusLines(statuses ...int) string {
	var b strings.Builder
	for _, m := range meanings {
		if slices.Contains(statuses, m.status) {
			fmt.Fprintf(&b, "  %-5d%s\n", m.status, m.text)
		}
	}
	return b.String()
}

// help prints what there is to know of c.
func help(c *cobra.Command, w io.Writer) {
	section := func(title, text string) {
		if text = strings.Trim(text, "\n"); text != "" {
			fmt.Fprintf(w, "\n%s:\n%s\n", title, text)
		}
	}
	about := c.Long
	if about == "" {
		about = c.Short + "."
	}
	fmt.Fprintln(w, about)
	use := "  " + c.CommandPath() + " COMMAND"
	if c.Runnable() && !c.HasAvailableSubCommands() {
		use = "  " + c.UseLine()
	}
	section("Usage", use)
	section("Examples", c.Example)

	var commands strings.Builder
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() || sub.Name() == "help" {
			fmt.Fprintf(&commands, "  %-11s %s\n", sub.Name(), sub.Short)
		}
	}
	section("Commands", commands.String())

	sets := make(map[string]*pflag.FlagSet)
	c.InitDefaultHelpFlag()
	add := func(flag *pflag.Flag) {
		g := groupOf(c, flag)
		if sets[g] == nil {
			sets[g] = pflag.NewFlagSet(g, pflag.ContinueOnError)
			sets[g].SortFlags = false
		}
		sets[g].AddFlag(flag)
	}
	c.LocalFlags().VisitAll(add)
	c.InheritedFlags().VisitAll(add)
	for _, g := range groups {
		if set := sets[g]; set != nil {
			section(g, set.FlagUsages())
		}
	}
	section("Exit status", c.Annotations[statusAnnotation])
	if notes := c.Annotations[notesAnnotation]; notes != "" {
		fmt.Fprintf(w, "\n%s\n", strings.Trim(notes, "\n"))
	}
}

package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The groups of flags in help, in the order in which they are shown.
var groups = []string{"What to change", "The setting", "The file", "The server", "The store", "The tenant", signInGroup, "Pace", "Guards", "Output", "Messages", "Monitoring", "As apply has them", "Flags", "Everywhere"}

// signInGroup has the flags for signing in to a tenant.
const signInGroup = "Signing in"

const groupAnnotation = "rollcall_group"

// grouped adds to fs the flags that add defines, and help shows them under the name of
// the group.
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

// Annotations of a command that hold what help shows last: notes and exit statuses.
const (
	notesAnnotation  = "rollcall_notes"
	statusAnnotation = "rollcall_status"
)

// help prints the help of c. Of a command with many flags it shows the common ones,
// or, if all, every flag.
func help(c *cobra.Command, w io.Writer, all bool) {
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
	switch takesArguments := strings.Contains(c.Use, " "); {
	case c.Runnable() && !c.HasAvailableSubCommands():
		use = "  " + c.UseLine()
	case takesArguments:
		use = "  " + c.UseLine() + "\n" + use
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

	showFlags(c, all, section, w)
	section("Exit status", c.Annotations[statusAnnotation])
	if notes := c.Annotations[notesAnnotation]; notes != "" {
		fmt.Fprintf(w, "\n%s\n", strings.Trim(notes, "\n"))
	}
}

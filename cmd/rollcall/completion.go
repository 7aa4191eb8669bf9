package main

import (
	"bytes"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"rollcall/pipeline"
	"rollcall/tenant"
	"rollcall/tenant/entra"
)

// completionVariables are environment variables of cobra that a shell sets while it
// completes our commands. They set no flag, and are no mistake of the user.
var completionVariables = []string{"ROLLCALL_ACTIVE_HELP", "ROLLCALL_COMPLETION_DESCRIPTIONS"}

// completes registers completions for the values of root's flags and for the
// arguments of its commands, except where these are files.
func (a *app) completes(root *cobra.Command) {
	values := map[string][]string{
		"tenant":       {"sandbox", "sandbox:", "exchange", "powershell"},
		"noun":         tenant.Nouns(),
		"privacy-mode": {"opt-in", "opt-out"},
		"excluded-as":  {"opt-in", "opt-out"},
		"auth":         entra.Methods(),
		"cloud":        entra.CloudNames(),
		"format":       forms,
		"webhook-form": webhookForms,
		"color":        {"auto", "always", "never"},
		"log-format":   {"console", "json"},
		"encoding":     {"utf-8", "utf-16le", "utf-16be", "windows-1252"},
		"delimiter":    {"tab"},
	}
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		each := func(flag *pflag.Flag) {
			complete := cobra.FixedCompletions(values[flag.Name], cobra.ShellCompDirectiveNoFileComp)
			switch what, _ := pflag.UnquoteUsage(flag); {
			case flag.Name == "only":
				complete = listCompletion(pipeline.Statuses[:])
			case flag.Name == "profile":
				complete = a.profileCompletion
			case values[flag.Name] == nil && (strings.Contains(what, "FILE") || what == "PROGRAM"):
				return
			}
			// The error says that the flag, which two commands share, is registered.
			_ = c.RegisterFlagCompletionFunc(flag.Name, complete)
		}
		c.LocalFlags().VisitAll(each)
		c.PersistentFlags().VisitAll(each)
		switch c.Name() {
		case "help":
			c.ValidArgsFunction = helpCompletion
		case "get", "set", "doctor", "config", "version":
			c.ValidArgsFunction = cobra.NoFileCompletions
		case "check", "run", "submit", "schedule": // a fleet file
		default:
			if ofFleet(c) { // the ID of a fleet, a name, or nothing
				c.ValidArgsFunction = cobra.NoFileCompletions
			}
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	root.InitDefaultHelpCmd()
	walk(root)
}

// plain removes the backquotes from the usage of root's flags, which shells would
// show.
func plain(root *cobra.Command) {
	unquote := func(flag *pflag.Flag) { flag.Usage = strings.ReplaceAll(flag.Usage, "`", "") }
	root.LocalFlags().VisitAll(unquote)
	root.PersistentFlags().VisitAll(unquote)
	for _, sub := range root.Commands() {
		plain(sub)
	}
}

// helpCompletion completes the words after help.
func helpCompletion(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) == 1 && common[args[0]] != nil {
		return []cobra.Completion{"all"}, cobra.ShellCompDirectiveNoFileComp
	}
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	names := topics()
	for _, sub := range c.Root().Commands() {
		if sub.IsAvailableCommand() && !slices.Contains(names, sub.Name()) { // or it is a topic, too
			names = append(names, cobra.CompletionWithDesc(sub.Name(), sub.Short))
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// listCompletion completes the last word of a list with commas. It offers words.
func listCompletion(words []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		given := begun[:strings.LastIndex(begun, ",")+1]
		var list []string
		for _, w := range words {
			if !slices.Contains(strings.Split(given, ","), w) {
				list = append(list, given+w)
			}
		}
		return list, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
}

// profileCompletion completes the name of a profile.
func (a *app) profileCompletion(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	file := a.profile.config
	if file == "" {
		file = os.Getenv("ROLLCALL_CONFIG")
	}
	if file == "" {
		file, _ = configFile()
	}
	text, _ := os.ReadFile(file)
	var all struct{ Profiles map[string]any }
	_ = yaml.Unmarshal(text, &all) // the command itself reports what is wrong with the file
	var names []string
	for name := range all.Profiles {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completion adds to root the command that prints completion scripts for shells.
func completion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	shells, _, err := root.Find([]string{"completion"})
	if err != nil {
		panic("completion: " + err.Error())
	}
	shells.Args = noCommand
	shells.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	c, _, err := root.Find([]string{"completion", "powershell"})
	if err != nil {
		panic("completion: " + err.Error())
	}
	c.RunE = func(c *cobra.Command, _ []string) error {
		bare, _ := c.Flags().GetBool("no-descriptions")
		return powershellCompletion(root, c.OutOrStdout(), !bare)
	}
}

// powershellCompletion writes the script for PowerShell without the lines of cobra's
// script that set an environment variable in the session: every later command would
// inherit it.
func powershellCompletion(root *cobra.Command, w io.Writer, tips bool) error {
	var script bytes.Buffer
	write := root.GenPowerShellCompletion
	if tips {
		write = root.GenPowerShellCompletionWithDesc
	}
	if err := write(&script); err != nil {
		return err
	}
	kept := bytes.ReplaceAll(script.Bytes(), []byte("    # First disable ActiveHelp which is not supported for Powershell\n    ${env:ROLLCALL_ACTIVE_HELP}=0\n"), nil)
	_, err := w.Write(kept)
	return err
}

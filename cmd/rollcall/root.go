package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rollcall/pipeline/roster"
)

const about = `rollcall changes a setting of every user of a CSV file on a Microsoft 365 tenant,
reads it back, and records what became of each user in one results CSV.

Without --tenant it works on its built-in sandbox tenant, and nothing in Microsoft 365
is changed.`

// root returns the command tree.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "rollcall",
		Short: "Change a Microsoft 365 setting of every user in a CSV file",
		Long:  about,
		Example: `  rollcall audit users.csv --privacy-mode opt-out
  rollcall apply users.csv --privacy-mode opt-out --read-first -o results.csv
  rollcall undo results.csv -o undone.csv`,
		Annotations:   more("rollcall help COMMAND shows what a command does, and its flags; rollcall help COMMAND\nall shows all flags of a command that has many. rollcall help TOPIC explains a topic:\n"+strings.Join(topics(), ", ")+".", everyMeaning...),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noCommand,
		RunE: func(c *cobra.Command, _ []string) error {
			if c.Flags().Changed("version") {
				return a.printVersion()
			}
			return c.Help()
		},
		PersistentPreRunE: func(c *cobra.Command, _ []string) error {
			a.began = true
			if err := a.profile.settle(a, c); err != nil {
				return err
			}
			return checkPaths(c.Flags())
		},
	}
	a.profile.add(root.PersistentFlags())
	root.Flags().BoolP("version", "v", false, "print the version")
	root.AddCommand(a.check(), a.audit(), a.apply(), a.undo(), a.report(), a.get(), a.set(), a.doctor(), a.sandbox(), a.fleet(), a.version())
	root.AddCommand(a.config(root))
	root.AddCommand(generators()...)
	root.SetHelpCommand(&cobra.Command{
		Use:   "help [COMMAND [all]|TOPIC]",
		Short: "Show what a command does, and its flags",
		RunE: func(_ *cobra.Command, args []string) error {
			return a.helpWith(root, args)
		},
	})
	root.SetFlagErrorFunc(wrongFlag)
	root.SetHelpFunc(func(c *cobra.Command, _ []string) { a.showHelp(c, asksAll(a.args)) })
	return root
}

// noCommand returns an error for a word that is no command of c, with the command that
// the user is likely to mean.
func noCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	names := commandNames(c)
	e := &exit{status: exitUsage, err: fmt.Errorf("unknown command %q", args[0]), hint: c.CommandPath() + " --help lists the commands"}
	if name := roster.Nearest(args[0], names); name != "" {
		e.hint = "did you mean " + name + "? " + e.hint
	}
	return e
}

// commandNames returns the names of c's commands.
func commandNames(c *cobra.Command) (names []string) {
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return names
}

// wrongFlag returns err, an error of a flag, with a hint: for an unknown flag the one that
// the user is likely to mean, for a wrong value what the flag wants.
func wrongFlag(c *cobra.Command, err error) error {
	e := &exit{status: exitUsage, err: err, hint: c.CommandPath() + " --help lists the flags"}
	if wrong, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		e.err = fmt.Errorf("--%s %q: %s", wrong.GetFlag().Name, wrong.GetValue(), wantedOf(wrong.GetFlag()))
	}
	if missing, ok := errors.AsType[*pflag.NotExistError](err); ok {
		name := missing.GetSpecifiedName()
		if letters := missing.GetSpecifiedShortnames(); letters != "" {
			name = letters
		}
		if name := meant(c, name); name != "" {
			e.hint = "did you mean --" + name + "? " + e.hint
		}
	}
	return e
}

// oneFile is the rule for commands that read one roster.
func oneFile(c *cobra.Command, args []string) error {
	switch len(args) {
	case 0:
		return errors.New("no roster: name a CSV file, or - for standard input")
	case 1:
		return nil
	}
	return fmt.Errorf("want one file, not %d: %s", len(args), strings.Join(args, " "))
}

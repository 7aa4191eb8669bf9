package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

const about = `rollcall changes a setting of every user of a CSV file on a Microsoft 365 tenant,
reads it back, and records what became of each user in one results CSV.

Without --tenant it works on a sandbox tenant of its own, and nothing in
Microsoft 365 is touched.`

const statuses = `
Exit status:
  0        every row is as wanted (audit: nothing differs)
  1        the run could not be carried out
  2        the command line is wrong
  3        carried out, and some rows failed (audit: some could not be read)
  4        audit: something differs
  5        a guard stopped it; --resume goes on
  6        another run holds the results file or the tenant
  130 143  interrupted, terminated; --resume goes on`

// root returns the command tree.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "rollcall",
		Short:         "Change a Microsoft 365 setting of every user in a CSV file",
		Long:          about + "\n" + statuses,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
		PersistentPreRun: func(*cobra.Command, []string) {
			a.began = true
		},
	}
	root.AddCommand(a.check(), a.audit(), a.apply(), a.undo(), a.report(), a.get(), a.set(), a.sandbox(), a.version())
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return &exit{status: exitUsage, err: err, hint: c.CommandPath() + " --help lists the flags"}
	})
	return root
}

// oneFile is the rule for commands that read one roster.
func oneFile(c *cobra.Command, args []string) error {
	switch len(args) {
	case 0:
		return errors.New("no roster: name a CSV file, or - for standard input")
	case 1:
		return nil
	}
	return fmt.Errorf("%d files, want one: %s", len(args), strings.Join(args, " "))
}

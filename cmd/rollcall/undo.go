package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func (a *app) undo() *cobra.Command {
	j := job{undo: true, readFirst: true}
	c := &cobra.Command{
		Use:   "undo RESULTS",
		Short: "Put back what apply changed",
		Long: `undo reads the results file of an apply and puts back, for each row that was
applied, the value before, if the user still is as apply left them.`,
		Example: `  rollcall undo results.csv --dry-run
  rollcall undo results.csv -o undone.csv
  rollcall undo results.csv -o undone.csv --resume`,
		Annotations: more(`It reads first: users who are no longer as apply left them are stale, and not
touched. It wants the values before on record: those of an apply with --read-first,
or of the diff of an audit. What it writes is a results file like any other, and
can be undone itself.`,
			exitOK, exitError, exitUsage, exitRows, exitGuard, exitHeld, exitInterrupted, exitTerminated),
		Args: oneFile,
		RunE: func(_ *cobra.Command, args []string) error { return j.do(a, args[0]) },
	}
	f := c.Flags()
	grouped(f, "What to change", func(fs *pflag.FlagSet) {
		j.change.addNoun(fs)
		fs.BoolVar(&j.audit, "dry-run", false, "change nothing: show what would be put back")
	})
	j.addRun(f)
	j.addWrites(f)
	return c
}

package main

import "github.com/spf13/cobra"

func (a *app) undo() *cobra.Command {
	j := job{undo: true, readFirst: true}
	c := &cobra.Command{
		Use:   "undo RESULTS",
		Short: "Put back what apply changed",
		Long: `undo reads the results file of an apply and puts back, for each row that was
applied, the value before. It reads first, and touches only users whose value is
still the one that apply set: the others are stale.

It wants the values before on record: those of an apply with --read-first, or of
the diff of an audit. What it writes is a results file like any other, and can be
undone itself.`,
		Example: `  rollcall undo results.csv --dry-run
  rollcall undo results.csv -o undone.csv`,
		Args: oneFile,
		RunE: func(_ *cobra.Command, args []string) error { return j.do(a, args[0]) },
	}
	f := c.Flags()
	j.change.addNoun(f)
	j.addRun(f)
	j.addWrites(f)
	f.BoolVar(&j.audit, "dry-run", false, "change nothing: show what would be put back")
	return c
}

package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func (a *app) undo() *cobra.Command {
	var j jobFlags
	c := &cobra.Command{
		Use:   "undo RESULTS",
		Short: "Put back what apply changed",
		Long: `undo reads the results file of an apply and puts back the values before of every user
whom that run changed or may have changed, if the user still is as the run left them.`,
		Example: `  rollcall undo results.csv --dry-run
  rollcall undo results.csv -o undone.csv
  rollcall undo results.csv -o undone.csv --resume`,
		Annotations: more(`It looks at the rows that are applied, mismatch or unverified, at those that failed
after a set was sent and, of a run that was stopped or killed, at what its journal
has. The noun and the tenant are those of the summary beside the file; how to sign in
is to be said again.

What a set moves besides is put back, too: setting PrivacyMode sets all three
features, so undo sets PrivacyMode first, and then each feature that was otherwise.
A file without their values before, of an earlier version of rollcall, has only
PrivacyMode put back: undo says so, and exits with 3.

It reads first: users who are no longer as that run left or wanted them are stale,
and not touched. It wants the values before on record: those of an apply with
--read-first, or of the diff of an audit. Rows without are invalid, and named: exit
status 0 means that nobody is left changed. What it writes is a results file like any
other, and can be undone itself. Without -o that is undo-DATE-TIME.csv in the working
directory, if the tenant is a real one.`,
			meaning{exitOK, "nobody is left changed"},
			meaning{exitError, "nothing could be undone: the file, the tenant or the results can't be used"},
			meansWrong, meaning{exitRows, "some users are, or may be, left changed"},
			meaning{exitDiffers, "--dry-run: something would be put back"}, meansGuard, meansHeld, meansInterrupted, meansTerminated),
		Args: oneResults,
		RunE: func(_ *cobra.Command, args []string) error { return j.run(a, args[0]) },
	}
	j.addUndo(c.Flags())
	return c
}

// addUndo adds the flags of undo.
func (f *jobFlags) addUndo(fs *pflag.FlagSet) {
	f.undo, f.readFirst = true, true
	grouped(fs, "What to change", func(fs *pflag.FlagSet) {
		f.change.addNoun(fs)
		fs.BoolVar(&f.audit, "dry-run", false, "change nothing: show what would be put back")
	})
	f.addRun(fs)
	f.addWrites(fs)
}

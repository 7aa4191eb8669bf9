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
		Long: `undo reads the results file of an apply. For every user whom that run changed or may
have changed, it puts back the values before, unless the user has been changed since.`,
		Example: `  rollcall undo results.csv --dry-run
  rollcall undo results.csv -o undone.csv
  rollcall undo results.csv -o undone.csv --resume`,
		Annotations: more(`undo takes the rows with status applied, mismatch or unverified, the rows that failed
after a set was sent and, if the run was stopped or killed, the rows in its journal. The
noun and the tenant come from the summary beside the file. The flags for signing in must
be given again.

undo also puts back what changed together with a value: setting PrivacyMode sets all
three features, so undo sets PrivacyMode first, and then each feature that was different
before. If the file has no values before for the features, because an earlier version of
rollcall wrote it, undo puts back PrivacyMode only, says so, and exits with 3.

undo reads each user first. A user who no longer has the values that the run left or
wanted gets the status stale and is not changed. undo needs the values before, which
an apply records with --read-first or from the diff of an audit. A row without them gets
the status invalid: exit status 0 means that no user is left changed. A file that comes
without its summary may lack users of its run: undo needs --tenant for it, and exits with
3. undo writes a results file like any other, and that can be undone too. Without -o, on a real tenant,
the file is undo-DATE-TIME.csv in the working directory.`,
			meaning{exitOK, "no user is left changed"},
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

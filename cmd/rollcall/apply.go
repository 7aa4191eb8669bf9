package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func (a *app) apply() *cobra.Command {
	var j jobFlags
	c := &cobra.Command{
		Use:   "apply FILE",
		Short: "Change a setting of every user, read it back, and record what became of each",
		Long: `apply makes the change for every user of a CSV file: it sets, reads back, compares,
and writes one results CSV with a record for each row, in the file's order.`,
		Example: `  rollcall apply users.csv --privacy-mode opt-out -o results.csv
  rollcall apply users.csv --set PrivacyMode=@Mode --read-first -o results.csv
  rollcall apply diff.csv --if-unchanged -o results.csv
  rollcall apply results.csv --only failed,unverified,mismatch -o second.csv
  rollcall apply users.csv --noun CASMailbox --set PopEnabled=false -o results.csv \
      --tenant exchange --organization 11111111-2222-3333-4444-555555555555`,
		Annotations: more(`A results file or the diff of an audit is a roster too: without --set it wants
what it says, row by row, and the values before come from it.

Without -o, what is done on a real tenant is recorded in apply-DATE-TIME.csv in the
working directory, by the time in UTC; -o - is standard output.

With --read-first it reads ahead of the set, and sets only what differs: fewer
writes, and the value before is on record, so that undo can put it back.

The first interrupt finishes the rows in progress, for as long as --stop-timeout
says; the second, or the end of that time, stops at once. Either way the results
file holds whole records only, and --resume goes on.`,
			meaning{exitOK, "every user is as wanted (--dry-run: nothing would change)"},
			meaning{exitError, "the change could not be made: the file, the tenant or the results can't be used"},
			meansWrong, meaning{exitRows, "carried out, and some rows failed"},
			meaning{exitDiffers, "--dry-run: something would change"}, meansGuard, meansHeld, meansInterrupted, meansTerminated),
		Args: oneFile,
		RunE: func(_ *cobra.Command, args []string) error { return j.run(a, args[0]) },
	}
	j.addApply(c.Flags())
	return c
}

// addApply adds the flags of apply.
func (f *jobFlags) addApply(fs *pflag.FlagSet) {
	f.add(fs)
	grouped(fs, "What to change", func(fs *pflag.FlagSet) {
		fs.BoolVar(&f.readFirst, "read-first", false, "read ahead of the set, and set only what differs")
		fs.BoolVar(&f.ifUnchanged, "if-unchanged", false, "of a diff, change only users who still are as the audit saw them")
		fs.BoolVar(&f.audit, "dry-run", false, "change nothing: the same as audit")
	})
	f.addWrites(fs)
}

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
		Annotations: more(`FILE can also be a results file or the diff of an audit. Without --set, each row then
wants the value that the file records as wanted, and the value before comes from it. If
the file is of another tenant, apply refuses it unless --read-first reads the values
before.

Without -o, an apply on a real tenant writes its results to apply-DATE-TIME.csv in the
working directory (the time is in UTC). -o - is standard output.

With --read-first, apply reads each user before the set, and sets only what differs:
there are fewer writes, and the results hold the value before, so that undo can put it
back.

After the first interrupt, apply finishes the rows in progress, for the time of
--stop-timeout at most. The second interrupt, or the end of that time, stops it at
once. In both cases the results file holds complete records only, and --resume goes
on.`,
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
		fs.BoolVar(&f.readFirst, "read-first", false, "read each user before the set, and set only what differs")
		fs.BoolVar(&f.ifUnchanged, "if-unchanged", false, "with the diff of an audit: change only users who still have the values that the audit read")
		fs.BoolVar(&f.audit, "dry-run", false, "change nothing: the same as audit")
	})
	f.addWrites(fs)
}

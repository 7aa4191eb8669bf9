package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func (a *app) audit() *cobra.Command {
	var j jobFlags
	c := &cobra.Command{
		Use:   "audit FILE",
		Short: "Show what apply would change, without changing anything",
		Long: `audit reads the setting of every user of a CSV file, compares it with what is
wanted, and prints a line for each user that is not as wanted. It changes nothing.`,
		Example: `  rollcall audit users.csv --privacy-mode opt-out
  rollcall audit users.csv --privacy-mode opt-out -o diff.csv
  rollcall audit users.csv --set PrivacyMode=@Mode --quiet || echo drift`,
		Annotations: more(`The lines are
  ~ ada@contoso.com  PrivacyMode: opt-in -> opt-out    differs
  = cyd@contoso.com  as wanted; apply without --read-first moves ...
  ? eve@contoso.com  line 4: ...                       the tenant has no such user
  ! bob@contoso.com  line 7: ...                       can't be used, or can't be read

Who is as wanted is "same", also with a feature on that an opt-out turns off: apply
--read-first and apply of the diff send such a user nothing. Apply without
--read-first sets everybody, and so moves it: that is what the line with = says.

What it holds of the tenant refuses every cmdlet that is not a Get. With -o it
writes the same columns as apply, a record for each row.`,
			meaning{exitOK, "nothing differs (--baseline: nothing has changed)"},
			meaning{exitError, "the audit could not be made: the file, the tenant or the results can't be used"},
			meansWrong, meaning{exitRows, "carried out, and some users could not be read, or some rows not used"},
			meaning{exitDiffers, "some users are not as wanted (--baseline: something has changed)"},
			meansGuard, meaning{exitHeld, "another run holds the results file"}, meansInterrupted, meansTerminated),
		Args: oneFile,
		RunE: func(_ *cobra.Command, args []string) error { return j.run(a, args[0]) },
	}
	j.addAudit(c.Flags())
	return c
}

// addAudit adds the flags of audit.
func (f *jobFlags) addAudit(fs *pflag.FlagSet) {
	f.audit = true
	f.add(fs)
	fs.Lookup("output").Usage = "write the results CSV to this `FILE`; - for standard output"
	grouped(fs, "Output", f.output.addBaseline)
	f.addOfApply(fs)
}

// addOfApply adds the flags of apply that an audit has no use for, so that one word
// turns the command line of an apply into that of its audit.
func (f *jobFlags) addOfApply(fs *pflag.FlagSet) {
	grouped(fs, "What to change", func(fs *pflag.FlagSet) {
		fs.BoolVar(&f.ifUnchanged, "if-unchanged", false, "of a diff, show as stale who no longer is as the audit saw them")
	})
	grouped(fs, "As apply has them", func(fs *pflag.FlagSet) {
		fs.BoolP("yes", "y", false, "nothing to do: an audit writes nothing, and does not ask")
		fs.Bool("read-first", false, "nothing to do: an audit reads, and does no more")
		fs.Bool("dry-run", false, "nothing to do: an audit is one")
		fs.Duration("verify-timeout", verifyTimeout, "nothing to do, for any `DURATION`: nothing is set that could be read back")
		f.guard.addMaxChanges(fs)
		fs.Lookup("max-changes").Usage = "nothing to do, for any `N|P%`: an audit writes nothing"
	})
}

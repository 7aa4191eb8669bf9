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

A user who is as wanted has the status "same", even if a feature is on that an opt-out
turns off: apply --read-first, and apply of the diff, send nothing for this user. Apply
without --read-first sets every user, and so changes that feature too: the line with =
shows this.

An audit can send Get cmdlets only: every other cmdlet is refused before it is sent.
With -o, audit writes the same columns as apply, a record for each row.`,
			meaning{exitOK, "nothing differs (--baseline: nothing has changed)"},
			meaning{exitError, "the audit could not be made: the file, the tenant or the results can't be used"},
			meansWrong, meaning{exitRows, "carried out, and some users could not be read, or some rows not used (--baseline: only the former)"},
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

// addOfApply adds the flags of apply that have no effect in an audit, so that a user
// can turn an apply into its audit by changing the command's name alone.
func (f *jobFlags) addOfApply(fs *pflag.FlagSet) {
	grouped(fs, "What to change", func(fs *pflag.FlagSet) {
		fs.BoolVar(&f.ifUnchanged, "if-unchanged", false, "with the diff of an audit: report as stale the users who no longer have the values that the audit read")
	})
	grouped(fs, "As apply has them", func(fs *pflag.FlagSet) {
		fs.BoolP("yes", "y", false, "no effect: an audit writes nothing and does not ask")
		fs.Bool("read-first", false, "no effect: an audit only reads")
		fs.Bool("dry-run", false, "no effect: an audit is a dry run")
		fs.Duration("verify-timeout", verifyTimeout, "no effect, for any `DURATION`: an audit sets nothing that could be read back")
		f.guard.addMaxChanges(fs)
		fs.Lookup("max-changes").Usage = "no effect, for any `N|P%`: an audit writes nothing"
	})
}

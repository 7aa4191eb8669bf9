package main

import "github.com/spf13/cobra"

func (a *app) audit() *cobra.Command {
	j := jobFlags{audit: true}
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
			exitOK, exitError, exitUsage, exitRows, exitDiffers, exitGuard, exitHeld, exitInterrupted, exitTerminated),
		Args: oneFile,
		RunE: func(_ *cobra.Command, args []string) error { return j.run(a, args[0]) },
	}
	j.add(c.Flags())
	grouped(c.Flags(), "Output", j.output.addBaseline)
	return c
}

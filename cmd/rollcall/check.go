package main

import (
	"encoding/json"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rollcall/pipeline/roster"
	"rollcall/report"
)

func (a *app) check() *cobra.Command {
	var change changeFlags
	var users rosterFlags
	var asJSON, strict bool
	c := &cobra.Command{
		Use:   "check FILE",
		Short: "Show what is in a CSV file of users; contacts no tenant",
		Long: `check reads a CSV file, or a sheet of an Excel workbook, as apply and audit do, and
shows what it found. It contacts no tenant.`,
		Example: `  rollcall check users.csv
  rollcall check users.csv --set PrivacyMode=@Mode
  rollcall check users.csv --strict && rollcall apply users.csv --privacy-mode opt-out
  rollcall check users.csv --json | jq .users`,
		Annotations: more(`check shows the encoding, the delimiter, the column of UPNs, the number of users, and
which rows can't be used and why. With --set NAME=@COLUMN it also finds users for whom
two rows want different values.`, meaning{exitOK, "the file can be used (except for the rows shown)"},
			meaning{exitError, "the file can't be used"}, meansWrong, meaning{exitRows, "--strict: some rows can't be used"}),
		Args: oneFile,
		RunE: func(_ *cobra.Command, args []string) error {
			c, err := change.change()
			if err != nil {
				return err
			}
			o, err := users.options()
			if err != nil {
				return err
			}
			a.awaitsUsers(args[0])
			r, err := roster.Open(args[0], a.stdin(), o)
			if err != nil {
				return rosterError(err)
			}
			defer r.Close()
			if err := c.Survey(r); err != nil {
				return rosterError(err)
			}
			if asJSON {
				enc := json.NewEncoder(a.out)
				enc.SetIndent("", "  ")
				enc.SetEscapeHTML(false)
				err = enc.Encode(r.Description())
			} else {
				err = report.Describe(a.out, args[0], r.Description())
			}
			if err == nil && strict && r.Description().Unusable() > 0 {
				return &exit{status: exitRows}
			}
			return err
		},
	}
	grouped(c.Flags(), "What to change", change.add)
	grouped(c.Flags(), "The file", users.add)
	grouped(c.Flags(), "Output", func(fs *pflag.FlagSet) {
		fs.BoolVar(&asJSON, "json", false, "print JSON")
		fs.BoolVar(&strict, "strict", false, "exit with 3 if any row can't be used")
	})
	return c
}

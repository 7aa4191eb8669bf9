package main

import (
	"errors"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rollcall/pipeline"
	"rollcall/pipeline/results"
	"rollcall/report"
)

func (a *app) set() *cobra.Command {
	var f userFlags
	var yes bool
	c := &cobra.Command{
		Use:   "set UPN...",
		Short: "Change the setting of one or several users, and read it back",
		Long: `set reads the setting of each user named, sets what is not as wanted, reads it back,
and prints a result for each user: as a table on a terminal, as CSV elsewhere.`,
		Example: `  rollcall set ada@contoso.com --privacy-mode opt-in
  rollcall set ada@contoso.com bob@contoso.com --set IsAddInEnabled=false --json
  rollcall set ada@contoso.com --noun CASMailbox --set PopEnabled=false --set ImapEnabled=false`,
		Annotations: more("", meaning{exitOK, "every user is as wanted"}, meaning{exitError, "the tenant can't be used"}, meansWrong,
			meaning{exitRows, "some users could not be set, or read back"},
			meaning{exitInterrupted, "interrupted: the users done so far are shown"}, meaning{exitTerminated, "terminated: the users done so far are shown"}),
		Args: someUsers,
		RunE: func(_ *cobra.Command, args []string) error { return f.set(a, args, yes) },
	}
	grouped(c.Flags(), "What to change", f.change.add)
	c.Flags().Lookup("set").Usage = "`NAME=VALUE` to set; NAME+= and NAME-= for a list; can be repeated (rollcall help values)"
	f.add(c.Flags())
	grouped(c.Flags(), "Guards", func(fs *pflag.FlagSet) {
		fs.BoolVarP(&yes, "yes", "y", false, "do not ask for confirmation before writing to a real tenant")
	})
	return c
}

func (f *userFlags) set(a *app, upns []string, yes bool) error {
	change, err := f.change.required()
	if err != nil {
		return err
	}
	run, conn, err := f.start(a, change)
	if err != nil {
		return err
	}
	defer conn.Close()
	interrupts := watch(a.console, stopTimeout)
	defer interrupts.end()
	ctx, cancel := interrupts.first()
	defer cancel()
	if err := conn.SignIn(ctx, true); err != nil {
		if status := interrupts.status(); status != 0 {
			return &exit{status: status, err: errInterrupted}
		}
		return explain(err, conn.Auth)
	}
	if conn.Real && !yes {
		question, err := f.question(change, upns, conn.Title())
		if err != nil {
			return err
		}
		if err := a.confirm(interrupts, question); err != nil {
			return err
		}
	}
	interrupts.says(func() string { return "finishing the users in progress, " + interrupts.atMost() })
	run.ReadFirst = true
	run.Stop = interrupts.stop
	table := f.table(a)
	var summary pipeline.Counts
	err = run.Do(interrupts.ctx, &userRows{upns: upns}, pipeline.Tee(&summary, &tableRecorder{table, change.Properties(), change.Moved()}))
	if serr := conn.Save(); err == nil {
		err = serr
	}
	if perr := f.print(a, table); err == nil {
		err = perr
	}
	switch status := interrupts.status(); {
	case status != 0 && (err == nil || errors.Is(err, errInterrupted)):
		return &exit{status: status}
	case status != 0:
		return &exit{status: status, err: err}
	case err == nil && summary.Failed() > 0:
		return &exit{status: exitRows}
	}
	return explain(err, conn.Auth)
}

// A tableRecorder adds results to a table.
type tableRecorder struct {
	*report.Table
	properties, moved []string
}

func (t *tableRecorder) Record(r *pipeline.Result) error {
	columns := []string{"UserPrincipalName", "Status"}
	record := map[string]any{"UserPrincipalName": r.Row.UPN, "Status": r.Status.String()}
	for i, p := range t.properties {
		columns = append(columns, p, p+".Before")
		record[p], record[p+".Before"] = r.Values[i].After, r.Values[i].Before
	}
	for i, m := range t.moved {
		columns = append(columns, m, m+".Before")
		record[m], record[m+".Before"] = r.Moved[i].After, r.Moved[i].Before
	}
	columns = append(columns, "Error")
	record["Error"] = results.Remark(r)
	t.Add(columns, record)
	return nil
}

func (t *tableRecorder) Flush() error { return nil }

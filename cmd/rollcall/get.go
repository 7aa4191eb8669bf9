package main

import (
	"errors"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"rollcall/pipeline/roster"
	"rollcall/tenant"
)

func (a *app) get() *cobra.Command {
	var f userFlags
	c := &cobra.Command{
		Use:   "get UPN...",
		Short: "Show the setting of one or several users",
		Long: `get reads the setting of each user named and prints it: as a table on a terminal, as
CSV elsewhere, or in the form of --format.`,
		Example: `  rollcall get ada@contoso.com
  rollcall get ada@contoso.com bob@contoso.com --json
  rollcall get ada@contoso.com --noun VivaInsightsSettings`,
		Annotations: more("", meaning{exitOK, "every user was read"}, meaning{exitError, "the tenant can't be used"}, meansWrong,
			meaning{exitRows, "some users could not be read"}, meaning{exitInterrupted, "interrupted"}, meaning{exitTerminated, "terminated"}),
		Args: someUsers,
		RunE: func(_ *cobra.Command, args []string) error { return f.get(a, args) },
	}
	grouped(c.Flags(), "The setting", f.change.addNoun)
	f.add(c.Flags())
	return c
}

func (f *userFlags) get(a *app, upns []string) error {
	change, err := f.change.change()
	if err != nil {
		return err
	}
	run, conn, err := f.start(a, change)
	if err != nil {
		return err
	}
	defer conn.Close()
	run.Tenant = tenant.ReadOnly(conn)
	interrupts := watch(a.console, stopTimeout)
	defer interrupts.end()
	ctx, cancel := interrupts.first()
	defer cancel()
	interrupted := func() error { return &exit{status: interrupts.status(), err: errInterrupted} }
	if err := conn.SignIn(ctx, false); err != nil {
		if interrupts.status() != 0 {
			return interrupted()
		}
		return explain(err, conn.Auth)
	}

	table := f.table(a)
	failed := false
	for _, upn := range upns {
		if upn, err = roster.ParseUPN(upn); err != nil {
			return err
		}
		object, err := run.Read(ctx, upn)
		if interrupts.status() != 0 {
			return interrupted()
		}
		if errors.Is(err, tenant.Unauthorized) {
			return explain(err, conn.Auth)
		}
		if err != nil {
			failed = true
			a.console.Say("%v", err)
			continue
		}
		record := map[string]any{"UserPrincipalName": upn}
		maps.Copy(record, object)
		// First the properties that rollcall knows of the noun, in their order, then
		// the others, sorted by name.
		columns := append([]string{"UserPrincipalName"}, change.Setting.PropertyNames()...)
		table.Add(append(columns, slices.Sorted(maps.Keys(object))...), record)
	}
	if err := f.print(a, table); err != nil {
		return err
	}
	if failed {
		return &exit{status: exitRows}
	}
	return nil
}

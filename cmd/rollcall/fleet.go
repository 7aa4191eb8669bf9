package main

import (
	"errors"

	"github.com/spf13/cobra"
)

// fleet returns the commands that work on many tenants.
func (a *app) fleet() *cobra.Command {
	c := &cobra.Command{
		Use:   "fleet",
		Short: "Work on many tenants as one: a file names them, and what to do",
		Args:  noCommand,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
		Long: `fleet works on many tenants as one. A fleet file names them, with a roster and a
profile for each, and says what to do on all of them (rollcall help fleet).`,
	}
	c.AddCommand(a.fleetCheck(), a.fleetRun(), a.fleetServe(), a.fleetWork(), a.fleetSubmit(), a.fleetStatus(), a.fleetResults(), a.fleetSchedule())
	c.AddCommand(a.controls()...)
	return c
}

// ofFleet reports whether c is one of the commands of fleet.
func ofFleet(c *cobra.Command) bool {
	for ; c.HasParent(); c = c.Parent() {
		if c.Parent().Name() == "fleet" {
			return true
		}
	}
	return false
}

// oneFleet is the rule for commands that read a fleet file.
func oneFleet(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return errors.New("want one fleet file, such as fleet.yaml (rollcall help fleet)")
	}
	return nil
}

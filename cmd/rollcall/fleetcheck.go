package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"rollcall/pipeline"
)

func (a *app) fleetCheck() *cobra.Command {
	return &cobra.Command{
		Use:   "check FLEET",
		Short: "Say what is in a fleet file, and all that is wrong with it; contacts no tenant",
		Long: `check reads a fleet file, and the profile and the roster of each of its tenants. It
says what would be done, or all that is wrong at once. It contacts no tenant.`,
		Example: `  rollcall fleet check fleet.yaml
  rollcall fleet check fleet.yaml --config /etc/rollcall/rollcall.yaml
  rollcall fleet check fleet.yaml || echo wrong`,
		Annotations: more(`A line says what the fleet is to do, and one for each tenant what was found in its
roster, what is wanted and where. rollcall help fleet has the form of the file.`,
			meaning{exitOK, "the fleet can be run, as far as can be told without a call"},
			meaning{exitError, "the file can't be read"}, meaning{exitUsage, "the file is wrong: all that is wrong with it was said"}),
		Args: oneFleet,
		RunE: func(_ *cobra.Command, args []string) error {
			p, err := a.planFleet(args[0])
			if err != nil {
				return err
			}
			return p.describe(a)
		},
	}
}

// describe prints what the fleet would do.
func (p *fleetPlan) describe(a *app) error {
	if _, err := fmt.Fprintf(a.out, "fleet %s: %s\n", p.Name, p.summary()); err != nil {
		return err
	}
	for _, j := range p.jobs {
		fmt.Fprintf(a.out, "%s: %s on the %s; %s: %s\n", j.Name, j.found.Change, j.found.Tenant, j.Roster, j.found.Roster)
		for _, w := range j.warnings {
			a.console.Warn("warning: %s: %s", j.Name, w)
		}
	}
	return nil
}

// summary says in a line what is done to how many.
func (p *fleetPlan) summary() string {
	return fmt.Sprintf("%s, %s, %s, %d at once", p.Run, pipeline.Plural(len(p.jobs), "tenant"), pipeline.Plural(p.users(), "user"), min(p.Parallel, len(p.jobs)))
}

// users returns how many users there are, on all tenants.
func (p *fleetPlan) users() (n int) {
	for _, j := range p.jobs {
		n += j.found.Roster.Users
	}
	return n
}

// real returns the jobs that are on no sandbox.
func (p *fleetPlan) real() []*fleetJob {
	return slices.DeleteFunc(slices.Clone(p.jobs), func(j *fleetJob) bool { return !j.found.Real })
}

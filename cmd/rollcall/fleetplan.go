package main

import (
	"errors"
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"rollcall/pipeline/fleet"
)

// A fleetPlan is a fleet whose file nothing is wrong with.
type fleetPlan struct {
	*fleet.File
	jobs []*fleetJob // of its tenants, in their order
}

// planFleet reads the fleet file called name, and looks at the roster and the
// settings of each tenant. No tenant is contacted. The error names all that is wrong.
func (a *app) planFleet(name string) (*fleetPlan, error) {
	file, err := fleet.Read(name)
	faults, ok := errors.AsType[fleet.FaultsError](err)
	if err != nil && !ok {
		return nil, err
	}
	if file == nil {
		return nil, usage(faults)
	}
	p := &fleetPlan{File: file, jobs: make([]*fleetJob, len(file.Tenants))}
	found := make([][]fleet.Fault, len(file.Tenants))
	names := slices.Clip(flagNames(new(app).root())) // the flags of a would be given their defaults
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, t := range file.Tenants {
		g.Go(func() error {
			p.jobs[i], found[i] = a.planTenant(file, t, names)
			return nil
		})
	}
	g.Wait()
	seen := make(map[string]bool) // what all tenants have from the fleet is said once
	for _, of := range found {
		for _, f := range of {
			if text := f.Error(); !seen[text] {
				seen[text] = true
				faults = append(faults, f)
			}
		}
	}
	if faults = append(faults, p.collisions()...); len(faults) > 0 {
		return nil, usage(faults)
	}
	return p, nil
}

// collisions finds tenants that are one: an organization and a setting can be in a
// fleet once.
func (p *fleetPlan) collisions() (faults []fleet.Fault) {
	first := make(map[string]*fleetJob)
	for _, j := range p.jobs {
		if j == nil || j.found == nil || j.writesTo() == "" {
			continue
		}
		key := j.writesTo()
		if was, ok := first[key]; ok {
			faults = append(faults, fleet.Fault{At: j.At, Err: fmt.Errorf("tenant %q: %s of the %s is that of tenant %q, %s", j.Name, j.found.Noun, j.found.Tenant, was.Name, was.At)})
			continue
		}
		first[key] = j
	}
	return faults
}

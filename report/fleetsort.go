package report

import (
	"cmp"
	"slices"
)

// SortByNeed puts those tenants first that people look for: those that have not been
// carried out, then those with failed rows, then those at work. Otherwise their order
// stays.
func (s *FleetStatus) SortByNeed() {
	slices.SortStableFunc(s.Tenants, func(x, y FleetTenantStatus) int { return cmp.Compare(x.need(), y.need()) })
}

// need returns where a tenant stands in the order of [FleetStatus.SortByNeed].
func (t *FleetTenantStatus) need() int {
	switch {
	case t.Over() && !t.Complete():
		return 0
	case t.Rows.Failed > 0:
		return 1
	case t.State == FleetRunning:
		return 2
	}
	return 3
}

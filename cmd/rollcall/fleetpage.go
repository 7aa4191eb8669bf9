package main

import (
	"errors"

	"rollcall/report/html"
	"rollcall/tenant/disk"
)

// checkFleetPage returns an error if the HTML report of a fleet called name can't be
// written. Of a fleet that has begun it may replace a report, and nothing else.
func checkFleetPage(name string, begun bool) error {
	err := disk.CheckReplace(name, begun && html.IsReport(name))
	if errors.Is(err, disk.ErrExists) {
		return &exit{status: exitError, err: err, hint: "--html FILE names another one"}
	}
	return err
}

package main

import (
	"errors"

	"rollcall/pipeline/job"
	"rollcall/pipeline/results"
	"rollcall/tenant"
)

// cause says of which kind the reason is why a run is not complete, in words that name
// no user, for those who are told of it elsewhere.
func cause(o *results.Outcome, err error) string {
	guard, _ := errors.AsType[*job.GuardError](err)
	switch {
	case o.Ending == results.Complete:
		return ""
	case guard != nil && guard.Guard != "":
		return "stopped by --" + guard.Guard
	case guard != nil:
		return "the first rows all came to the same, or the tenant could not be reached"
	case errors.Is(err, errNobodyToAsk):
		return "not confirmed: --yes is missing"
	case o.Exit == exitHeld:
		return "another run holds the results file or the tenant"
	case errors.Is(err, tenant.Unauthorized):
		return "the tenant lets nobody in: rollcall doctor says why"
	case o.Ending == results.Errored:
		return "an error, which the messages on that machine say"
	}
	return ""
}

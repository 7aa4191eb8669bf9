package fleet

import (
	"fmt"

	"rollcall/pipeline"
	"rollcall/pipeline/results"
)

// Cancelled is the state of a job that people have ended. The others are Waiting and the
// endings of package results.
const Cancelled = "cancelled"

// What the End of a tenant can be beside its state.
const (
	Refused = "refused" // the last run left it as it was
	Stopped = "stopped" // since too many others failed
)

// A Progress is how far a job is that is at work.
type Progress struct {
	Rows          Rows    `json:"rows"` // recorded, or done and about to be
	InProgress    int     `json:"in_progress"`
	RowsPerSecond float64 `json:"rows_per_second"`
}

// HasFailed reports whether the job was not carried out to its end, for another reason
// than that people stopped it, or that others failed.
func (o *Outcome) HasFailed() bool {
	return o.State == results.Errored || o.State == results.Guarded && !o.WithFleet
}

// End says in a word what became of the tenant, its fleet's part in that included: a
// guard of others is none of its own.
func (t *TenantRecord) End() string {
	switch {
	case t.Refused != "":
		return Refused
	case t.State == results.Guarded && t.WithFleet:
		return Stopped
	}
	return t.State
}

// TooManyFailed says why there are more failed tenants than most allows, or returns "".
func (r *Record) TooManyFailed(most pipeline.Share) string {
	if !most.IsSet() {
		return ""
	}
	failed := 0
	for i := range r.Tenants {
		if t := &r.Tenants[i]; t.HasFailed() || t.Refused != "" {
			failed++
		}
	}
	if !most.Exceeded(failed, len(r.Tenants)) {
		return ""
	}
	return fmt.Sprintf("%d of %s failed, more than %v", failed, pipeline.Plural(len(r.Tenants), "tenant"), most)
}

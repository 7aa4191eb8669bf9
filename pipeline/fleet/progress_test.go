package fleet

import (
	"testing"

	"rollcall/pipeline"
	"rollcall/pipeline/results"
)

// A tenant that was refused has failed, whatever became of it before.
func TestTooManyRefused(t *testing.T) {
	none, err := pipeline.ParseShare("0")
	if err != nil {
		t.Fatal(err)
	}
	r := Record{Tenants: make([]TenantRecord, 2)}
	for i := range r.Tenants {
		r.Tenants[i].State = results.Complete
	}
	if why := r.TooManyFailed(none); why != "" {
		t.Errorf("too many, though none has failed: %s", why)
	}
	r.Tenants[1].Refused = "it is another job"
	if got, want := r.TooManyFailed(none), "1 of 2 tenants failed, more than 0"; got != want {
		t.Errorf("it says %q, want %q", got, want)
	}
}

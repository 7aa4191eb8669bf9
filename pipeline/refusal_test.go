package pipeline

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/tenant"
)

// Rows in progress when the tenant refuses every call may have been set only if a set
// among them had another answer than that, or none.
func TestRefusedSetsChangeNothing(t *testing.T) {
	for _, test := range []struct {
		name  string
		other func() error  // the answer to the second row
		after time.Duration // when it comes
		want  bool
	}{
		{"refused", func() error { return fail(tenant.Unauthorized) }, time.Second, false},
		{"accepted", func() error { return nil }, time.Second, true},
		{"no answer", func() error { return fail(tenant.Unauthorized) }, time.Hour, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.latency = func(c tenant.Cmdlet) time.Duration {
					if c.Identity == upn(1) {
						return test.after
					}
					return 100 * time.Millisecond
				}
				f.fault = func(c tenant.Cmdlet, _ int) error {
					if c.Identity == upn(1) {
						return test.other()
					}
					return fail(tenant.Unauthorized)
				}
				r := optOut(t, f, 2)
				began := time.Now()
				if err := r.Do(t.Context(), &users{n: 100}, new(list)); !errors.Is(err, tenant.Unauthorized) {
					t.Errorf("run ended with %v, want unauthorized", err)
				}
				if r.MaybeSet != test.want || r.Counts.InProgress != 2 {
					t.Errorf("may be set: %t, want %t; %d rows in progress, want 2", r.MaybeSet, test.want, r.Counts.InProgress)
				}
				if took := time.Since(began); took > 5*time.Second {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

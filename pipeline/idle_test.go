package pipeline

import (
	"testing"
	"testing/synctest"
	"time"

	"rollcall/tenant"
)

// When the last other row is done, rows that wait for the end of an outage go on at once:
// nobody else can find out whether it is over.
func TestLastRowDoneWakesThoseThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		on := newFake()
		on.latency = func(c tenant.Cmdlet) time.Duration {
			if c.Identity == upn(3) && c.Reads() && time.Since(began) < 10*time.Second {
				return 100 * time.Second // it begins before the others fail
			}
			return time.Second
		}
		on.fault = func(c tenant.Cmdlet, _ int) error {
			if c.Identity != upn(3) && time.Since(began) < 90*time.Second {
				return unreachable(c)
			}
			return nil
		}
		var out list
		if err := optOut(t, on, 4).Do(t.Context(), &users{n: 4}, &out); err != nil {
			t.Fatal(err)
		}
		out.checkStatuses(t, map[Status]int{Applied: 4})
		if took := time.Since(began); took > 2*time.Minute {
			t.Errorf("it took %v, want less than 2m", took)
		}
	})
}

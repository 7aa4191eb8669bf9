package html

import (
	"testing"
	"testing/synctest"
	"time"

	"rollcall/pipeline"
	"rollcall/pipeline/pace"
)

// However long a run is, its timeline has few readings, which are evenly spread and
// leave nothing out.
func TestTimelineIsBounded(t *testing.T) {
	for _, length := range []time.Duration{time.Millisecond, time.Second, 59 * time.Second, 61 * time.Second, 10 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			run := &pipeline.Run{Limiter: pace.New(0)}
			line := Watch(run)
			const steps = 1000
			for range steps {
				run.Stats.Calls.Add(3)
				run.Stats.Rows.Add(1)
				time.Sleep(length / steps)
			}
			line.Stop()
			if n := len(line.readings); n > maxReadings {
				t.Errorf("%v: %d readings", length, n)
			}
			for i := 2; i < len(line.readings)-1; i++ {
				if a, b := line.readings[1].at, line.readings[i].at-line.readings[i-1].at; b < a*9/10 || b > a*11/10 {
					t.Errorf("%v: reading %d is %v after the one before, the first was after %v", length, i, b, a)
					break
				}
			}
			total := line.total()
			if total.calls != 3*steps || total.rows != steps || total.to != length {
				t.Errorf("%v: %+v in all", length, total)
			}
			for _, n := range []int{1, tableParts, chartParts} {
				parts := line.intervals(n)
				if len(parts) > n {
					t.Errorf("%v: %d intervals, want %d at most", length, len(parts), n)
				}
				var calls int64
				at := time.Duration(0)
				for _, part := range parts {
					if part.from != at {
						t.Errorf("%v: an interval begins at %v, and the one before ends at %v", length, part.from, at)
					}
					at = part.to
					calls += part.calls
				}
				if calls != total.calls || at != total.to {
					t.Errorf("%v: %d intervals have %d calls to %v, want %d to %v", length, len(parts), calls, at, total.calls, total.to)
				}
			}
		})
	}
}

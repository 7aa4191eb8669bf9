package report

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/pipeline"
	"rollcall/pipeline/pace"
	"rollcall/tenant"
)

// Who found a limit is said: this run, or an earlier one to whose limit this one was held.
func TestSummarySaysWhoFoundThePace(t *testing.T) {
	for _, c := range []struct {
		name    string
		known   pace.Limits
		refused bool
		want    string
	}{
		{"nothing known", pace.Limits{}, false, ""},
		{"known", pace.Limits{Rate: 20, MaxRate: 20}, false, "; held at about 20 a second, which an earlier run found"},
		{"not doubted for long", pace.Limits{Rate: 20, MaxRate: 20, Doubt: 1}, false, ""},
		{"refused", pace.Limits{Rate: 40, MaxRate: 41, Burst: 10, Pause: 1}, true, "; the tenant allowed about "},
	} {
		synctest.Test(t, func(t *testing.T) {
			run := &pipeline.Run{Limiter: pace.New(0)}
			run.Limiter.Assume(c.known)
			start := time.Now()
			for i := range 100 {
				turn, err := run.Limiter.Wait(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if c.refused && i == 50 {
					err = &tenant.Error{Class: tenant.Throttled, RetryAfter: time.Second}
				}
				run.Limiter.Observe(turn, err)
			}
			text := Pace(run, time.Since(start))
			if _, after, _ := strings.Cut(text, "throttled for "); c.want == "" && strings.Contains(after, ";") || !strings.Contains(text, c.want) {
				t.Errorf("%s: %s; want %q", c.name, text, c.want)
			}
			if strings.Contains(text, "held at") && strings.Contains(text, "allowed") {
				t.Errorf("%s: said twice: %s", c.name, text)
			}
		})
	}
}

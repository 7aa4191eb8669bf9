package pipeline

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/tenant"
)

func TestShare(t *testing.T) {
	for _, c := range []struct {
		text     string
		n, total int
		exceeded bool
	}{
		{"0", 0, 10, false},
		{"0", 1, 10, true},
		{"5", 5, 10, false},
		{"5", 6, 10, true},
		{"50%", 50, 100, false},
		{"50%", 51, 100, true},
		{"2.5%", 3, 100, true},
		{"100%", 100, 100, false},
	} {
		s, err := ParseShare(c.text)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Exceeded(c.n, c.total); got != c.exceeded {
			t.Errorf("%s: %d of %d exceeds it: %t, want %t", c.text, c.n, c.total, got, c.exceeded)
		}
		if s.String() != c.text {
			t.Errorf("%s: String() = %s", c.text, s)
		}
	}
	for _, text := range []string{"", "-1", "x", "0%", "101%", "NaN%", "1.5", "%"} {
		if s, err := ParseShare(text); err == nil {
			t.Errorf("%q: %v, want an error", text, s)
		}
	}
	if (Share{}).Exceeded(1, 1) {
		t.Error("no share is exceeded")
	}
}

// Guards stop a run softly, when they should and not before: what is begun is
// recorded, and the rest is not begun.
func TestGuards(t *testing.T) {
	fates := func(fate func(i int) error) func(tenant.Cmdlet, int) error {
		return func(c tenant.Cmdlet, _ int) error {
			for i := range 1000 {
				if c.Identity == upn(i) {
					return fate(i)
				}
			}
			return nil
		}
	}
	share := func(text string) Share {
		s, err := ParseShare(text)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	few := func(n int) func(int) error {
		return func(i int) error {
			if i < n {
				return fail(tenant.NotFound)
			}
			return nil
		}
	}
	because := func(most, one string) func(int) error {
		return func(i int) error {
			e := fail(tenant.Denied)
			if e.Common = most; i == 3 {
				e.Common = one
			}
			return e
		}
	}
	for _, c := range []struct {
		name     string
		guards   Guards
		fate     func(i int) error
		reason   string // a part of it; "" if the run is not to be stopped
		min, max int    // rows recorded
	}{
		{"errors", Guards{MaxErrors: share("5")}, few(1000), "6 of 6 rows failed, more than 5", 6, 20},
		{"few errors", Guards{MaxErrors: share("5")}, few(5), "", 1000, 1000},
		{"a share of errors", Guards{MaxErrors: share("50%")}, few(1000), "100 of 100 rows failed", 100, 120},
		{"errors at first", Guards{MaxErrors: share("50%")}, few(40), "", 1000, 1000},
		{"all alike", Guards{Alike: 20}, few(1000), "the first 20 rows all failed in the same way: not-found: Do-It", 20, 40},
		{"all alike, and why", Guards{Alike: 20}, because("it is the path", "it is the path"), "the first 20 rows all failed in the same way: denied: Do-It: it is the path", 20, 40},
		{"all alike, and not why", Guards{Alike: 20}, because("it is the path", "it is the role"), "the first 20 rows all failed in the same way: denied: Do-It", 20, 40},
		{"all but one alike", Guards{Alike: 20}, func(i int) error {
			if i == 3 {
				return fail(tenant.Denied)
			}
			return fail(tenant.NotFound)
		}, "", 1000, 1000},
		{"alike for a while", Guards{Alike: 20}, few(19), "", 1000, 1000},
		{"canary", Guards{Canary: 10}, func(i int) error {
			if i == 9 {
				return fail(tenant.Failed)
			}
			return nil
		}, "1 of the first 10 rows failed", 10, 10},
		{"canary that is well", Guards{Canary: 10}, func(i int) error {
			if i == 10 {
				return fail(tenant.Failed)
			}
			return nil
		}, "", 1000, 1000},
		{"limit", Guards{Limit: 33}, few(0), "33 rows are done", 33, 33},
		{"duration", Guards{MaxDuration: time.Second}, few(0), "time is up after 1s", 150, 204},
		{"none", Guards{}, few(1000), "", 1000, 1000},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.latency = func(tenant.Cmdlet) time.Duration { return 10 * time.Millisecond }
				f.fault = fates(c.fate)
				run := optOut(t, f, 4)
				run.Guards = c.guards
				var l list
				if err := run.Do(t.Context(), &users{n: 1000}, &l); err != nil {
					t.Fatal(err)
				}
				l.checkPrefix(t)
				if n := len(l.results); n < c.min || n > c.max || n != len(f.counts) {
					t.Errorf("%d rows recorded and %d begun, want %d to %d", n, len(f.counts), c.min, c.max)
				}
				if got := run.Stopped(); (got == "") != (c.reason == "") || !strings.Contains(got, c.reason) || strings.HasSuffix(c.reason, "Do-It") && !strings.HasSuffix(got, c.reason) {
					t.Errorf("stopped: %q, want %q", got, c.reason)
				}
				if run.Stopping() != (c.reason != "") {
					t.Errorf("stopping: %t", run.Stopping())
				}
			})
		})
	}
}

// Whatever the schedule, no row is begun once a guard has its reason to stop: of the rows
// done beyond those that it counted, each other worker had one in progress.
func TestGuardsComeBeforeTheNextRow(t *testing.T) {
	for seed := range uint64(100) {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rnd := rand.New(rand.NewPCG(seed, 3))
				workers, good := 1+rnd.IntN(16), rnd.IntN(200)
				var guards Guards
				var text string
				switch rnd.IntN(3) {
				case 0:
					guards.Alike, good = 1+rnd.IntN(50), 0
				case 1:
					text = fmt.Sprint(rnd.IntN(100))
				case 2:
					text = fmt.Sprint(1+rnd.IntN(90), "%")
				}
				if text != "" {
					var err error
					if guards.MaxErrors, err = ParseShare(text); err != nil {
						t.Fatal(err)
					}
				}
				exists := make(map[string]bool)
				for i := range good {
					exists[upn(i)] = true
				}
				f := newFake()
				f.fault = func(c tenant.Cmdlet, _ int) error {
					if exists[c.Identity] {
						return nil
					}
					return fail(tenant.NotFound)
				}
				if rnd.IntN(2) == 0 {
					f.latency = func(tenant.Cmdlet) time.Duration { return rand.N(10 * time.Millisecond) }
				}
				run := optOut(t, f, workers)
				run.Guards = guards
				var l list
				if err := run.Do(t.Context(), &users{n: 2500}, &l); err != nil {
					t.Fatal(err)
				}
				l.checkPrefix(t)
				var failed, counted int
				if _, err := fmt.Sscanf(run.Stopped(), "%d of %d", &failed, &counted); err != nil {
					if _, err := fmt.Sscanf(run.Stopped(), "the first %d", &counted); err != nil {
						t.Fatalf("stopped: %q", run.Stopped())
					}
				}
				if begun := len(f.counts); begun < counted || begun > counted+workers-1 || begun != len(l.results) {
					t.Errorf("%d workers have begun %d rows, and %d are recorded; the guard counted %d: %s", workers, begun, len(l.results), counted, run.Stopped())
				}
			})
		})
	}
}

// What all rows have in common that were attempted and failed is known in the end,
// however few they are: but for one alone, which speaks for itself.
func TestAlike(t *testing.T) {
	path := func(i int) error {
		e := fail(tenant.NotFound)
		e.Common = "it is the path"
		return e
	}
	for _, c := range []struct {
		name string
		n    int
		fate func(i int) error
		want string
	}{
		{"three", 3, path, "not-found: Do-It: it is the path"},
		{"one", 1, path, ""},
		{"all but the last", 3, func(i int) error {
			if i == 2 {
				return nil
			}
			return path(i)
		}, ""},
		{"two ways", 3, func(i int) error {
			if i == 2 {
				return fail(tenant.Denied)
			}
			return path(i)
		}, ""},
		{"none", 3, func(int) error { return nil }, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			f.fault = func(cmdlet tenant.Cmdlet, _ int) error {
				for i := range c.n {
					if cmdlet.Identity == upn(i) {
						return c.fate(i)
					}
				}
				return nil
			}
			run := optOut(t, f, 2)
			var l list
			if err := run.Do(t.Context(), &users{n: c.n}, &l); err != nil {
				t.Fatal(err)
			}
			if got := run.Alike(); got != c.want {
				t.Errorf("%s: %q, want %q", c.name, got, c.want)
			}
		})
	}
}

// Being throttled is no error, however long.
func TestThrottlingTripsNoGuard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.fault = func(tenant.Cmdlet, int) error { return fail(tenant.Throttled) }
		run := optOut(t, f, 4)
		run.RowTimeout = time.Minute
		s, err := ParseShare("1")
		if err != nil {
			t.Fatal(err)
		}
		run.Guards = Guards{MaxErrors: s, Alike: 2}
		var l list
		if err := run.Do(t.Context(), &users{n: 30}, &l); err != nil {
			t.Fatal(err)
		}
		l.checkStatuses(t, map[Status]int{Failed: 30})
		if got := run.Stopped(); got != "" {
			t.Errorf("stopped: %s", got)
		}
	})
}

// A row of the canary that is throttled until its time is over has failed like any other:
// the rows behind it do not wait for ever.
func TestThrottledRowFailsTheCanary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.fault = func(c tenant.Cmdlet, _ int) error {
			if c.Identity == upn(3) {
				return fail(tenant.Throttled)
			}
			return nil
		}
		run := optOut(t, f, 4)
		run.RowTimeout = time.Minute
		run.Guards.Canary = 10
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		var l list
		if err := run.Do(ctx, &users{n: 100}, &l); err != nil {
			t.Fatal(err)
		}
		l.checkStatuses(t, map[Status]int{Applied: 9, Failed: 1})
		if got, want := run.Stopped(), "1 of the first 10 rows failed"; got != want {
			t.Errorf("stopped: %q, want %q", got, want)
		}
	})
}

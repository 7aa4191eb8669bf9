package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/tenant"
)

// Whatever the schedule, the number of workers and the faults of the moment,
// every row is recorded once, in order, and every user is as wanted.
func TestResultsAreCompleteAndInOrder(t *testing.T) {
	for seed := range uint64(100) {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rnd := rand.New(rand.NewPCG(seed, 0))
				n, workers := rnd.IntN(300), 1+rnd.IntN(20)
				slow := time.Duration(1 + rnd.IntN(1000))
				rate := rnd.Float64() * 0.3
				f := newFake()
				f.after = rnd.IntN(2) == 0
				f.lag = time.Duration(rnd.IntN(3)) * time.Second
				draw := func() float64 { f.mu.Lock(); defer f.mu.Unlock(); return rnd.Float64() }
				f.latency = func(tenant.Cmdlet) time.Duration {
					return time.Duration(draw() * float64(slow*time.Millisecond))
				}
				f.fault = func(_ tenant.Cmdlet, _ int) error {
					switch x := draw(); {
					case x < rate/2:
						return fail(tenant.Unavailable)
					case x < rate:
						return fail(tenant.Throttled)
					}
					return nil
				}
				broken := make(map[int]bool)
				for range n / 10 {
					broken[rnd.IntN(n)] = true
				}
				run := optOut(t, f, workers)
				run.Retries = 100
				run.RowTimeout = 0
				run.ReadFirst = rnd.IntN(2) == 0
				start := time.Now()
				var l list
				if err := run.Do(t.Context(), &users{n: n, broken: broken}, &l); err != nil {
					t.Fatal(err)
				}
				l.checkPrefix(t)
				if len(l.results) != n {
					t.Errorf("%d results, want %d", len(l.results), n)
				}
				for i, r := range l.results {
					switch {
					case broken[i]:
						if r.Status != Invalid || f.counts[upn(i)] != 0 {
							t.Errorf("row %d: %s after %d calls, want invalid after none", i, r.Status, f.counts[upn(i)])
						}
					case r.Status != Applied && r.Status != Unchanged, f.modes[upn(i)] != "opt-out":
						t.Errorf("row %d: %s (%v), the user is %s", i, r.Status, r.Err, f.modes[upn(i)])
					case r.Finished.Before(start):
						t.Errorf("row %d finished at %v", i, r.Finished)
					case r.Attempts != f.counts[upn(i)]:
						t.Errorf("row %d: %d attempts, the tenant saw %d", i, r.Attempts, f.counts[upn(i)])
					}
				}
				if f.most > workers {
					t.Errorf("%d calls at once by %d workers", f.most, workers)
				}
				if got := run.Stats.Calls.Load(); got != int64(len(f.calls)) {
					t.Errorf("Stats.Calls = %d, the tenant saw %d", got, len(f.calls))
				}
				if got := run.Stats.Rows.Load(); got != int64(n) || run.Stats.InProgress() != 0 || run.Counts.InProgress != 0 {
					t.Errorf("Stats: %d rows, %d in hand, %d not recorded; want %d, 0, 0", got, run.Stats.InProgress(), run.Counts.InProgress, n)
				}
				for s, want := range l.statuses() {
					if got := run.Stats.ByStatus[s].Load(); got != int64(want) {
						t.Errorf("Stats: %d rows %s, want %d", got, s, want)
					}
				}
				if faults := run.Stats.Retries.Load(); faults != f.faults.Load() {
					t.Errorf("Stats.Retries = %d, there were %d faults", faults, f.faults.Load())
				}
				if l.flushed != n {
					t.Errorf("%d of %d results flushed at the end", l.flushed, n)
				}
			})
		})
	}
}

// A slow row holds back the work only when the window is full, and never lets
// more than the window be begun.
func TestSlowRowHoldsBackTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, workers = Window + 1000, 4
		f := newFake()
		f.latency = func(c tenant.Cmdlet) time.Duration {
			if c.Identity == upn(0) {
				return time.Hour
			}
			return time.Millisecond
		}
		var l list
		begun := 0
		l.record = func(r *Result) error {
			if r.Row.Line == 2 {
				begun = len(f.counts)
			}
			return nil
		}
		if err := optOut(t, f, workers).Do(t.Context(), &users{n: n}, &l); err != nil {
			t.Fatal(err)
		}
		if begun != Window {
			t.Errorf("%d rows begun while the first was not done, want %d", begun, Window)
		}
		l.checkStatuses(t, map[Status]int{Applied: n})
	})
}

// A row that waits while the window fills behind it goes on when it is time:
// workers with nothing to do don't keep it from its place.
func TestWaitingRowGoesOnWhenTheWindowIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.fault = func(c tenant.Cmdlet, n int) error {
			if c.Identity == upn(0) && n == 0 {
				return fail(tenant.Unavailable)
			}
			return nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		var l list
		if err := optOut(t, f, 4).Do(ctx, &users{n: Window + 10}, &l); err != nil {
			t.Fatal(err)
		}
		l.checkStatuses(t, map[Status]int{Applied: Window + 10})
	})
}

// Minutes of retries for some rows cost the others nothing while the window lasts.
func TestRetriesSlowNoOtherRow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, workers, latency = 2000, 4, 10 * time.Millisecond
		f := newFake()
		f.latency = func(tenant.Cmdlet) time.Duration { return latency }
		start := time.Now()
		f.fault = func(c tenant.Cmdlet, _ int) error {
			for i := range 8 { // twice as many as there are workers
				if c.Identity == upn(i) && time.Since(start) < 5*time.Minute {
					return fail(tenant.Unavailable)
				}
			}
			return nil
		}
		run := optOut(t, f, workers)
		run.Retries, run.RowTimeout = 100, time.Hour
		var l list
		if err := run.Do(t.Context(), &users{n: n}, &l); err != nil {
			t.Fatal(err)
		}
		l.checkStatuses(t, map[Status]int{Applied: n})
		var last time.Duration // of the rows that nothing is wrong with
		for _, c := range f.calls {
			if c.upn == upn(n-1) {
				last = c.at.Sub(start)
			}
		}
		if ideal := n * 2 * latency / workers; last > ideal*11/10 {
			t.Errorf("the other rows took %v, want %v or little more", last, ideal)
		}
		if d := time.Since(start); d < 5*time.Minute {
			t.Errorf("the slow rows were done after %v", d)
		}
	})
}

// A run that holds a read-only tenant ends at the first set, which is not made.
func TestReadOnlyTenantEndsAnApply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		err := optOut(t, tenant.ReadOnly(f), 2).Do(t.Context(), &users{n: 5}, new(list))
		if !errors.Is(err, tenant.ErrReadOnly) || f.writes() != 0 {
			t.Errorf("run ended with %v after %d writes", err, f.writes())
		}
	})
}

// A row that waits, for its next attempt or to be read back again, leaves its
// place to others.
func TestWaitingRowsHoldNoWorker(t *testing.T) {
	const n = 200
	for name, f := range map[string]*fake{
		"stale read": {lag: 10 * time.Second},
		"retry": {fault: func(_ tenant.Cmdlet, n int) error {
			if n < 3 {
				return fail(tenant.Unavailable)
			}
			return nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake := newFake()
				fake.lag, fake.fault = f.lag, f.fault
				fake.latency = func(tenant.Cmdlet) time.Duration { return 10 * time.Millisecond }
				start := time.Now()
				var l list
				if err := optOut(t, fake, 1).Do(t.Context(), &users{n: n}, &l); err != nil {
					t.Fatal(err)
				}
				l.checkStatuses(t, map[Status]int{Applied: n})
				// One after another they would take n times as long as one.
				if d := time.Since(start); d > 40*time.Second {
					t.Errorf("%d rows took %v", n, d)
				}
				if fake.most > 1 {
					t.Errorf("%d calls at once by one worker", fake.most)
				}
			})
		})
	}
}

// After Stop no row is begun, those begun are finished, and all of them are
// recorded: the tenant was not asked for any other.
func TestStopFinishesTheRowsInHand(t *testing.T) {
	for seed := range uint64(50) {
		synctest.Test(t, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			f := newFake()
			f.lag = time.Duration(rnd.IntN(2)) * time.Second
			f.latency = func(tenant.Cmdlet) time.Duration { return 10 * time.Millisecond }
			run := optOut(t, f, 1+rnd.IntN(10))
			stop := make(chan struct{})
			run.Stop = stop
			var stopped time.Time
			time.AfterFunc(time.Duration(rnd.IntN(1000))*time.Millisecond, func() { stopped = time.Now(); close(stop) })
			var l list
			if err := run.Do(t.Context(), &users{n: 5000}, &l); err != nil {
				t.Fatal(err)
			}
			l.checkPrefix(t)
			l.checkStatuses(t, map[Status]int{Applied: len(f.counts)})
			if len(l.results) == 5000 {
				t.Error("all rows were begun")
			}
			// The rows in hand and one more a worker, and none of those queued.
			if n := f.begunAfter(stopped); n > run.Workers {
				t.Errorf("%d rows begun after the stop by %d workers", n, run.Workers)
			}
		})
	}
}

// When its context ends a run ends at once; what is recorded is the first rows,
// and each of them is complete.
func TestCancelLeavesPrefix(t *testing.T) {
	for seed := range uint64(50) {
		synctest.Test(t, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 2))
			cause := errors.New("enough")
			ctx, cancel := context.WithCancelCause(t.Context())
			f := newFake()
			f.lag = time.Duration(rnd.IntN(2)) * time.Second
			f.latency = func(tenant.Cmdlet) time.Duration { return time.Second }
			after := time.Duration(rnd.IntN(20000)) * time.Millisecond
			time.AfterFunc(after, func() { cancel(cause) })
			start := time.Now()
			var l list
			err := optOut(t, f, 1+rnd.IntN(10)).Do(ctx, &users{n: 5000}, &l)
			if err != cause {
				t.Errorf("run ended with %v, want %v", err, cause)
			}
			if d := time.Since(start); d > after {
				t.Errorf("run ended %v after its context", d-after)
			}
			l.checkPrefix(t)
			l.checkStatuses(t, onlyIf(len(l.results) > 0, Applied, len(l.results)))
		})
	}
}

func onlyIf(cond bool, s Status, n int) map[Status]int {
	if !cond {
		return map[Status]int{}
	}
	return map[Status]int{s: n}
}

// A token that is refused ends the run, without asking for every row.
func TestRefusedTokenEndsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.latency = func(tenant.Cmdlet) time.Duration { return time.Second }
		f.fault = func(c tenant.Cmdlet, _ int) error {
			if c.Identity >= upn(3) {
				return fail(tenant.Unauthorized)
			}
			return nil
		}
		var l list
		err := optOut(t, f, 2).Do(t.Context(), &users{n: 1000}, &l)
		if !errors.Is(err, tenant.Unauthorized) {
			t.Errorf("run ended with %v, want unauthorized", err)
		}
		l.checkPrefix(t)
		if len(l.results) > 3 || len(f.calls) > 10 {
			t.Errorf("%d rows recorded, %d calls made", len(l.results), len(f.calls))
		}
	})
}

// A result that can't be recorded ends the run.
func TestRecorderErrorEndsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("disk full")
		f := newFake()
		f.latency = func(tenant.Cmdlet) time.Duration { return time.Second }
		l := list{record: func(r *Result) error {
			if r.Row.Line == 12 {
				return full
			}
			return nil
		}}
		if err := optOut(t, f, 4).Do(t.Context(), &users{n: 5000}, &l); err != full {
			t.Errorf("run ended with %v, want %v", err, full)
		}
		l.checkPrefix(t)
		if len(l.results) != 10 || len(f.counts) > 20 {
			t.Errorf("%d rows recorded, %d begun; want 10 and a few more", len(l.results), len(f.counts))
		}
	})
}

// A record is flushed soon after it was made, while the next row takes its time.
func TestRecordsAreFlushedWhileOthersTakeTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.latency = func(c tenant.Cmdlet) time.Duration {
			if c.Identity == upn(3) {
				return time.Hour
			}
			return time.Millisecond
		}
		start := time.Now()
		var l list
		l.flush = func() {
			if l.flushed == 3 && time.Since(start) > time.Second {
				t.Errorf("flushed %v after the start", time.Since(start))
			}
			l.flush = nil
		}
		if err := optOut(t, f, 1).Do(t.Context(), &users{n: 5}, &l); err != nil {
			t.Fatal(err)
		}
		if l.flush != nil {
			t.Error("never flushed")
		}
	})
}

// begunAfter returns for how many users the first call came after t.
func (f *fake) begunAfter(t time.Time) int {
	seen, n := make(map[string]bool), 0
	for _, c := range f.calls {
		if !seen[c.upn] && c.at.After(t) {
			n++
		}
		seen[c.upn] = true
	}
	return n
}

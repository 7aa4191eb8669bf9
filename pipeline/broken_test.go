package pipeline

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/pipeline/pace"
	"rollcall/pipeline/roster"
	"rollcall/tenant"
)

// Rows whose calls never get through fail alone, after their retries, be they one or
// many, apart or side by side, all there are or the last: the others are done, and it
// takes minutes at most.
func TestRowsThatAreBrokenFailAlone(t *testing.T) {
	for seed := range uint64(300) {
		synctest.Test(t, func(t *testing.T) {
			chance := rand.New(rand.NewPCG(seed, 7))
			n := 1 + chance.IntN(300)
			broken := make(map[string]bool)
			at, gap := chance.IntN(n), 1+chance.IntN(3)
			for i := range 1 + chance.IntN(12) {
				broken[upn((at+i*gap)%n)] = true
			}
			sets := chance.IntN(3) == 0 // only these fail
			if !sets || n > 1 {
				delete(broken, upn(0)) // or nothing tells this from an outage at the start
			}
			on := newFake()
			latency := []time.Duration{time.Millisecond, 100 * time.Millisecond, 4 * time.Second}[chance.IntN(3)]
			on.latency = func(tenant.Cmdlet) time.Duration { return latency }
			on.fault = func(c tenant.Cmdlet, _ int) error {
				if broken[c.Identity] && !(sets && c.Reads()) {
					return unreachable(c)
				}
				return nil
			}
			run := optOut(t, on, 1+chance.IntN(9))
			run.ReadFirst = chance.IntN(2) == 0
			run.Retries = chance.IntN(6)
			var out list
			began := time.Now()
			if err := run.Do(t.Context(), &users{n: n}, &out); err != nil || run.Stopped() != "" {
				t.Fatalf("seed %d: %d of %d rows broken: %v, stopped: %q", seed, len(broken), n, err, run.Stopped())
			}
			for _, r := range out.results {
				want := Applied
				if broken[r.Row.UPN] {
					want = Failed
					if strings.HasPrefix(r.Status.String(), "unver") {
						want = Unverified // the set may have been made, and nothing could be read
					}
				}
				if r.Status != want {
					t.Errorf("seed %d: %s, broken: %v: %v, %v", seed, r.Row.UPN, broken[r.Row.UPN], r.Status, r.Err)
				}
				if broken[r.Row.UPN] && !strings.Contains(r.Err.Error(), "retries are used") {
					t.Errorf("seed %d: %v", seed, r.Err)
				}
			}
			if len(out.results) != n {
				t.Errorf("seed %d: %d rows, want %d", seed, len(out.results), n)
			}
			calls := time.Duration(3*n) * latency
			if took := time.Since(began); took > calls+8*time.Minute {
				t.Errorf("seed %d: %d of %d rows broken, latency %v, %d workers: took %v", seed, len(broken), n, latency, run.Workers, took)
			}
		})
	}
}

// A run does not wait for a tenant longer than it may: then a guard stops it, no row
// has failed, and another run does what is left, as often as it takes.
func TestOutageBeyondItsBound(t *testing.T) {
	for seed := range uint64(100) {
		synctest.Test(t, func(t *testing.T) {
			chance := rand.New(rand.NewPCG(seed, 8))
			n := 1 + chance.IntN(100)
			on := &cutTenant{fake: newFake(), kind: cuts[chance.IntN(4)]}
			on.latency = func(tenant.Cmdlet) time.Duration { return 50 * time.Millisecond }
			on.from = time.Now().Add(time.Duration(60+chance.IntN(20*n)) * time.Millisecond)
			on.to = on.from.Add(24 * time.Hour)
			longest := time.Duration(0) // that a call takes to fail
			if on.kind == "black hole" {
				longest = 2 * time.Minute
			}
			done := 0
			for life, lives := 0, 1+chance.IntN(40); ; life++ {
				if life == lives {
					on.to = time.Now()
				}
				run := optOut(t, on, 1+chance.IntN(8))
				run.Retries = chance.IntN(6)
				var out list
				began := time.Now()
				rows := &users{n: n, read: done}
				if err := run.Do(t.Context(), rows, &out); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				for i, r := range out.results {
					if r.Status != Applied || r.Row.UPN != upn(done+i) {
						t.Errorf("seed %d: record %d is of %s: %v, %v", seed, done+i, r.Row.UPN, r.Status, r.Err)
					}
				}
				done += len(out.results)
				took := time.Since(began)
				if done == n {
					break
				}
				switch why := run.Stopped(); {
				case !strings.Contains(why, "connection refused"):
					t.Fatalf("seed %d: stopped: %q", seed, why)
				case life == 0 && run.StoppedBy() != "row-timeout" && len(out.results) > 0:
					t.Errorf("seed %d: stopped: %q", seed, why)
				case life == 0 && len(out.results) > 0 && took < 30*time.Minute, took > 40*time.Minute:
					t.Errorf("seed %d: stopped after %v: %q", seed, took, why)
				case life > 0 && strings.Contains(why, "from the start") && took > time.Minute+6*longest:
					t.Errorf("seed %d: stopped after %v: %q", seed, took, why)
				case life >= lives:
					t.Fatalf("seed %d: no end", seed)
				}
				time.Sleep(time.Minute)
			}
			for i := range n {
				if on.mode(upn(i)) != "opt-out" {
					t.Errorf("seed %d: %s is not as it should be", seed, upn(i))
				}
			}
		})
	}
}

// In an outage one call at a time is made, with waits that grow, whatever the
// workers; no other befalls the tenant, and no more than --rate allows.
func TestOutageIsProbedByOneCall(t *testing.T) {
	for _, workers := range []int{1, 4, 64} {
		for _, rate := range []float64{0, 0.2} {
			synctest.Test(t, func(t *testing.T) {
				on := &cutTenant{fake: newFake(), kind: "refused", from: time.Now().Add(40 * time.Second)}
				on.to = on.from.Add(20 * time.Minute)
				on.latency = func(tenant.Cmdlet) time.Duration { return 300 * time.Millisecond }
				run := optOut(t, on, workers)
				run.Limiter = pace.New(rate)
				n := 10000
				if rate > 0 {
					n = 40
				}
				var out list
				if err := run.Do(t.Context(), &users{n: n}, &out); err != nil {
					t.Fatal(err)
				}
				out.checkStatuses(t, map[Status]int{Applied: n})
				before, after := 0, 0
				for i, c := range on.failed {
					switch {
					case c.at.Sub(on.from) < time.Second:
						before++
					case i > 0 && c.at.Sub(on.failed[i-1].at) < time.Second/3:
						t.Errorf("%d workers: calls %d and %d of the outage are %v apart", workers, i-1, i, c.at.Sub(on.failed[i-1].at))
					default:
						after++
					}
				}
				if most := workers + outageRows + 1; before > most || after < 20*60/30 || after > 20*60/7 {
					t.Errorf("%d workers: %d calls failed in the first second, and %d later; want %d at most, and one each 15s or so", workers, before, after, most)
				}
				if pace, _ := run.Limiter.Pace(); pace != 0 {
					t.Errorf("the outage has been taken for a limit of %v a second", pace)
				}
			})
		}
	}
}

// What ends a run ends it in an outage too: the rows in progress are left, not failed,
// and nobody waits until the tenant is back.
func TestStopInOutage(t *testing.T) {
	errSecond := errors.New("second interrupt")
	for _, test := range []struct {
		how    string
		err    error
		reason string
	}{
		{"first interrupt", nil, ""},
		{"second interrupt", errSecond, ""},
		{"--max-duration", nil, "time is up after 3m0s"},
	} {
		for _, kind := range cuts[:4] {
			synctest.Test(t, func(t *testing.T) {
				on := &cutTenant{fake: newFake(), kind: kind, from: time.Now().Add(time.Second)}
				on.to = on.from.Add(time.Hour)
				on.latency = func(tenant.Cmdlet) time.Duration { return 100 * time.Millisecond }
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				stop := make(chan struct{})
				run := optOut(t, on, 4)
				run.Stop = stop
				switch test.how {
				case "first interrupt":
					time.AfterFunc(3*time.Minute, func() { close(stop) })
				case "second interrupt":
					time.AfterFunc(3*time.Minute, func() { cancel(errSecond) })
				default:
					run.Guards.MaxDuration = 3 * time.Minute
				}
				var out list
				began := time.Now()
				err := run.Do(ctx, &users{n: 1000}, &out)
				if err != test.err || run.Stopped() != test.reason {
					t.Errorf("%s, %s: %v, stopped: %q; want %v, %q", test.how, kind, err, run.Stopped(), test.err, test.reason)
				}
				limit := 3 * time.Minute
				if kind == "black hole" {
					limit += 2 * time.Minute // it is not certain before
				}
				if took := time.Since(began); took > limit {
					t.Errorf("%s, %s: the run took %v", test.how, kind, took)
				}
				out.checkPrefix(t)
				out.checkStatuses(t, map[Status]int{Applied: len(out.results)})
				if run.Counts.InProgress == 0 || len(out.results) == 0 {
					t.Errorf("%s, %s: %d rows recorded, %d in progress", test.how, kind, len(out.results), run.Counts.InProgress)
				}
			})
		}
	}
}

// A tenant that has never answered is not waited for longer than a row would be.
func TestOutageFromTheStart(t *testing.T) {
	for _, n := range []int{1, 2, 3, 500} {
		synctest.Test(t, func(t *testing.T) {
			on := &cutTenant{fake: newFake(), kind: "refused", from: time.Now(), to: time.Now().Add(time.Hour)}
			run := optOut(t, on, 4)
			var out list
			began := time.Now()
			err := run.Do(t.Context(), &users{n: n}, &out)
			if err != nil || !strings.HasPrefix(run.Stopped(), "the tenant could not be reached from the start: Set-MyAnalyticsFeatureConfig") && !strings.HasPrefix(run.Stopped(), "the tenant could not be reached from the start: Get-MyAnalyticsFeatureConfig") {
				t.Errorf("%d rows: %v, stopped: %q", n, err, run.Stopped())
			}
			if took := time.Since(began); took < 30*time.Second || took > 35*time.Second || len(out.results) > 0 {
				t.Errorf("%d rows: %d recorded, after %v", n, len(out.results), took)
			}
		})
	}
}

// cutShort are rows of users of which only the first ones can be read. Workers have begun
// those when the others can't.
type cutShort struct {
	users
	err error
}

func (c *cutShort) Read(row *roster.Row) error {
	err := c.users.Read(row)
	if err == io.EOF {
		time.Sleep(time.Second / 2)
		return c.err
	}
	return err
}

// When rows can't be read any more, the rows in progress are finished, no other is begun,
// and the error is that of the rows.
func TestUnreadRowsEndTheRunSoftly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		on := newFake()
		on.latency = func(tenant.Cmdlet) time.Duration { return time.Second }
		unread := errors.New("the roster was changed")
		var out list
		run := optOut(t, on, 4)
		err := run.Do(t.Context(), &cutShort{users{n: 100}, unread}, &out)
		if err != unread {
			t.Errorf("error %v, want %v", err, unread)
		}
		out.checkPrefix(t)
		out.checkStatuses(t, map[Status]int{Applied: 4})
		if sets := len(on.counts); sets != 4 || len(run.Open) != 0 {
			t.Errorf("%d users called for, %d rows open, want 4 and 0", sets, len(run.Open))
		}
		if why := run.Stopped(); why != "" {
			t.Errorf("stopped by a guard: %s", why)
		}
	})
}

// A row whose set never gets through is not set over and over while the call of another
// row, which would show the cause, takes long.
func TestNoRetryBeyondTheLastWhileAnotherCallHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		on, sets := newFake(), 0
		on.latency = func(c tenant.Cmdlet) time.Duration {
			if c.Identity == upn(1) && !c.Reads() {
				return 2 * time.Minute
			}
			return time.Second
		}
		on.fault = func(c tenant.Cmdlet, _ int) error {
			if c.Identity != upn(0) || c.Reads() {
				return nil
			}
			sets++
			return unreachable(c)
		}
		var out list
		run := optOut(t, on, 2)
		run.Retries = 1
		if err := run.Do(t.Context(), &users{n: 2}, &out); err != nil {
			t.Fatal(err)
		}
		out.checkStatuses(t, map[Status]int{Failed: 1, Applied: 1})
		// Failures without an answer between them count as one retry.
		if sets > 3 {
			t.Errorf("%d sets, want 3 at most: %v", sets, out.results[0].Err)
		}
	})
}

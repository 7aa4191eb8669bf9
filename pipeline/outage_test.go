package pipeline

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/pipeline/pace"
	"rollcall/tenant"
)

// A cutTenant is a fake to which calls do not get through for a time.
type cutTenant struct {
	*fake
	kind     string
	from, to time.Time
	failed   []call // when they failed
}

// The kinds of a cut: refused at once, reset after a while, carried out and the reply
// lost, no answer at all until --timeout, and of sets or reads alone.
var cuts = []string{"refused", "reset", "lost", "black hole", "sets", "reads"}

// now reports whether a call of c is cut off.
func (t *cutTenant) now(c tenant.Cmdlet) bool {
	now := time.Now()
	return !now.Before(t.from) && now.Before(t.to) && (t.kind != "sets" || !c.Reads()) && (t.kind != "reads" || c.Reads())
}

func (t *cutTenant) Run(ctx context.Context, c tenant.Cmdlet) ([]tenant.Object, error) {
	began := time.Now()
	if t.now(c) && t.kind != "lost" {
		var err error
		switch {
		case t.kind == "black hole":
			err = sleep(ctx, 2*time.Minute, nil)
		case t.kind == "reset" && t.latency != nil:
			err = sleep(ctx, t.latency(c), nil)
		}
		if err != nil {
			return nil, err
		}
		return nil, t.fail(c)
	}
	objects, err := t.fake.Run(ctx, c)
	if err == nil && t.now(c) { // the cut came in between
		if t.kind == "black hole" {
			if err := sleep(ctx, 2*time.Minute-time.Since(began), nil); err != nil {
				return nil, err
			}
		}
		return nil, t.fail(c)
	}
	return objects, err
}

func (t *cutTenant) fail(c tenant.Cmdlet) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failed = append(t.failed, call{time.Now(), c.Name, c.Identity})
	return unreachable(c)
}

// unreachable returns the error of a call that did not get through.
func unreachable(c tenant.Cmdlet) *tenant.Error {
	return &tenant.Error{Op: c.Name, Object: c.Identity, Class: tenant.Unavailable, Unreachable: true, Err: errors.New("connection refused")}
}

// A cut of any length below the bound, of any kind, at any instant after the first
// answer, costs no row, whatever the number of workers; and the rows are as the tenant
// has them.
func TestOutageCostsNoRow(t *testing.T) {
	for seed := range uint64(600) {
		synctest.Test(t, func(t *testing.T) {
			chance := rand.New(rand.NewPCG(seed, 13))
			n := 1 + chance.IntN(120)
			latency := []time.Duration{0, time.Millisecond, 200 * time.Millisecond, 3 * time.Second}[chance.IntN(4)]
			on := &cutTenant{fake: newFake(), kind: cuts[chance.IntN(len(cuts))]}
			on.latency = func(c tenant.Cmdlet) time.Duration { return time.Millisecond + latency }
			on.lag = []time.Duration{0, 2 * time.Second}[chance.IntN(2)]
			run := optOut(t, on, 1+chance.IntN(12))
			run.ReadFirst = chance.IntN(2) == 0
			run.Audit = chance.IntN(5) == 0
			run.Retries = 1 + chance.IntN(5)
			run.Guards = Guards{Alike: 1}
			if on.kind == "sets" {
				n, run.ReadFirst = n+300, true // so that rows are left by which to tell: see ask
			}
			whole := time.Duration(3*n/run.Workers+3) * (latency + 5*time.Millisecond)
			on.from = time.Now().Add(latency + 2*time.Millisecond + time.Duration(chance.Int64N(int64(whole))))
			if on.kind == "sets" {
				on.from = time.Now().Add(time.Duration(chance.Int64N(int64(whole / 40))))
			}
			length := time.Duration(chance.Float64() * float64([]time.Duration{100 * time.Millisecond, 10 * time.Second, 5 * time.Minute, 27 * time.Minute}[chance.IntN(4)]))
			on.to = on.from.Add(length)
			var out list
			if err := run.Do(t.Context(), &users{n: n}, &out); err != nil || run.Stopped() != "" {
				t.Fatalf("seed %d: %d rows, %d workers, %s for %v: %v, stopped: %q", seed, n, run.Workers, on.kind, length, err, run.Stopped())
			}
			out.checkPrefix(t)
			want := Applied
			if run.Audit {
				want = Differs
			}
			if got := out.statuses(); got[want] != n || len(got) != 1 {
				t.Errorf("seed %d: %d rows, %d workers, %s for %v: %v", seed, n, run.Workers, on.kind, length, got)
			}
			for _, r := range out.results {
				if r.Err != nil {
					t.Errorf("line %d, %d attempts: %v", r.Row.Line, r.Attempts, r.Err)
				}
				if r.Status == Applied && on.mode(r.Row.UPN) != "opt-out" {
					t.Errorf("seed %d: %s is applied, and %s", seed, r.Row.UPN, on.mode(r.Row.UPN))
				}
			}
			if since, _ := run.Outage(); !since.IsZero() || run.outages.lastUndecided.Load() != 0 {
				t.Errorf("seed %d: the outage is not over", seed)
			}
			soon, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			for range 2 {
				if _, err := run.Limiter.Wait(soon); err != nil {
					t.Errorf("seed %d: calls are made one at a time, and the outage is over", seed)
				}
			}
			if d := run.Limiter.Throttled(); d != 0 {
				t.Errorf("seed %d: throttled for %v", seed, d)
			}
		})
	}
}

// A call that began in an outage, and fails when that is over, failed for it: it is
// the tenant's, and begins no other outage.
func TestFailureOfAnOutageThatIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		get := tenant.Cmdlet{Name: "Get-Mailbox"}
		o := outages{limiter: pace.New(0)}
		o.answered(o.callStart(), &get)
		for range outageRows {
			o.failed(o.callStart(), &get, new(task))
		}
		if !o.active() {
			t.Fatal("several rows in a row failed, and there is no outage")
		}
		began := o.callStart()
		o.answered(o.callStart(), &get)
		if o.active() {
			t.Fatal("a call was answered, and the outage is not over")
		}
		for range outageRows {
			if f, _ := o.failed(began, &get, new(task)); f.cause != causeTenant {
				t.Errorf("the failure is %v, want it to be the tenant's", f.cause)
			}
		}
		if o.active() {
			t.Error("calls that began in an outage began another")
		}
	})
}

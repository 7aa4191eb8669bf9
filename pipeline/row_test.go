package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/tenant"
)

var errTest = errors.New("test")

// What becomes of a row, for each way in which its calls can end.
func TestStatuses(t *testing.T) {
	class := func(c tenant.Class) func(tenant.Cmdlet, int) error {
		return func(tenant.Cmdlet, int) error { return fail(c) }
	}
	gets := func(f func(tenant.Cmdlet, int) error) func(tenant.Cmdlet, int) error {
		return func(c tenant.Cmdlet, n int) error {
			if !c.Reads() {
				return nil
			}
			return f(c, n)
		}
	}
	for _, c := range []struct {
		name     string
		fault    func(tenant.Cmdlet, int) error
		change   func(*Run)
		mode     string // of the user, ahead of the run
		status   Status
		attempts int
		writes   int
		value    Value
	}{
		{name: "applied", status: Applied, attempts: 2, writes: 1, value: Value{Wanted: "opt-out", After: "opt-out", Same: true}},
		{name: "set again", mode: "opt-out", status: Applied, attempts: 2, writes: 1, value: Value{Wanted: "opt-out", After: "opt-out", Same: true}},
		{name: "read first", change: readFirst, status: Applied, attempts: 3, writes: 1, value: Value{Wanted: "opt-out", Before: "opt-in", After: "opt-out", Same: true}},
		{name: "unchanged", change: readFirst, mode: "Opt-Out", status: Unchanged, attempts: 1, value: Value{Wanted: "opt-out", Before: "opt-out", After: "opt-out", Same: true}},
		{name: "set refused", fault: class(tenant.Failed), status: Failed, attempts: 1, writes: 1, value: Value{Wanted: "opt-out"}},
		{name: "no such user", fault: class(tenant.NotFound), status: NotFound, attempts: 1, writes: 1, value: Value{Wanted: "opt-out"}},
		{name: "denied", fault: class(tenant.Denied), status: Denied, attempts: 1, writes: 1, value: Value{Wanted: "opt-out"}},
		{name: "read first refused", change: readFirst, fault: class(tenant.Failed), status: Failed, attempts: 1, value: Value{Wanted: "opt-out"}},
		{name: "read first, no such user", change: readFirst, fault: class(tenant.NotFound), status: NotFound, attempts: 1, value: Value{Wanted: "opt-out"}},
		{name: "read-back refused", fault: gets(class(tenant.Denied)), status: Unverified, attempts: 2, writes: 1, value: Value{Wanted: "opt-out"}},
		{name: "read-back not found", fault: gets(class(tenant.NotFound)), status: Unverified, attempts: 2, writes: 1, value: Value{Wanted: "opt-out"}},
		{name: "never available", fault: class(tenant.Unavailable), status: Unverified, attempts: 12, writes: 6, value: Value{Wanted: "opt-out"}},
		{name: "some other error", fault: func(tenant.Cmdlet, int) error { return errTest }, status: Failed, attempts: 1, writes: 1, value: Value{Wanted: "opt-out"}},
		{name: "same", change: audit, mode: "optout", status: Same, attempts: 1, value: Value{Wanted: "opt-out", Before: "opt-out", After: "opt-out", Same: true}},
		{name: "differs", change: audit, status: Differs, attempts: 1, value: Value{Wanted: "opt-out", Before: "opt-in", After: "opt-in"}},
		{name: "unreadable", change: audit, fault: class(tenant.Failed), status: Unreadable, attempts: 1, value: Value{Wanted: "opt-out"}},
		{name: "audit, no such user", change: audit, fault: class(tenant.NotFound), status: NotFound, attempts: 1, value: Value{Wanted: "opt-out"}},
		{name: "audit, never available", change: audit, fault: class(tenant.Unavailable), status: Unreadable, attempts: 6, value: Value{Wanted: "opt-out"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.fault = c.fault
				if c.mode != "" {
					f.modes[upn(0)] = c.mode
				}
				run := optOut(t, f, 1)
				if c.change != nil {
					c.change(run)
				}
				var l list
				if err := run.Do(t.Context(), &users{n: 1}, &l); err != nil {
					t.Fatal(err)
				}
				r := l.results[0]
				if r.Status != c.status || r.Attempts != c.attempts || r.Values[0] != c.value || f.writes() != c.writes {
					t.Errorf("%s, %d attempts, %+v, %d writes; want %s, %d, %+v, %d",
						r.Status, r.Attempts, r.Values[0], f.writes(), c.status, c.attempts, c.value, c.writes)
				}
				if r.Status.IsFailure() != (r.Err != nil) {
					t.Errorf("%s with error %v", r.Status, r.Err)
				}
			})
		})
	}
}

func readFirst(r *Run) { r.ReadFirst = true }

func audit(r *Run) {
	r.Audit = true
	r.Tenant = tenant.ReadOnly(r.Tenant)
}

// A read-back that shows the old value is repeated for as long as it should be,
// and no longer.
func TestVerifyTimeout(t *testing.T) {
	for _, c := range []struct {
		lag, timeout time.Duration
		status       Status
	}{
		{0, 0, Applied},
		{time.Second, 0, Mismatch},
		{time.Second, 30 * time.Second, Applied},
		{29 * time.Second, 30 * time.Second, Applied},
		{31 * time.Second, 30 * time.Second, Mismatch},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			f.lag = c.lag
			run := optOut(t, f, 1)
			run.VerifyTimeout = c.timeout
			start := time.Now()
			var l list
			if err := run.Do(t.Context(), &users{n: 1}, &l); err != nil {
				t.Fatal(err)
			}
			l.checkStatuses(t, map[Status]int{c.status: 1})
			d := time.Since(start)
			if c.status == Mismatch && d != c.timeout || d > c.timeout {
				t.Errorf("lag %v, timeout %v: took %v", c.lag, c.timeout, d)
			}
			if f.writes() != 1 {
				t.Errorf("lag %v: %d writes, want 1", c.lag, f.writes())
			}
		})
	}
}

// A reading that takes long says what was so when it began: before a user is said to
// be not as wanted, one has begun when the time for that was over.
func TestVerifyWithSlowReplies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.lag = 29 * time.Second
		reads := 0
		run := optOut(t, runnerFunc(func(ctx context.Context, c tenant.Cmdlet) ([]tenant.Object, error) {
			objects, err := f.Run(ctx, c)
			if reads++; reads == 3 { // the set, the first read-back, and this one
				time.Sleep(40 * time.Second)
			}
			return objects, err
		}), 1)
		var l list
		if err := run.Do(t.Context(), &users{n: 1}, &l); err != nil {
			t.Fatal(err)
		}
		l.checkStatuses(t, map[Status]int{Applied: 1})
	})
}

// A row is given up after its time, even when being throttled uses up no retry.
func TestRowTimeout(t *testing.T) {
	for _, class := range []tenant.Class{tenant.Throttled, tenant.Unavailable} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake()
			f.fault = func(tenant.Cmdlet, int) error { return fail(class) }
			run := optOut(t, f, 1)
			run.Retries = 1 << 30
			start := time.Now()
			var l list
			if err := run.Do(t.Context(), &users{n: 1}, &l); err != nil {
				t.Fatal(err)
			}
			// Of a set that may have arrived, the user can't be read either.
			l.checkStatuses(t, map[Status]int{map[tenant.Class]Status{tenant.Throttled: Failed, tenant.Unavailable: Unverified}[class]: 1})
			if d := time.Since(start); d < 25*time.Minute || d > 32*time.Minute {
				t.Errorf("%v: given up after %v, want about 30m", class, d)
			}
			if err := l.results[0].Err; !strings.Contains(err.Error(), "gave up after 30m0s") {
				t.Errorf("error %q does not say that it was given up", err)
			}
		})
	}
}

// A set whose reply was lost is made again.
func TestLostReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.after = true
		f.fault = func(_ tenant.Cmdlet, n int) error {
			if n == 0 {
				return fail(tenant.Unavailable)
			}
			return nil
		}
		var l list
		if err := optOut(t, f, 1).Do(t.Context(), &users{n: 1}, &l); err != nil {
			t.Fatal(err)
		}
		l.checkStatuses(t, map[Status]int{Applied: 1})
		if f.writes() != 2 {
			t.Errorf("%d writes, want 2", f.writes())
		}
	})
}

// A tenant that returns no object, or two, or one without the property, has not
// said what the value is.
func TestReadsThatSayNothing(t *testing.T) {
	for _, objects := range [][]tenant.Object{
		nil,
		{{"PrivacyMode": "opt-out"}, {"PrivacyMode": "opt-out"}},
		{{"UserId": "ada"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			run := optOut(t, constant(objects), 1)
			var l list
			if err := run.Do(t.Context(), &users{n: 1}, &l); err != nil {
				t.Fatal(err)
			}
			l.checkStatuses(t, map[Status]int{Unverified: 1})
		})
	}
}

// The features are set after the privacy mode, which turns them all on.
func TestSetsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &recorder{object: tenant.Object{"PrivacyMode": "opt-in", "IsDigestEmailEnabled": false, "IsAddInEnabled": true}}
		run := optOut(t, rec, 1)
		run.Change = change(t, "IsDigestEmailEnabled=false", "privacymode=OptIn", "IsAddInEnabled=$true")
		run.VerifyTimeout = 0
		if err := run.Do(t.Context(), &users{n: 1}, new(list)); err != nil {
			t.Fatal(err)
		}
		want := []string{
			"Set-MyAnalyticsFeatureConfig user0@contoso.com [{PrivacyMode opt-in} {Feature digest-email} {IsEnabled false}]",
			"Get-MyAnalyticsFeatureConfig user0@contoso.com []",
		}
		if got := strings.Join(rec.cmdlets, "\n"); got != strings.Join(want, "\n") {
			t.Errorf("cmdlets\n%s\nwant\n%s", got, strings.Join(want, "\n"))
		}
	})
}

// Reading first, only what differs is set, and what comes with it. A row that is not as
// wanted then names the properties that are not.
func TestReadFirstSetsOnlyWhatDiffers(t *testing.T) {
	for _, c := range []struct {
		object tenant.Object
		sets   string
		status Status
		differ string
	}{
		{tenant.Object{"PrivacyMode": "opt-in", "IsAddInEnabled": false}, "", Unchanged, ""},
		{tenant.Object{"PrivacyMode": "Opt-In", "IsAddInEnabled": true}, "[{Feature add-in} {IsEnabled false}]", Mismatch, "IsAddInEnabled"},
		{tenant.Object{"PrivacyMode": "opt-out", "IsAddInEnabled": true}, "[{PrivacyMode opt-in} {Feature add-in} {IsEnabled false}]", Mismatch, "PrivacyMode, IsAddInEnabled"},
		// An opt-in turns the feature on, which then has to be turned off again.
		{tenant.Object{"PrivacyMode": "opt-out", "IsAddInEnabled": false}, "[{PrivacyMode opt-in} {Feature add-in} {IsEnabled false}]", Mismatch, "PrivacyMode"},
	} {
		synctest.Test(t, func(t *testing.T) {
			rec := &recorder{object: c.object}
			run := optOut(t, rec, 1)
			run.Change = change(t, "PrivacyMode=opt-in", "IsAddInEnabled=false")
			run.ReadFirst = true
			run.VerifyTimeout = 0
			var l list
			if err := run.Do(t.Context(), &users{n: 1}, &l); err != nil {
				t.Fatal(err)
			}
			l.checkStatuses(t, map[Status]int{c.status: 1})
			var sets []string
			for _, cmdlet := range rec.cmdlets {
				if after, ok := strings.CutPrefix(cmdlet, "Set-MyAnalyticsFeatureConfig "+upn(0)+" "); ok {
					sets = append(sets, after)
				}
			}
			if got := strings.Join(sets, " "); got != c.sets {
				t.Errorf("%v: set %q, want %q", c.object, got, c.sets)
			}
			if err := l.results[0].Err; c.differ != "" && (err == nil || !strings.HasSuffix(err.Error(), upn(0)+": "+c.differ+" still not as wanted 0s after the set")) {
				t.Errorf("%v: error %v, want that %s is not as wanted", c.object, err, c.differ)
			}
		})
	}
}

// A row of whose cmdlets one was accepted and the next was not has failed,
// whatever the refusal, and says what is so.
func TestPartlyAccepted(t *testing.T) {
	for _, class := range []tenant.Class{tenant.Failed, tenant.Denied, tenant.NotFound} {
		synctest.Test(t, func(t *testing.T) {
			rec := &recorder{
				object: tenant.Object{"PrivacyMode": "opt-in", "IsAddInEnabled": true, "IsDigestEmailEnabled": false},
				fault: func(c tenant.Cmdlet) error {
					// The privacy mode and the digest are one cmdlet, the add-in is the next.
					if !c.Reads() && c.Parameters[0].Name == "Feature" {
						return fail(class)
					}
					return nil
				},
			}
			run := optOut(t, rec, 1)
			run.Change = change(t, "PrivacyMode=opt-in", "IsDigestEmailEnabled=false", "IsAddInEnabled=false")
			var l list
			if err := run.Do(t.Context(), &users{n: 1}, &l); err != nil {
				t.Fatal(err)
			}
			l.checkStatuses(t, map[Status]int{Failed: 1})
			r := l.results[0]
			if r.Values[0].After != "opt-in" || r.Values[1].After != "false" || r.Values[2].After != "true" || !strings.HasPrefix(r.Err.Error(), "1 of 2 cmdlets were accepted, then ") {
				t.Errorf("%v: values %+v, error %q", class, r.Values, r.Err)
			}
		})
	}
}

// No cmdlet is run again for a row whose time is up by the end of a pause.
func TestRowTimeoutAndPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.fault = func(tenant.Cmdlet, int) error {
			e := fail(tenant.Throttled)
			e.RetryAfter = 10 * time.Minute
			return e
		}
		run := optOut(t, f, 1)
		run.RowTimeout = time.Minute
		var l list
		if err := run.Do(t.Context(), &users{n: 1}, &l); err != nil {
			t.Fatal(err)
		}
		l.checkStatuses(t, map[Status]int{Failed: 1})
		if len(f.calls) != 1 {
			t.Errorf("%d calls, want 1", len(f.calls))
		}
	})
}

// What an earlier run has left of a row is taken up: a result as it is, and a
// value before in the place of the one that would be read.
func TestEarlier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.modes[upn(1)] = "opt-out" // the set of the earlier run
		run := optOut(t, f, 1)
		run.ReadFirst = true
		done := Result{Status: Failed, Values: []Value{{Wanted: "opt-out", Before: "x"}}, Moved: make([]Value, 3), Attempts: 9, Err: errTest}
		wanted := []string{"opt-out"}
		run.Earlier = map[int]Earlier{2: {UPN: upn(0), Wanted: wanted, Result: &done}, 3: {UPN: upn(1), Wanted: wanted, Before: []string{"opt-in"}, Moved: make([]string, 3)}}
		var l list
		if err := run.Do(t.Context(), &users{n: 3}, &l); err != nil {
			t.Fatal(err)
		}
		l.checkPrefix(t)
		if r := l.results[0]; r.Status != Failed || r.Err != errTest || r.Attempts != 9 || f.counts[upn(0)] != 0 {
			t.Errorf("row that was done: %+v after %d calls", r, f.counts[upn(0)])
		}
		if r := l.results[1]; r.Status != Applied || r.Values[0].Before != "opt-in" {
			t.Errorf("row that may have been set: %s, before %q", r.Status, r.Values[0].Before)
		}
		if got := run.Stats.Calls.Load(); got != int64(len(f.calls)) {
			t.Errorf("Stats.Calls = %d, the tenant saw %d", got, len(f.calls))
		}
	})
}

// The value before is in the journal ahead of the set, and there is no set if it
// can't be.
func TestValueBeforeIsKeptAheadOfTheSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		run := optOut(t, f, 2)
		run.ReadFirst = true
		run.Journal = keeper{before: func(r *Result) error {
			if r.Values[0].Before != "opt-in" {
				t.Errorf("kept %+v", r.Values)
			}
			if r.Row.Line == 4 {
				return errTest
			}
			return nil
		}}
		if err := run.Do(t.Context(), &users{n: 10}, new(list)); err != errTest {
			t.Errorf("run ended with %v, want %v", err, errTest)
		}
		for _, c := range f.calls {
			if c.upn == upn(2) && strings.HasPrefix(c.cmdlet, "Set-") {
				t.Error("set without its value before")
			}
		}
	})
}

// Rows that are done while an earlier one is not are in the journal soon, once.
func TestRowsDoneOutOfTurnAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.latency = func(c tenant.Cmdlet) time.Duration {
			if c.Identity == upn(0) {
				return time.Hour
			}
			return time.Millisecond
		}
		kept := make(map[int]int)
		start := time.Now()
		run := optOut(t, f, 2)
		run.Journal = keeper{done: func(r *Result) {
			kept[r.Row.Line]++
			if d := time.Since(start); d > 2*time.Second {
				t.Errorf("line %d kept after %v", r.Row.Line, d)
			}
		}}
		var l list
		if err := run.Do(t.Context(), &users{n: 100}, &l); err != nil {
			t.Fatal(err)
		}
		l.checkStatuses(t, map[Status]int{Applied: 100})
		for line := 3; line <= 101; line++ {
			if kept[line] != 1 {
				t.Errorf("line %d kept %d times", line, kept[line])
			}
		}
	})
}

// A keeper is a Journal made of functions, which may be nil.
type keeper struct {
	before func(*Result) error
	done   func(*Result)
}

func (k keeper) Before(r *Result) error {
	if k.before == nil {
		return nil
	}
	return k.before(r)
}

func (k keeper) Done(r *Result) error {
	if k.done != nil {
		k.done(r)
	}
	return nil
}

// constant is a tenant that always returns the same objects.
type constant []tenant.Object

func (c constant) Run(context.Context, tenant.Cmdlet) ([]tenant.Object, error) { return c, nil }

// recorder is a tenant that notes what it is asked. It returns the same object
// whatever was set.
type recorder struct {
	object  tenant.Object
	fault   func(tenant.Cmdlet) error // nil for none
	cmdlets []string
}

func (r *recorder) Run(_ context.Context, c tenant.Cmdlet) ([]tenant.Object, error) {
	r.cmdlets = append(r.cmdlets, fmt.Sprint(c.Name, " ", c.Identity, " ", c.Parameters))
	if r.fault != nil {
		if err := r.fault(c); err != nil {
			return nil, err
		}
	}
	return []tenant.Object{r.object}, nil
}

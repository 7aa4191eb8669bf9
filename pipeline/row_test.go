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
		{name: "applied", status: Applied, attempts: 2, writes: 1, value: Value{"opt-out", "", "opt-out", true}},
		{name: "set again", mode: "opt-out", status: Applied, attempts: 2, writes: 1, value: Value{"opt-out", "", "opt-out", true}},
		{name: "read first", change: readFirst, status: Applied, attempts: 3, writes: 1, value: Value{"opt-out", "opt-in", "opt-out", true}},
		{name: "unchanged", change: readFirst, mode: "Opt-Out", status: Unchanged, attempts: 1, value: Value{"opt-out", "opt-out", "opt-out", true}},
		{name: "set refused", fault: class(tenant.Failed), status: Failed, attempts: 1, writes: 1, value: Value{Wanted: "opt-out"}},
		{name: "no such user", fault: class(tenant.NotFound), status: NotFound, attempts: 1, writes: 1, value: Value{Wanted: "opt-out"}},
		{name: "denied", fault: class(tenant.Denied), status: Denied, attempts: 1, writes: 1, value: Value{Wanted: "opt-out"}},
		{name: "read first refused", change: readFirst, fault: class(tenant.Failed), status: Failed, attempts: 1, value: Value{Wanted: "opt-out"}},
		{name: "read first, no such user", change: readFirst, fault: class(tenant.NotFound), status: NotFound, attempts: 1, value: Value{Wanted: "opt-out"}},
		{name: "read-back refused", fault: gets(class(tenant.Denied)), status: Unverified, attempts: 2, writes: 1, value: Value{Wanted: "opt-out"}},
		{name: "read-back not found", fault: gets(class(tenant.NotFound)), status: Unverified, attempts: 2, writes: 1, value: Value{Wanted: "opt-out"}},
		{name: "never available", fault: class(tenant.Unavailable), status: Failed, attempts: 6, writes: 6, value: Value{Wanted: "opt-out"}},
		{name: "some other error", fault: func(tenant.Cmdlet, int) error { return errTest }, status: Failed, attempts: 1, writes: 1, value: Value{Wanted: "opt-out"}},
		{name: "same", change: audit, mode: "optout", status: Same, attempts: 1, value: Value{"opt-out", "opt-out", "opt-out", true}},
		{name: "differs", change: audit, status: Differs, attempts: 1, value: Value{"opt-out", "opt-in", "opt-in", false}},
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
				if r.Status.Bad() != (r.Err != nil) {
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
			l.checkStatuses(t, map[Status]int{Failed: 1})
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

// A tenant that is asked twice for the same in one run has to be asked for the
// features after the privacy mode, which turns them all on.
func TestSetsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := new(recorder)
		run := optOut(t, rec, 1)
		run.Change = change(t, "IsDigestEmailEnabled=false", "privacymode=OptIn", "IsAddInEnabled=$true")
		run.VerifyTimeout = 0
		if err := run.Do(t.Context(), &users{n: 1}, new(list)); err != nil {
			t.Fatal(err)
		}
		want := []string{
			"Set-MyAnalyticsFeatureConfig user0@contoso.com [{PrivacyMode opt-in}]",
			"Set-MyAnalyticsFeatureConfig user0@contoso.com [{Feature digest-email} {IsEnabled false}]",
			"Set-MyAnalyticsFeatureConfig user0@contoso.com [{Feature add-in} {IsEnabled true}]",
			"Get-MyAnalyticsFeatureConfig user0@contoso.com []",
		}
		if got := strings.Join(rec.cmdlets, "\n"); got != strings.Join(want, "\n") {
			t.Errorf("cmdlets\n%s\nwant\n%s", got, strings.Join(want, "\n"))
		}
	})
}

// constant is a tenant that always returns the same objects.
type constant []tenant.Object

func (c constant) Run(context.Context, tenant.Cmdlet) ([]tenant.Object, error) { return c, nil }

// recorder is a tenant that notes what it is asked.
type recorder struct{ cmdlets []string }

func (r *recorder) Run(_ context.Context, c tenant.Cmdlet) ([]tenant.Object, error) {
	r.cmdlets = append(r.cmdlets, fmt.Sprint(c.Name, " ", c.Identity, " ", c.Parameters))
	return []tenant.Object{{"PrivacyMode": "opt-in", "IsDigestEmailEnabled": false, "IsAddInEnabled": true}}, nil
}

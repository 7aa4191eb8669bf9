package pipeline

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/tenant"
)

// A set whose outcome is not known is read back, and the row says what is so:
// whatever the last call of it came to, no user is changed behind a status that
// says otherwise.
func TestSetOfUnknownOutcome(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault func(c tenant.Cmdlet, n int) error
		after bool // the set is carried out
		want  Status
		sent  string
	}{
		{"every reply is lost", func(c tenant.Cmdlet, _ int) error { return onSet(c, fail(tenant.Unavailable)) }, true, Applied, ""},
		{"no set arrives", func(c tenant.Cmdlet, _ int) error { return onSet(c, fail(tenant.Unavailable)) }, false, Failed, SetSent},
		{"a lost reply, then denied", func(c tenant.Cmdlet, n int) error {
			return onSet(c, fail([]tenant.Class{tenant.Unavailable, tenant.Denied}[min(n, 1)]))
		}, true, Applied, ""},
		{"a lost set, then denied", func(c tenant.Cmdlet, n int) error {
			return onSet(c, fail([]tenant.Class{tenant.Unavailable, tenant.Denied}[min(n, 1)]))
		}, false, Failed, SetSent},
		{"a reply that says neither yes nor no", func(c tenant.Cmdlet, _ int) error {
			e := fail(tenant.Failed)
			e.Status = 200
			return onSet(c, e)
		}, true, Applied, ""},
		{"a lost reply, and nothing can be read", func(tenant.Cmdlet, int) error { return fail(tenant.Unavailable) }, true, Unverified, ""},
		{"refused", func(c tenant.Cmdlet, _ int) error { return onSet(c, fail(tenant.Failed)) }, false, Failed, SetSent},
		{"denied", func(c tenant.Cmdlet, _ int) error { return onSet(c, fail(tenant.Denied)) }, false, Denied, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.fault, f.after = c.fault, c.after
				run := optOut(t, f, 1)
				var l list
				if err := run.Do(t.Context(), &users{n: 1}, &l); err != nil {
					t.Fatal(err)
				}
				r := l.results[0]
				if r.Status != c.want {
					t.Errorf("%s (%v), want %s", r.Status, r.Err, c.want)
				}
				if said := r.Err != nil && strings.Contains(r.Err.Error(), SetSent); said != (c.sent != "") {
					t.Errorf("error %v: says that a set was sent: %t", r.Err, said)
				}
				if changed := f.mode(upn(0)) != "opt-in"; changed && !r.MaybeChanged() {
					t.Errorf("%s, and the user was changed", r.Status)
				}
			})
		})
	}
}

// A row whose read ahead of the set failed says that nothing was sent.
func TestFailedAheadOfTheSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.fault = func(tenant.Cmdlet, int) error { return fail(tenant.Failed) }
		run := optOut(t, f, 1)
		run.ReadFirst = true
		var l list
		if err := run.Do(t.Context(), &users{n: 1}, &l); err != nil {
			t.Fatal(err)
		}
		if r := l.results[0]; r.Status != Failed || !strings.Contains(r.Err.Error(), NoSetSent) || r.MaybeChanged() {
			t.Errorf("%s, %v, may be changed: %t", r.Status, r.Err, r.MaybeChanged())
		}
	})
}

func onSet(c tenant.Cmdlet, err error) error {
	if c.Reads() {
		return nil
	}
	return err
}

// A Runner of what it is.
type runner func(c tenant.Cmdlet) ([]tenant.Object, error)

func (f runner) Run(_ context.Context, c tenant.Cmdlet) ([]tenant.Object, error) { return f(c) }

// An object that names another user says nothing of this one, and the error says
// whom it was about. Case does not make another user, nor does an object ID.
func TestObjectOfAnotherUser(t *testing.T) {
	for about, want := range map[string]Status{
		"user0@contoso.com": Applied, "USER0@Contoso.com": Applied, "": Applied, "5e1d7a3c-0001": Applied,
		"bob@contoso.com": Unverified,
	} {
		for _, property := range []string{"UserId", "UserPrincipalName"} {
			synctest.Test(t, func(t *testing.T) {
				run := optOut(t, runner(func(tenant.Cmdlet) ([]tenant.Object, error) {
					return []tenant.Object{{property: about, "PrivacyMode": "opt-out"}}, nil
				}), 1)
				var l list
				if err := run.Do(t.Context(), &users{n: 1}, &l); err != nil {
					t.Fatal(err)
				}
				r := l.results[0]
				if r.Status != want || want != Applied && !strings.Contains(r.Err.Error(), about) {
					t.Errorf("%s %q: %s (%v), want %s", property, about, r.Status, r.Err, want)
				}
			})
		}
	}
}

// What was left of another user, or of another wanted value, is not taken up.
func TestEarlierOfAnother(t *testing.T) {
	for name, e := range map[string]Earlier{
		"another user":         {UPN: upn(7), Wanted: []string{"opt-out"}},
		"another wanted value": {UPN: upn(0), Wanted: []string{"opt-in"}},
		"more properties":      {UPN: upn(0), Wanted: []string{"opt-out", "x"}},
	} {
		for _, done := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				e.Before, e.Moved = []string{"of somebody else"}, make([]string, 3)
				if done {
					e.Result = &Result{Status: Applied, Values: []Value{{Wanted: "opt-out", Before: "of somebody else"}}, Moved: make([]Value, 3)}
				}
				f := newFake()
				run := optOut(t, f, 1)
				run.ReadFirst, run.Earlier = true, map[int]Earlier{2: e}
				var l list
				if err := run.Do(t.Context(), &users{n: 1}, &l); err != nil {
					t.Fatal(err)
				}
				if r := l.results[0]; f.writes() != 1 || r.Values[0].Before != "opt-in" {
					t.Errorf("%s, done %t: %+v after %d sets", name, done, r, f.writes())
				}
			})
		}
	}
}

// Of rows that an earlier run may have set without having left a trace, a value
// that is as wanted does not pass for the one before: nobody could undo them.
func TestUnsureRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		for i := range 3 {
			f.modes[upn(i)] = []string{"opt-out", "opt-in", "opt-out"}[i]
		}
		run := optOut(t, f, 2)
		run.ReadFirst, run.Unsure = true, 2
		var l list
		if err := run.Do(t.Context(), &users{n: 3}, &l); err != nil {
			t.Fatal(err)
		}
		for i, want := range []Result{
			{Status: Applied, Values: []Value{{Wanted: "opt-out", After: "opt-out", Same: true}}},
			{Status: Applied, Values: []Value{{Wanted: "opt-out", Before: "opt-in", After: "opt-out", Same: true}}},
			{Status: Unchanged, Values: []Value{{Wanted: "opt-out", Before: "opt-out", After: "opt-out", Same: true}}},
		} {
			if got := l.results[i]; got.Status != want.Status || got.Values[0] != want.Values[0] {
				t.Errorf("row %d: %s %+v, want %s %+v", i, got.Status, got.Values[0], want.Status, want.Values[0])
			}
		}
	})
}

// A row that an earlier run may have set is not denied, or failed ahead of a set,
// whatever the tenant says now.
func TestEarlierSetIsNotForgotten(t *testing.T) {
	for _, class := range []tenant.Class{tenant.Denied, tenant.Failed} {
		for _, was := range []string{"opt-in", "opt-out"} {
			synctest.Test(t, func(t *testing.T) {
				f := newFake()
				f.modes[upn(0)] = was
				f.fault = func(c tenant.Cmdlet, _ int) error { return onSet(c, fail(class)) }
				run := optOut(t, f, 1)
				run.ReadFirst = true
				run.Earlier = map[int]Earlier{2: {UPN: upn(0), Wanted: []string{"opt-out"}, Before: []string{"opt-in"}, Moved: make([]string, 3)}}
				var l list
				if err := run.Do(t.Context(), &users{n: 1}, &l); err != nil {
					t.Fatal(err)
				}
				want := map[string]Status{"opt-in": Failed, "opt-out": Applied}[was]
				if r := l.results[0]; r.Status != want || !r.MaybeChanged() || r.Values[0].Before != "opt-in" {
					t.Errorf("%v, %s: %s (%v), before %q; want %s", class, was, r.Status, r.Err, r.Values[0].Before, want)
				}
			})
		}
	}
}

// A value that can't be recorded, since it is too long or no text, is compared, and not kept.
func TestUnrecordableValue(t *testing.T) {
	for value, note := range map[string]string{strings.Repeat("x", 10<<20): "Office is too long", "a\x00b": "Office has a NUL"} {
		testUnrecordable(t, value, note)
	}
}

func testUnrecordable(t *testing.T, value, note string) {
	synctest.Test(t, func(t *testing.T) {
		setting, _ := tenant.LookupSetting("Mailbox")
		c := &Change{Setting: setting}
		if err := c.Assign("Office=HQ"); err != nil {
			t.Fatal(err)
		}
		if err := c.Bind(nil); err != nil {
			t.Fatal(err)
		}
		run := optOut(t, runner(func(tenant.Cmdlet) ([]tenant.Object, error) {
			return []tenant.Object{{"Office": value}}, nil
		}), 1)
		run.Change, run.ReadFirst, run.VerifyTimeout = c, true, 0
		var l list
		if err := run.Do(t.Context(), &users{n: 1}, &l); err != nil {
			t.Fatal(err)
		}
		r := l.results[0]
		if v := r.Values[0]; r.Status != Mismatch || v.Before != "" || v.After != "" || !strings.Contains(r.Note, note) {
			t.Errorf("%s, before %.20q, after %.20q, note %q", r.Status, v.Before, v.After, r.Note)
		}
	})
}

// A shelf is a Journal in memory. It is also what a list is told at the end.
type shelf struct {
	mu         sync.Mutex
	before     map[string]bool
	done       map[string]Status
	journalled map[string]Status
}

func newShelf() *shelf {
	return &shelf{before: make(map[string]bool), done: make(map[string]Status), journalled: make(map[string]Status)}
}

func (s *shelf) Before(r *Result) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before[r.Row.UPN] = true
	return nil
}

func (s *shelf) Done(r *Result) error {
	s.done[r.Row.UPN] = r.Status
	return nil
}

type listAndShelf struct {
	*list
	*shelf
}

func (l listAndShelf) Journalled(r *Result) { l.journalled[r.Row.UPN] = r.Status }

// However a run goes and ends, every row is recorded, journalled, in progress or
// not attempted, and the numbers are those that the tenant, the recorder and the
// journal have seen. A run that goes on counts what it finds.
func TestCountsAddUp(t *testing.T) {
	for seed := range uint64(400) {
		synctest.Test(t, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 11))
			n, workers := 1+rnd.IntN(60), 1+rnd.IntN(6)
			f := newFake()
			var mu sync.Mutex
			f.latency = func(tenant.Cmdlet) time.Duration {
				mu.Lock()
				defer mu.Unlock()
				if rnd.IntN(8) == 0 {
					return time.Duration(rnd.IntN(5000)) * time.Millisecond
				}
				return time.Duration(rnd.IntN(20)) * time.Millisecond
			}
			f.fault = func(tenant.Cmdlet, int) error {
				mu.Lock()
				defer mu.Unlock()
				switch rnd.IntN(30) {
				case 0:
					return fail(tenant.Unavailable)
				case 1:
					return fail(tenant.Denied)
				}
				return nil
			}
			run := optOut(t, f, workers)
			run.ReadFirst = rnd.IntN(2) == 0
			keeps := newShelf()
			if rnd.IntN(3) > 0 {
				run.Journal = keeps
			}
			broken := make(map[int]bool)
			for range rnd.IntN(4) {
				broken[rnd.IntN(n)] = true
			}
			earlier := make(map[string]bool)
			run.Earlier = make(map[int]Earlier)
			for i := range n {
				if rnd.IntN(6) > 0 || broken[i] {
					continue
				}
				e := Earlier{UPN: upn(i), Wanted: []string{"opt-out"}, Before: []string{"opt-in"}, Moved: make([]string, 3)}
				if rnd.IntN(2) == 0 {
					e.Result = &Result{Status: Applied, Attempts: 3, Values: []Value{{Wanted: "opt-out"}}, Moved: make([]Value, 3)}
				}
				run.Earlier[i+2], earlier[upn(i)] = e, true
			}
			run.Guards.Limit = rnd.IntN(2) * rnd.IntN(n+1)
			stop := make(chan struct{})
			run.Stop = stop
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			switch at := time.Duration(rnd.IntN(3000)) * time.Millisecond; rnd.IntN(4) {
			case 0:
				defer time.AfterFunc(at, func() { close(stop) }).Stop()
			case 1:
				defer time.AfterFunc(at, func() { cancel(errTest) }).Stop()
			}
			l := &list{}
			bad := -1
			if rnd.IntN(5) == 0 {
				bad = rnd.IntN(n)
				l.record = func(r *Result) error {
					if r.Row.Line == bad+2 {
						return errTest
					}
					return nil
				}
			}
			err := run.Do(ctx, &users{n: n, broken: broken}, listAndShelf{l, keeps})
			if err != nil && !errors.Is(err, errTest) {
				t.Fatal(err)
			}

			c := run.Counts
			c.Total = n
			if err := c.Check(); err != nil {
				t.Errorf("seed %d: %v", seed, err)
			}
			if c.Recorded != l.flushed || c.Journalled != len(keeps.journalled) || c.InProgress != len(run.Open) {
				t.Errorf("seed %d: %+v; %d were recorded, %d journalled, %d open", seed, c, l.flushed, len(keeps.journalled), len(run.Open))
			}
			has := make(map[string]bool)
			for _, r := range l.results[:l.flushed] {
				has[r.Row.UPN] = true
			}
			for upn, status := range keeps.journalled {
				if has[upn] {
					t.Errorf("seed %d: %s is recorded, and journalled", seed, upn)
				}
				has[upn] = true
				if is, ok := keeps.done[upn]; !earlier[upn] && (!ok || is != status) {
					t.Errorf("seed %d: %s counts as journalled, and the journal has it: %t, %s", seed, upn, ok, is)
				}
			}
			for i := range n {
				upn := upn(i)
				begun := f.counts[upn] > 0 || earlier[upn]
				if open := run.Open[i+2]; open != (begun && !has[upn]) {
					t.Errorf("seed %d: %s: open %t, called %t, has a result %t", seed, upn, open, begun, has[upn])
				}
			}
			if slices.Max([]int{c.Recorded, c.Journalled, c.InProgress}) > n {
				t.Errorf("seed %d: %+v of %d rows", seed, c, n)
			}
		})
	}
}

// A set that was refused before it ran was not sent, and the record says so.
func TestUnsentSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		on := newFake()
		on.fault = func(c tenant.Cmdlet, _ int) error {
			if c.Reads() {
				return nil
			}
			return &tenant.Error{Op: c.Name, Class: tenant.Failed, Unsent: c.Identity == upn(0), Err: errors.New("no such parameter")}
		}
		var l list
		if err := optOut(t, on, 1).Do(t.Context(), &users{n: 2}, &l); err != nil {
			t.Fatal(err)
		}
		for i, want := range []string{NoSetSent, SetSent} {
			if r := l.results[i]; !strings.HasSuffix(r.Err.Error(), "; "+want) || r.MaybeChanged() != (want == SetSent) {
				t.Errorf("row %d: %v, maybe changed %v; want %q", i, r.Err, r.MaybeChanged(), want)
			}
		}
	})
}

package pipeline

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"rollcall/tenant"
)

// Mailboxes are a tenant of users with one property P, which binds what is set as
// the type of its parameter says.
type mailboxes struct {
	shows func(upn string) any                 // ahead of any set; hidden for a property that Get does not show
	bind  func(before, value any) (any, error) // what a set makes of it; nil for the value itself
	lag   int                                  // how many reads after a set show what was before

	mu    sync.Mutex
	is    map[string]any
	late  map[string]int
	gets  map[string]int // ahead of the user's first set
	sends []any
}

type hidden struct{}

func (m *mailboxes) Run(_ context.Context, c tenant.Cmdlet) ([]tenant.Object, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.is == nil {
		m.is, m.gets, m.late = make(map[string]any), make(map[string]int), make(map[string]int)
	}
	v, isSet := m.is[c.Identity]
	if !isSet {
		v = m.shows(c.Identity)
	}
	if c.Reads() {
		if !isSet {
			m.gets[c.Identity]++
		}
		if m.late[c.Identity] > 0 {
			m.late[c.Identity]--
			v = m.shows(c.Identity)
		}
		if v == (hidden{}) {
			return []tenant.Object{{"Other": true}}, nil
		}
		return []tenant.Object{{"P": v}}, nil
	}
	value := c.Parameters[0].Value
	m.sends = append(m.sends, value)
	if m.bind != nil {
		var err error
		if value, err = m.bind(v, value); err != nil {
			return nil, &tenant.Error{Class: tenant.Failed, Err: err}
		}
	}
	m.is[c.Identity], m.late[c.Identity] = value, m.lag
	return nil, nil
}

// mailboxRun returns a run that sets P of users.
func mailboxRun(t *testing.T, on tenant.Runner, workers int, assignment string) *Run {
	t.Helper()
	setting, err := tenant.LookupSetting("Mailbox")
	if err != nil {
		t.Fatal(err)
	}
	r := optOut(t, on, workers)
	r.Change = &Change{Setting: setting}
	if err := r.Change.Assign(assignment); err != nil {
		t.Fatal(err)
	}
	if err := r.Change.Bind(nil); err != nil {
		t.Fatal(err)
	}
	return r
}

// What a value is sent as follows what the tenant shows; until it has shown that,
// each user is read first, and then nobody is.
func TestKindIsLearned(t *testing.T) {
	for _, test := range []struct {
		name, assignment string
		shows            any
		sent             any // by all but, perhaps, the first
		status           Status
	}{
		{"boolean", "P=yes", false, true, Applied},
		{"text", "P=TRUE", "x", "TRUE", Applied},
		{"code", "P=12E5", "x", "12E5", Applied},
		{"list", "P=[a;b]", []any{"x", "y"}, []string{"a", "b"}, Applied},
		{"addition", "P+=a", []any{"x", "y"}, tenant.Edit{Add: []string{"a"}}, Applied},
		{"nothing", "P=", "x", nil, Applied},
	} {
		synctest.Test(t, func(t *testing.T) {
			m := &mailboxes{shows: func(string) any { return test.shows }, bind: func(before, value any) (any, error) {
				switch v := value.(type) {
				case tenant.Edit:
					return append(slices.Clone(before.([]any)), anyStrings(v.Add)...), nil
				case []string:
					return anyStrings(v), nil
				}
				return value, nil
			}}
			const workers, n = 4, 200
			var l list
			if err := mailboxRun(t, m, workers, test.assignment).Do(t.Context(), &users{n: n}, &l); err != nil {
				t.Fatal(err)
			}
			l.checkStatuses(t, map[Status]int{test.status: n})
			for _, sent := range m.sends {
				if fmt.Sprintf("%#v", sent) != fmt.Sprintf("%#v", test.sent) {
					t.Fatalf("%s: sent %#v, want %#v", test.name, sent, test.sent)
				}
			}
			if read := len(slices.Collect(maps.Keys(m.gets))); read < 1 || read > workers {
				t.Errorf("%s: %d users were read ahead of the set, want those that were begun at first", test.name, read)
			}
		})
	}
}

func anyStrings(list []string) []any {
	all := make([]any, len(list))
	for i, s := range list {
		all[i] = s
	}
	return all
}

// One value does not take the place of a list of several, be it the first user's or
// a later one's; and nothing is added to what is no list.
func TestListIsNotReplacedByOne(t *testing.T) {
	for _, readFirst := range []bool{false, true} {
		for _, audit := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				m := &mailboxes{shows: func(u string) any {
					if u == upn(7) || u == upn(0) {
						return []any{"a", "b"}
					}
					return []any{"a"}
				}}
				r := mailboxRun(t, m, 3, "P=c")
				r.ReadFirst, r.Audit = readFirst, audit
				var l list
				if err := r.Do(t.Context(), &users{n: 20}, &l); err != nil {
					t.Fatal(err)
				}
				want := map[Status]int{Applied: 18, Invalid: 2}
				if audit {
					want = map[Status]int{Differs: 18, Invalid: 2}
				}
				l.checkStatuses(t, want)
				if m.is[upn(7)] != nil || m.is[upn(0)] != nil {
					t.Error("a list was replaced")
				}
				if err := l.results[7].Err; err == nil || !strings.Contains(err.Error(), "P is a list of 2: want P+=VALUE") {
					t.Errorf("error %v", err)
				}
			})
		}
	}
	synctest.Test(t, func(t *testing.T) {
		m := &mailboxes{shows: func(string) any { return true }}
		var l list
		if err := mailboxRun(t, m, 1, "P+=c").Do(t.Context(), &users{n: 3}, &l); err != nil {
			t.Fatal(err)
		}
		l.checkStatuses(t, map[Status]int{Invalid: 3})
		if len(m.sends) > 0 {
			t.Errorf("sent %v", m.sends)
		}
	})
}

// A property that Get does not show is set, and said to be unverified for that.
func TestPropertyThatIsNotShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mailboxes{shows: func(string) any { return hidden{} }, bind: func(any, any) (any, error) { return hidden{}, nil }}
		var l list
		if err := mailboxRun(t, m, 1, "P=Shared").Do(t.Context(), &users{n: 2}, &l); err != nil {
			t.Fatal(err)
		}
		l.checkStatuses(t, map[Status]int{Unverified: 2})
		if want := `no property "P" in what Get-Mailbox wrote: its value is not known`; !strings.Contains(l.results[0].Err.Error(), want) {
			t.Errorf("error %v, want %q", l.results[0].Err, want)
		}
	})
}

// Capitals alone are no difference to who reads first, and are noted, unless they are
// to be one; who does not read first sends what is wanted.
func TestCapitals(t *testing.T) {
	for _, test := range []struct {
		audit, readFirst, match bool
		status                  Status
		sends                   int
	}{
		{true, false, false, Same, 0}, {true, false, true, Differs, 0},
		{false, true, false, Unchanged, 0}, {false, true, true, Applied, 2},
		{false, false, false, Applied, 2}, {false, false, true, Applied, 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			m := &mailboxes{shows: func(string) any { return "mcdonald" }}
			r := mailboxRun(t, m, 1, "P=McDonald")
			r.Audit, r.ReadFirst, r.Change.MatchCase = test.audit, test.readFirst, test.match
			var l list
			if err := r.Do(t.Context(), &users{n: 2}, &l); err != nil {
				t.Fatal(err)
			}
			l.checkStatuses(t, map[Status]int{test.status: 2})
			noted := strings.Contains(l.results[0].Note, "only in capitals: P")
			left := test.sends == 0 && !test.match
			if len(m.sends) != test.sends || noted != left || (r.Stats.CaseDiffers.Load() == 2) != left {
				t.Errorf("%+v: %d sets, note %q, %d counted", test, len(m.sends), l.results[0].Note, r.Stats.CaseDiffers.Load())
			}
		})
	}
}

// A run whose values all read back as another one is stopped ahead of the time that
// each would be read again for; a tenant that is slow to show what was set stops
// none.
func TestAllReadBackAlike(t *testing.T) {
	for _, slow := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			m := &mailboxes{shows: func(string) any { return "x" }, bind: func(any, any) (any, error) { return "y", nil }}
			if slow {
				m.bind, m.lag = nil, 2
			}
			r := mailboxRun(t, m, 4, "P=z")
			r.ReadFirst, r.Guards.Alike = true, 20
			var l list
			if err := r.Do(t.Context(), &users{n: 100}, &l); err != nil {
				t.Fatal(err)
			}
			if slow {
				l.checkStatuses(t, map[Status]int{Applied: 100})
				return
			}
			if want := `the first 20 rows all read back as "y", where "z" was set`; r.Stopped() != want {
				t.Errorf("stopped: %q, want %q", r.Stopped(), want)
			}
			if len(m.sends) > 30 {
				t.Errorf("%d users were set", len(m.sends))
			}
		})
	}
}

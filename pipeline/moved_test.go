package pipeline

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"rollcall/pipeline/roster"
	"rollcall/tenant"
)

var features = []string{"IsDashboardEnabled", "IsAddInEnabled", "IsDigestEmailEnabled"}

// A mover is a tenant whose privacy mode moves the features: an opt-in turns them
// all on, an opt-out off. What it does is written here once more, and not taken
// from the rules that it is there to test.
type mover struct {
	after func(c tenant.Cmdlet, n int) error // what the nth call, from 0, ends with once it is carried out; nil for none

	mu   sync.Mutex
	is   map[string]tenant.Object
	n    int
	sets []string
}

// flags returns what a user is: a privacy mode, and the features.
func flags(mode string, dashboard, addIn, digest bool) tenant.Object {
	return tenant.Object{"PrivacyMode": mode, features[0]: dashboard, features[1]: addIn, features[2]: digest}
}

func (m *mover) Run(_ context.Context, c tenant.Cmdlet) ([]tenant.Object, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.n
	m.n++
	user := m.is[c.Identity]
	if !c.Reads() {
		m.sets = append(m.sets, fmt.Sprint(c.Parameters))
		if err := carryOut(user, c); err != nil {
			return nil, err
		}
	}
	if m.after != nil {
		if err := m.after(c, n); err != nil {
			return nil, err
		}
	}
	if !c.Reads() {
		return nil, nil
	}
	return []tenant.Object{maps.Clone(user)}, nil
}

// carryOut does to a user what a set says.
func carryOut(user tenant.Object, c tenant.Cmdlet) error {
	var mode, feature string
	enabled, given := false, false
	for _, p := range c.Parameters {
		switch p.Name {
		case "PrivacyMode":
			mode = p.Value.(string)
		case "Feature":
			feature = p.Value.(string)
		case "IsEnabled":
			enabled, given = p.Value.(bool), true
		default:
			return fmt.Errorf("no parameter %s", p.Name)
		}
	}
	if (feature != "") != given || mode == "" && feature == "" {
		return fmt.Errorf("the module refuses %v", c.Parameters)
	}
	if mode != "" {
		user["PrivacyMode"] = mode
		for _, f := range features {
			user[f] = mode == "opt-in"
		}
	}
	if feature != "" {
		user[map[string]string{"dashboard": features[0], "add-in": features[1], "digest-email": features[2]}[feature]] = enabled
	}
	return nil
}

// cells are rows, of user0 and so on, with the cells of a roster.
type cells struct {
	rows [][]string
	read int
}

func (c *cells) Read(row *roster.Row) error {
	if c.read == len(c.rows) {
		return io.EOF
	}
	*row = roster.Row{Line: c.read + 2, UPN: upn(c.read), Cells: c.rows[c.read]}
	c.read++
	return nil
}

// bind binds a change to a header.
func bind(t *testing.T, c *Change, header ...string) *Change {
	t.Helper()
	err := c.Bind(func(name string) (int, error) {
		if i := slices.Index(header, name); i >= 0 {
			return i, nil
		}
		return 0, fmt.Errorf("there is no column %q", name)
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// myAnalytics returns an empty change of it.
func myAnalytics(t *testing.T) *Change {
	t.Helper()
	setting, err := tenant.LookupSetting("MyAnalyticsFeatureConfig")
	if err != nil {
		t.Fatal(err)
	}
	return &Change{Setting: setting}
}

// runOne runs the change of one user and returns the result.
func runOne(t *testing.T, run *Run, in Rows) Result {
	t.Helper()
	var l list
	if err := run.Do(t.Context(), in, &l); err != nil {
		t.Fatal(err)
	}
	if len(l.results) != 1 {
		t.Fatalf("%d results", len(l.results))
	}
	return l.results[0]
}

// moved returns what a result has of the features that moved, as "before>after".
func movedText(r *Result) string {
	var texts []string
	for _, v := range r.Moved {
		texts = append(texts, v.Before+">"+v.After)
	}
	return strings.Join(texts, " ")
}

// What moves is recorded: what it is then, and what it was if the user was read
// first, which the journal has ahead of the set.
func TestMovedIsRecorded(t *testing.T) {
	for _, c := range []struct {
		name    string
		is      tenant.Object
		set     []string
		change  func(*Run)
		status  Status
		moved   string
		journal string
	}{
		{name: "blind", is: flags("opt-in", true, true, false), set: []string{"PrivacyMode=opt-out"}, status: Applied, moved: ">false >false >false"},
		{name: "read first", is: flags("opt-in", true, true, false), set: []string{"PrivacyMode=opt-out"}, change: readFirst,
			status: Applied, moved: "true>false true>false false>false", journal: "true> true> false>"},
		{name: "opt-in", is: flags("opt-out", false, false, true), set: []string{"PrivacyMode=opt-in"}, change: readFirst,
			status: Applied, moved: "false>true false>true true>true", journal: "false> false> true>"},
		{name: "unchanged", is: flags("opt-out", false, false, true), set: []string{"PrivacyMode=opt-out"}, change: readFirst,
			status: Unchanged, moved: "false>false false>false true>true"},
		{name: "audit", is: flags("opt-in", true, false, true), set: []string{"PrivacyMode=opt-out"}, change: audit,
			status: Differs, moved: "true>true false>false true>true"},
		{name: "one is set itself", is: flags("opt-in", false, true, true), set: []string{"IsAddInEnabled=true", "PrivacyMode=opt-out"}, change: readFirst,
			status: Applied, moved: "false>false true>false", journal: "false> true>"},
		{name: "nothing moves", is: flags("opt-in", false, true, true), set: []string{"IsAddInEnabled=false"}, change: readFirst, status: Applied},
		{name: "a tenant that does not show one", is: tenant.Object{"PrivacyMode": "opt-in", "IsAddInEnabled": true}, set: []string{"PrivacyMode=opt-out"}, change: audit,
			status: Differs, moved: "> true>true >"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &mover{is: map[string]tenant.Object{upn(0): c.is}}
				run := optOut(t, m, 1)
				run.Change = change(t, c.set...)
				if c.change != nil {
					c.change(run)
				}
				j := new(movedJournal)
				run.Journal = j
				r := runOne(t, run, &users{n: 1})
				if got := movedText(&r); r.Status != c.status || got != c.moved {
					t.Errorf("%s, moved %q; want %s, %q", r.Status, got, c.status, c.moved)
				}
				if j.before != c.journal {
					t.Errorf("the journal has %q, want %q", j.before, c.journal)
				}
			})
		})
	}
}

// A movedJournal keeps what moves of the last row that is about to be set.
type movedJournal struct{ before string }

func (j *movedJournal) Before(r *Result) error { j.before = movedText(r); return nil }
func (j *movedJournal) Done(*Result) error     { return nil }

// A set of which no reply came has moved what it moves, or not: the values before
// are on record either way, and those after if they could be read.
func TestMovedAndUnknownOutcome(t *testing.T) {
	for _, c := range []struct {
		name   string
		reads  bool // work after the set
		status Status
		moved  string
	}{
		{"read back", true, Applied, "true>false true>false false>false"},
		{"not read back", false, Unverified, "true> true> false>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &mover{is: map[string]tenant.Object{upn(0): flags("opt-in", true, true, false)}}
				m.after = func(cmdlet tenant.Cmdlet, n int) error {
					if !cmdlet.Reads() || n > 0 && !c.reads {
						return fail(tenant.Unavailable)
					}
					return nil
				}
				run := optOut(t, m, 1)
				run.ReadFirst = true
				r := runOne(t, run, &users{n: 1})
				if got := movedText(&r); r.Status != c.status || got != c.moved {
					t.Errorf("%s, moved %q; want %s, %q", r.Status, got, c.status, c.moved)
				}
				if !r.MaybeChanged() {
					t.Error("undo would pass it over")
				}
			})
		})
	}
}

// What an earlier run has left of a row it may have set has the values before of
// what moved, in the place of those that would be read.
func TestMovedFromEarlier(t *testing.T) {
	wanted, was := []string{"opt-out"}, []string{"opt-in"}
	done := &Result{Status: Applied, Values: []Value{{Wanted: "opt-out", Before: "opt-in", After: "opt-out"}},
		Moved: []Value{{Before: "x"}, {Before: "y"}, {Before: "z", After: "w"}}}
	for _, c := range []struct {
		name    string
		is      tenant.Object
		earlier *Earlier
		before  string // of the privacy mode
		moved   string
	}{
		{"in progress", flags("opt-out", false, false, false), &Earlier{UPN: upn(0), Wanted: wanted, Before: was, Moved: []string{"true", "true", "false"}},
			"opt-in", "true>false true>false false>false"},
		{"done", flags("opt-out", false, false, false), &Earlier{UPN: upn(0), Wanted: wanted, Result: done},
			"opt-in", "x> y> z>w"},
		// It may have set the user, and what was before is lost: no value that
		// the set may have made is taken for one before, and what can't be its
		// doing is.
		{"lost", flags("opt-out", false, false, true), nil, "", ">false >false true>false"},
		{"of other properties", flags("opt-out", false, false, false), &Earlier{UPN: upn(0), Wanted: wanted, Before: was, Moved: []string{"true"}},
			"", ">false >false >false"},
		{"lost, and not set", flags("opt-in", true, false, true), nil, "opt-in", "true>false false>false true>false"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				run := optOut(t, &mover{is: map[string]tenant.Object{upn(0): c.is}}, 1)
				run.ReadFirst, run.Unsure = true, 1
				if c.earlier != nil {
					run.Earlier = map[int]Earlier{2: *c.earlier}
				}
				r := runOne(t, run, &users{n: 1})
				if got := movedText(&r); r.Status != Applied || r.Values[0].Before != c.before || got != c.moved {
					t.Errorf("%s, before %q, moved %q; want %q, %q", r.Status, r.Values[0].Before, got, c.before, c.moved)
				}
			})
		})
	}
}

// With the values before expected, a user is left alone of whom a property that moves is
// no longer as it was, as far as both values are known.
func TestMovedIsExpected(t *testing.T) {
	is := flags("opt-in", true, false, true)
	for _, c := range []struct {
		name      string
		before    []string // of the dashboard, and of the digest, which is a property of the change with a blank cell
		is        tenant.Object
		unsure    int
		unchecked bool
		err       string
	}{
		{name: "as before", before: []string{"true", "true"}, is: is},
		{name: "as a spreadsheet writes it", before: []string{"TRUE", " True "}, is: is},
		{name: "moved property", before: []string{"false", "true"}, is: is, err: "IsDashboardEnabled is true, no longer false"},
		{name: "blank cell", before: []string{"true", "false"}, is: is, err: "IsDigestEmailEnabled is true, no longer false"},
		{name: "empty", before: []string{tenant.Nothing, ""}, is: is, err: "IsDashboardEnabled is true, no longer $null"},
		{name: "no such value", before: []string{"maybe", ""}, is: tenant.Object{"PrivacyMode": "opt-in", features[0]: "maybe"}},
		{name: "not known", before: []string{"", " "}, is: is},
		{name: "not shown", before: []string{"true", "true"}, is: tenant.Object{"PrivacyMode": "opt-in"}},
		{name: "not expected", before: []string{"false", "false"}, is: is, unchecked: true},
		{name: "by an earlier run", before: []string{"true", "true"}, is: flags("opt-in", false, false, false), unsure: 1},
		{name: "not by an earlier run", before: []string{"false", "true"}, is: flags("opt-in", true, false, false), unsure: 1, err: "IsDashboardEnabled is true, no longer false"},
		{name: "as wanted", before: []string{"true", "true"}, is: flags("opt-out", false, false, false)},
	} {
		for _, audit := range []bool{false, true} {
			if audit && c.unsure > 0 {
				continue // an audit has no earlier run
			}
			synctest.Test(t, func(t *testing.T) {
				m := &mover{is: map[string]tenant.Object{upn(0): maps.Clone(c.is)}}
				run := optOut(t, m, 1)
				run.Change = myAnalytics(t)
				run.Audit, run.ReadFirst, run.Unsure, run.Change.ExpectMovedBefore = audit, true, c.unsure, !c.unchecked
				for _, p := range []string{"PrivacyMode", features[2]} {
					if err := run.Change.AssignColumns(p, p+".Wanted", p+".Before", p+".Before"); err != nil {
						t.Fatal(err)
					}
				}
				run.Change.SetMovedBefore(features[0], features[0]+".Before")
				bind(t, run.Change, "PrivacyMode.Wanted", "PrivacyMode.Before", features[2]+".Wanted", features[2]+".Before", features[0]+".Before")
				r := runOne(t, run, &cells{rows: [][]string{{"opt-out", "opt-in", "", c.before[1], c.before[0]}}})
				if c.err == "" && (r.Err != nil || r.Status == Stale) || c.err != "" && (r.Status != Stale || r.Err == nil || r.Err.Error() != c.err || m.sets != nil) {
					t.Errorf("%s, audit %t: %s, %v, sets %v; want error %q", c.name, audit, r.Status, r.Err, m.sets, c.err)
				}
			})
		}
	}
}

// A blank cell leaves a property alone; if the row's others move it, what it was
// and is then is on record all the same, and nothing is wanted of it.
func TestMovedOfBlankCell(t *testing.T) {
	for _, c := range []struct {
		row   []string
		set   string
		value Value // of the digest
		moved string
	}{
		{[]string{"opt-out", ""}, "[{PrivacyMode opt-out}]", Value{Before: "true", After: "false", Same: true, Moves: "false"}, "true>false false>false"},
		{[]string{"opt-out", "true"}, "[{PrivacyMode opt-out} {Feature digest-email} {IsEnabled true}]",
			Value{Wanted: "true", Before: "true", After: "true", Same: true}, "true>false false>false"},
		{[]string{"", "false"}, "[{Feature digest-email} {IsEnabled false}]", Value{Wanted: "false", Before: "true", After: "false", Same: true}, "> >"},
		{[]string{"opt-in", ""}, "", Value{Before: "true", After: "true", Same: true, Moves: "true"}, "true>true false>false"},
	} {
		synctest.Test(t, func(t *testing.T) {
			m := &mover{is: map[string]tenant.Object{upn(0): flags("opt-in", true, false, true)}}
			run := optOut(t, m, 1)
			run.ReadFirst, run.Change = true, myAnalytics(t)
			for _, a := range []string{"PrivacyMode=@Mode", "IsDigestEmailEnabled=@Digest"} {
				if err := run.Change.Assign(a); err != nil {
					t.Fatal(err)
				}
			}
			bind(t, run.Change, "Mode", "Digest")
			r := runOne(t, run, &cells{rows: [][]string{c.row}})
			if got := movedText(&r); r.Values[1] != c.value || got != c.moved || strings.Join(m.sets, " ") != c.set {
				t.Errorf("%q: %s, digest %+v, moved %q, sets %q; want %+v, %q, %q", c.row, r.Status, r.Values[1], got, m.sets, c.value, c.moved, c.set)
			}
		})
	}
}

// Undo sets the privacy mode and one feature in one cmdlet, the other features
// after that, and none that is so already or becomes so with the privacy mode.
func TestUndoOfMoved(t *testing.T) {
	const mode, dashboard, addIn, digest = "{PrivacyMode opt-in}", "{Feature dashboard} {IsEnabled false}", "{Feature add-in} {IsEnabled false}", "{Feature digest-email} {IsEnabled false}"
	out := flags("opt-out", false, false, false)
	for _, c := range []struct {
		name   string
		before tenant.Object
		is     tenant.Object
		status Status
		sets   string
	}{
		{"all on", flags("opt-in", true, true, true), out, Applied, "[" + mode + "]"},
		{"digest off", flags("opt-in", true, true, false), out, Applied, "[" + mode + " " + digest + "]"},
		{"two off", flags("opt-in", false, true, false), out, Applied, "[" + mode + " " + dashboard + "] [" + digest + "]"},
		{"all off", flags("opt-in", false, false, false), out, Applied, "[" + mode + " " + dashboard + "] [" + addIn + "] [" + digest + "]"},
		{"only the features", flags("opt-out", false, true, false), out, Applied, "[{Feature add-in} {IsEnabled true}]"},
		{"of an opt-in", flags("opt-out", false, false, true), flags("opt-in", true, true, true), Applied, "[{PrivacyMode opt-out} {Feature digest-email} {IsEnabled true}]"},
		{"put back already", flags("opt-in", true, true, false), flags("opt-in", true, true, false), Unchanged, ""},
		{"changed since", flags("opt-in", true, true, true), flags("opt-out", false, false, true), Stale, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				after := out // as the run that is undone left the user
				if c.before["PrivacyMode"] == "opt-out" && c.is["PrivacyMode"] == "opt-in" {
					after = flags("opt-in", true, true, true)
				}
				run := optOut(t, nil, 1)
				run.ReadFirst, run.Change = true, myAnalytics(t)
				var header, row []string
				for _, p := range append([]string{"PrivacyMode"}, features...) {
					if err := run.Change.AssignColumns(p, p+".Before", "", p); err != nil {
						t.Fatal(err)
					}
					header, row = append(header, p, p+".Before"), append(row, fmt.Sprint(after[p]), fmt.Sprint(c.before[p]))
				}
				bind(t, run.Change, header...)
				if run.Change.Moved() != nil {
					t.Errorf("moves %v besides", run.Change.Moved())
				}
				is := maps.Clone(c.is)
				m := &mover{is: map[string]tenant.Object{upn(0): is}}
				run.Tenant = m
				r := runOne(t, run, &cells{rows: [][]string{row}})
				if got := strings.Join(m.sets, " "); r.Status != c.status || got != c.sets {
					t.Errorf("%s (%v), sets %s; want %s, %s", r.Status, r.Err, got, c.status, c.sets)
				}
				if !r.Status.IsFailure() && !maps.Equal(is, c.before) {
					t.Errorf("is %v, was %v before", is, c.before)
				}
			})
		})
	}
}

// Whatever is wanted, in whatever order and of whatever user, holds once it is set,
// as what moves with it does, and nothing else has changed. No more cmdlets are run
// than it takes. That is so of all that is wanted, of what of it is needed, and of
// either once more.
func TestSetOnWhatMoves(t *testing.T) {
	setting := myAnalytics(t).Setting
	names := append([]string{"PrivacyMode"}, features...)
	rnd := rand.New(rand.NewPCG(20, 1))
	is := func() tenant.Object {
		return flags([]string{"opt-in", "opt-out"}[rnd.IntN(2)], rnd.IntN(2) == 0, rnd.IntN(2) == 0, rnd.IntN(2) == 0)
	}
	for range 20_000 {
		target, user := is(), is()
		var wants []tenant.Want
		same := []bool{}
		for _, i := range rnd.Perm(len(names))[:1+rnd.IntN(len(names))] {
			wants = append(wants, tenant.Want{Property: names[i], Value: target[names[i]]})
			same = append(same, target[names[i]] == user[names[i]])
		}
		given := slices.Clone(wants)
		needed := setting.Needed(wants, same)
		for _, some := range [][]tenant.Want{wants, needed} {
			u, expected, cmdlets := maps.Clone(user), maps.Clone(user), setting.Set(some)
			for _, w := range setting.MovedValues(some) {
				expected[w.Property] = w.Value
			}
			least := 0 // features to set when the privacy mode is
			for _, w := range some {
				if w.Property != "PrivacyMode" && (expected[w.Property] != w.Value || setting.MovedValues(some) == nil) {
					least++
				}
			}
			for _, w := range wants {
				expected[w.Property] = w.Value
			}
			if setting.MovedValues(some) != nil {
				least = max(least, 1) // the first goes with it
			}
			for range 2 {
				for _, c := range cmdlets {
					if err := carryOut(u, c); err != nil {
						t.Fatalf("%v of %v: %v", some, user, err)
					}
				}
				if !maps.Equal(u, expected) {
					t.Fatalf("%v of %v: is %v, want %v, by %v", some, user, u, expected, cmdlets)
				}
			}
			if len(cmdlets) != least {
				t.Fatalf("%v of %v: %d cmdlets, want %d: %v", some, user, len(cmdlets), least, cmdlets)
			}
		}
		if !slices.Equal(wants, given) {
			t.Fatalf("the wants %v are %v now", given, wants)
		}
	}
}

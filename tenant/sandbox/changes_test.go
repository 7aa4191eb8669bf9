package sandbox

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// someSets makes six changes, and returns what is shown before and after each.
func someSets(t *testing.T, tn *Tenant) []map[string]any {
	t.Helper()
	states := []map[string]any{shown(t, tn)}
	for _, line := range []string{
		"Set-MyAnalyticsFeatureConfig ada@contoso.com PrivacyMode=opt-in", "Set-CASMailbox bob@contoso.com PopEnabled=false Zone=17",
		"Set-Mailbox bob@contoso.com Office=null", "Set-UserAnalyticsConfig bob@contoso.com PrivacyMode=Opt-Out",
		"Set-Mailbox ada@contoso.com Zone=Paris", "Set-UserBriefingConfig ada@contoso.com Enabled=false",
	} {
		run(t, tn, line)
		states = append(states, shown(t, tn))
	}
	return states
}

// Wherever the log is cut there is a prefix of the changes, of which those whose
// lines are whole are; and it can be gone on with.
func TestLogCut(t *testing.T) {
	tn, name := load(t, crowd)
	states := someSets(t, tn)
	whole := get(t, LogName(name))
	for cut := range len(whole) + 1 {
		put(t, LogName(name), whole[:cut])
		again := reload(t, name)
		want := states[max(0, strings.Count(whole[:cut], "\n")-1)]
		if got := shown(t, again); !reflect.DeepEqual(got, want) {
			t.Fatalf("cut after %d bytes: found\n%v, want\n%v", cut, got, want)
		}
		if cut%7 != 0 {
			continue
		}
		run(t, again, "Set-Mailbox ada@contoso.com Extra=long")
		if got, want := shown(t, reload(t, name)), shown(t, again); !reflect.DeepEqual(got, want) {
			t.Fatalf("cut after %d bytes and gone on with: found\n%v, want\n%v", cut, got, want)
		}
		if cut%49 == 0 {
			saved := save(t, again, name)
			if files := snapshot(t, name); len(files) != 1 {
				t.Errorf("cut after %d bytes: left %q", cut, files)
			}
			if !strings.Contains(saved, "Extra") {
				t.Errorf("cut after %d bytes: saved %q", cut, saved)
			}
			put(t, name, crowd)
		}
	}
}

// A log with a wrong bit is an error that says where, or, if it looks torn, a
// prefix of the changes.
func TestLogDamaged(t *testing.T) {
	tn, name := load(t, crowd)
	states := someSets(t, tn)
	whole := []byte(get(t, LogName(name)))
	for i := range whole {
		last := i == len(whole)-1 // then it has no end any more
		for bit := range 8 {
			b := bytes.Clone(whole)
			b[i] ^= 1 << bit
			upper := bytes.EqualFold(b, whole) // hex in upper case
			count, folded, err := survey(b, digestOf([]byte(crowd)))
			switch {
			case err != nil && !strings.HasPrefix(err.Error(), "line "):
				t.Fatalf("byte %d, bit %d: %v", i, bit, err)
			case err == nil && !(folded == 0 && (last && count == 5 || upper && count == 6)):
				t.Fatalf("byte %d, bit %d: %d changes, %d of them folded in", i, bit, count, folded)
			}
			if bit != i%8 {
				continue
			}
			put(t, LogName(name), string(b))
			again, lerr := Load(name)
			switch {
			case err != nil && (lerr == nil || lerr.Error() != "load "+name+": "+LogName(name)+": "+err.Error()):
				t.Fatalf("byte %d, bit %d: Load: %v, want %v", i, bit, lerr, err)
			case err == nil && !reflect.DeepEqual(shown(t, again), states[count]):
				t.Fatalf("byte %d, bit %d: found\n%v", i, bit, shown(t, again))
			}
		}
	}
}

func TestLogErrors(t *testing.T) {
	line := func(e entry) string {
		b, err := e.appendTo(nil)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	state := line(entry{File: digestOf([]byte(people))})
	change := func(user string, ps ...loggedParameter) string {
		return line(entry{Noun: "UserAnalyticsConfig", User: user, Parameters: ps})
	}
	for _, test := range []struct{ log, want string }{
		{change("ada@contoso.com"), "line 1: want the state of the file that the changes are to"},
		{"hello\n", "line 1: damaged: its checksum is of something else"},
		{state + "\n" + state, "line 2: damaged: its checksum is of something else"},
		{state + line(entry{}), "line 2: not an entry: neither a change nor a state"},
		{state + line(entry{Noun: "a b"}), "line 2: not an entry: neither a change nor a state"},
		{state + "b798b438 []\n", "line 2: damaged: its checksum is of something else"},
		{state + line(entry{File: "x", Changes: 1}), "a state of 1 changes after 0"},
		{state + change("eve@contoso.com"), `change 1: no user "eve@contoso.com"`},
		{state + change("ada@contoso.com", loggedParameter{Name: "X", Value: true}),
			`change 1: Set-UserAnalyticsConfig ada@contoso.com: A parameter cannot be found`},
	} {
		_, name := load(t, people)
		put(t, LogName(name), test.log)
		if _, err := Load(name); err == nil || !strings.HasPrefix(err.Error(), "load "+name+": "+LogName(name)+": "+test.want) {
			t.Errorf("Load with the log %q: %v, want %s", test.log, err, test.want)
		}
	}
}

// Whatever is in a log, Load says what is wrong with it, or there is a Tenant.
func FuzzParseEntry(f *testing.F) {
	f.Add([]byte(`{"file":"9f86d081","changes":3}`))
	f.Add([]byte(`{"noun":"CASMailbox","user":"ada","parameters":[{"name":"X","value":1e3},{"name":"Y","value":null,"bytes":"6Q=="}]}`))
	f.Fuzz(func(t *testing.T, j []byte) {
		e := entry{}
		if json.Unmarshal(j, &e) != nil {
			return
		}
		line, err := e.appendTo(nil)
		if err != nil {
			return
		}
		got, err := parseEntry(line[:len(line)-1])
		if err != nil {
			return
		}
		again, err := got.appendTo(nil)
		if err != nil || len(got.parameters()) != len(got.Parameters) {
			t.Fatal(err)
		}
		if second, err := parseEntry(again[:len(again)-1]); err != nil || !reflect.DeepEqual(got, second) {
			t.Errorf("%+v, and again %+v, %v", got, second, err)
		}
	})
}

package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"rollcall/tenant"
)

// crowd has every kind of column, and a user and a cell that are not UTF-8.
const crowd = "UserPrincipalName,Licensed,PrivacyMode,PopEnabled,Office\n" +
	"Ada@contoso.com,true,Opt-Out,false,007\nbob@contoso.com,false,,,12\n\xe9ve@contoso.com,,excluded,True,caf\xe9\n"

// randomSet returns a Set, which may change nothing or be refused.
func randomSet(rnd *rand.Rand, users []user) tenant.Cmdlet {
	pick := func(vs ...any) any { return vs[rnd.IntN(len(vs))] }
	set := func(noun string, pairs ...any) tenant.Cmdlet {
		c := tenant.Cmdlet{Name: "Set-" + noun, Identity: users[rnd.IntN(len(users))].name}
		if rnd.IntN(3) == 0 {
			c.Identity = strings.ToUpper(c.Identity)
		}
		for i := 0; i < len(pairs); i += 2 {
			c.Parameters = append(c.Parameters, tenant.Parameter{Name: pairs[i].(string), Value: pairs[i+1]})
		}
		return c
	}
	free := func() any {
		return pick(nil, true, false, "", "true", "null", "7", "Zürich", "caf\xe9", "a,\"b\"\n<c>\u2028", json.Number("7"), json.Number("1E5"), json.Number("12345678901234567890"))
	}
	switch rnd.IntN(6) {
	case 0:
		return set("MyAnalyticsFeatureConfig", "PrivacyMode", pick("opt-in", "opt-out", "excluded"))
	case 1:
		return set("MyAnalyticsFeatureConfig", "Feature", pick("dashboard", "add-in", "all"), "IsEnabled", pick(true, false, json.Number("0")), "Confirm", false)
	case 2:
		return set("UserAnalyticsConfig", "PrivacyMode", pick("Opt-In", "Opt-Out", "Excluded"))
	case 3:
		return set("userbriefingconfig", "Enabled", pick(true, false))
	case 4:
		return set("CASMailbox", "PopEnabled", pick(true, false, "False"), "imapenabled", pick(true, false))
	}
	return set(pick("Mailbox", "Clutter").(string), pick("Office", "office", "Zone", "Extra").(string), free())
}

// shown returns all that Gets show of the users of a file.
func shown(t *testing.T, tn *Tenant) map[string]any {
	t.Helper()
	all := make(map[string]any)
	for _, u := range tn.users.(*file).users {
		for _, noun := range []string{"MyAnalyticsFeatureConfig", "UserAnalyticsConfig", "VivaInsightsSettings", "UserBriefingConfig", "CASMailbox", "Mailbox"} {
			o, err := tn.Run(t.Context(), tenant.Cmdlet{Name: "Get-" + noun, Identity: u.name})
			if err != nil {
				t.Fatal(err)
			}
			all[noun+" "+u.name] = o[0]
		}
	}
	return all
}

// snapshot returns what is in each file of the directory that name is in.
func snapshot(t *testing.T, name string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	names, err := filepath.Glob(filepath.Join(filepath.Dir(name), "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(name)] = string(b)
	}
	return files
}

// reload returns the Tenant that whoever loads the file finds, and checks that
// loading changes no file.
func reload(t *testing.T, name string) *Tenant {
	t.Helper()
	before := snapshot(t, name)
	tn, err := Load(name)
	if err != nil {
		t.Fatal(err)
	}
	if after := snapshot(t, name); !maps.Equal(before, after) {
		t.Errorf("Load made %q of %q", after, before)
	}
	return tn
}

func put(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Whenever a Tenant is abandoned, the next one shows what it showed: values of
// every type, of every noun, however often there were a Save or another Tenant
// in between.
func TestAbandoned(t *testing.T) {
	for seed := range uint64(12) {
		rnd := rand.New(rand.NewPCG(seed, 9))
		tn, name := load(t, crowd)
		changes := 0
		for range 150 {
			r, err := tn.Do(randomSet(rnd, tn.users.(*file).users))
			if err == nil && !r.unchanged {
				changes++
			}
			if rnd.IntN(8) != 0 {
				continue
			}
			again := reload(t, name)
			if got, want := shown(t, again), shown(t, tn); !reflect.DeepEqual(got, want) {
				t.Fatalf("seed %d: found\n%v, want\n%v", seed, got, want)
			}
			switch rnd.IntN(4) {
			case 0:
				tn = again
			case 1:
				tn = again
				save(t, tn, name)
				tn = reload(t, name) // a cell has no types: what it shows now counts
			case 2:
				save(t, tn, name)
				tn = reload(t, name)
			}
		}
		if changes < 20 {
			t.Errorf("seed %d: only %d changes", seed, changes)
		}
		save(t, tn, name)
		if files := snapshot(t, name); len(files) != 1 {
			t.Errorf("left %q", slices.Collect(maps.Keys(files)))
		}
	}
}

// Whenever a process is killed while it saves, what was set is there, once, with
// what was set while it saved, and the next Save ends what it began.
func TestSaveKilled(t *testing.T) {
	for _, during := range []bool{false, true} { // whether there is a Set while it saves
		for _, renamed := range []bool{false, true} {
			tn, name := load(t, crowd)
			someSets(t, tn)
			f := tn.users.(*file)
			count, users := f.log.count, slices.Clone(f.users)
			killed := errors.New("killed")
			_, err := replace(f.path, func(w io.Writer) error { return f.write(w, users) }, func(digest string) error {
				if during {
					run(t, tn, "Set-Mailbox ada@contoso.com Zone=Rome")
				}
				if err := f.announce(entry{File: digest, Changes: count}); err != nil {
					t.Fatal(err)
				}
				if during {
					run(t, tn, "Set-Mailbox bob@contoso.com Zone=Rome")
				}
				if renamed {
					return nil
				}
				return killed
			})
			if !renamed && err != killed || renamed && err != nil {
				t.Fatal(err)
			}
			if got, want := texts(shown(t, reload(t, name))), texts(shown(t, tn)); got != want {
				t.Fatalf("renamed %t, with a Set during it %t: found\n%v, want\n%v", renamed, during, got, want)
			}

			// It is gone on with, killed, and gone on with.
			again := reload(t, name)
			run(t, again, "Set-CASMailbox ada@contoso.com OWAEnabled=false")
			if got, want := texts(shown(t, reload(t, name))), texts(shown(t, again)); got != want {
				t.Fatalf("gone on with: found\n%v, want\n%v", got, want)
			}
			again = reload(t, name)
			want := texts(shown(t, again))
			save(t, again, name)
			if got := texts(shown(t, reload(t, name))); got != want {
				t.Fatalf("saved: found\n%v, want\n%v", got, want)
			}
			if files := snapshot(t, name); len(files) != 1 {
				t.Errorf("left %q", files)
			}
		}
	}

	// Killed before the log was removed, with nothing to do but that: a second
	// name of the log keeps what Save put into it.
	tn, name := load(t, crowd)
	someSets(t, tn)
	run(t, tn, "Set-Mailbox ada@contoso.com Zone=Oslo") // another one than the first of the log
	kept := LogName(name) + ".kept"
	if err := os.Link(LogName(name), kept); err != nil {
		t.Skip(err)
	}
	saved := save(t, tn, name)
	if err := os.Rename(kept, LogName(name)); err != nil {
		t.Fatal(err)
	}
	again := reload(t, name)
	if got, want := texts(shown(t, again)), texts(shown(t, tn)); got != want {
		t.Errorf("found\n%v, want\n%v", got, want)
	}
	for _, u := range again.users.(*file).users {
		if u.more.objects != nil {
			t.Errorf("changes of %q that the file has were made again", u.name)
		}
	}
	before, _ := os.Stat(name)
	if got := save(t, again, name); got != saved {
		t.Errorf("saved %q, want %q", got, saved)
	}
	if after, _ := os.Stat(name); !os.SameFile(before, after) {
		t.Error("Save wrote a file that had everything")
	}
	if files := snapshot(t, name); len(files) != 1 {
		t.Errorf("left %q", files)
	}
}

// Whoever loads a file while another process sets and saves finds all that was
// set before, whatever is in which file at the time.
func TestLoadMeanwhile(t *testing.T) {
	tn, name := load(t, people)
	var answered atomic.Int64
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := int64(1); ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			run(t, tn, fmt.Sprintf("Set-Mailbox ada@contoso.com Office=%d", i))
			answered.Store(i)
			if i%3 == 0 {
				if err := tn.Save(); err != nil {
					t.Error(err)
				}
			}
		}
	})
	for range 4000 {
		least := answered.Load()
		again, err := Load(name)
		if err != nil {
			t.Error(err)
			break
		}
		text := tenant.Text(run(t, again, "Get-Mailbox ada@contoso.com")[0]["Office"])
		if n, err := strconv.ParseInt(text, 10, 64); err != nil || n < least {
			t.Errorf("found %s, want %d at least", text, least)
		}
	}
	close(stop)
	wg.Wait()
}

// texts returns what is shown as text, which is all that a cell keeps of a value.
// A blank one is left out: each user gets one with a column.
func texts(all map[string]any) string {
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(all)) {
		o := all[key].(tenant.Object)
		for _, name := range slices.Sorted(maps.Keys(o)) {
			if text := tenant.Text(o[name]); o[name] != nil && text != "" {
				b.WriteString(key + " " + name + "=" + text + "\n")
			}
		}
	}
	return b.String()
}

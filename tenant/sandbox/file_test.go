package sandbox

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"

	"rollcall/tenant"
)

// load returns the Tenant of a file with the content, and the file's name.
func load(t *testing.T, content string) (*Tenant, string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "tenant.csv")
	if err := os.WriteFile(name, []byte(content), 0o640); err != nil {
		t.Fatal(err)
	}
	tn, err := Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return tn, name
}

func save(t *testing.T, tn *Tenant, name string) string {
	t.Helper()
	if err := tn.Save(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

const people = `UserPrincipalName,Licensed,PrivacyMode,IsAddInEnabled,Display Name,PopEnabled,Office
Ada@contoso.com,true,Opt-Out,FALSE,"Ada, Countess",false,007
bob@contoso.com,false,,,Bob,,12
cyd@contoso.com,,excluded,true,Cyd,True,
`

func TestLoad(t *testing.T) {
	tn, _ := load(t, people)
	for _, test := range []struct {
		line string
		want tenant.Object
	}{
		{"Get-MyAnalyticsFeatureConfig ada@CONTOSO.com", but(myDefault, "PrivacyMode", "opt-out", "IsAddInEnabled", false)},
		{"Get-MyAnalyticsFeatureConfig bob@contoso.com", myDefault},
		{"Get-UserAnalyticsConfig cyd@contoso.com", tenant.Object{"PrivacyMode": "Excluded"}},
		// Columns that are no known property belong to every other noun; over
		// what the noun has anyway.
		{"Get-CASMailbox Ada@contoso.com", but(casUsual, "PopEnabled", false, "Office", "007")},
		{"Get-Mailbox bob@contoso.com", tenant.Object{"HiddenFromAddressListsEnabled": false, "PopEnabled": nil, "Office": parseCell("12")}},
		{"Get-CASMailbox bob@contoso.com", but(casUsual, "Office", parseCell("12"))},
	} {
		if got := run(t, tn, test.line); len(got) != 1 || !reflect.DeepEqual(got[0], test.want) {
			t.Errorf("%s = %v, want %v", test.line, got, test.want)
		}
	}

	for _, line := range []string{"Get-MyAnalyticsFeatureConfig dan@contoso.com", "Set-MyAnalyticsFeatureConfig dan@contoso.com PrivacyMode=opt-in", "Set-CASMailbox dan@contoso.com X=1"} {
		_, err := tn.Run(t.Context(), cmdlet(line))
		e, ok := errors.AsType[*tenant.Error](err)
		if !ok || e.Class != tenant.NotFound || e.Exception != objectNotFound || e.Object != "dan@contoso.com" ||
			!strings.Contains(e.Error(), "object 'dan@contoso.com' couldn't be found") {
			t.Errorf("%s: %v, want not found", line, err)
		}
	}

	_, err := tn.Run(t.Context(), cmdlet("Set-UserAnalyticsConfig bob@contoso.com PrivacyMode=Excluded"))
	if !errors.Is(err, tenant.Failed) || !strings.Contains(err.Error(), "Instead, specify Opt-out.") {
		t.Errorf("excluding a user without a licence: %v", err)
	}
	run(t, tn, "Set-UserAnalyticsConfig bob@contoso.com PrivacyMode=Opt-Out")
	run(t, tn, "Set-UserAnalyticsConfig Ada@contoso.com PrivacyMode=Excluded")
	run(t, tn, "Set-Clutter bob@contoso.com imapenabled=false Zone=EU")
	if got, want := run(t, tn, "Get-CASMailbox bob@contoso.com")[0], but(casUsual, "Office", parseCell("12"), "ImapEnabled", false, "Zone", "EU"); !reflect.DeepEqual(got, want) {
		t.Errorf("set of another noun: %v, want %v", got, want)
	}
	for _, name := range []string{"Enabled", "licensed", "UserPrincipalName", "Identity"} {
		if _, err := tn.Run(t.Context(), cmdlet("Set-CASMailbox bob@contoso.com "+name+"=true")); !errors.Is(err, tenant.Failed) {
			t.Errorf("Set-CASMailbox -%s: %v, want a refusal", name, err)
		}
	}
}

func TestLoadErrors(t *testing.T) {
	for _, test := range []struct{ content, want string }{
		{"", "empty: want a header with a column UserPrincipalName"},
		{"mail,Licensed\nada,true\n", `header ["mail" "Licensed"] has no column UserPrincipalName`},
		{"UserPrincipalName,PrivacyMode,privacymode\n", "two columns PrivacyMode"},
		{"UserPrincipalName,Office,office\n", "two columns office"},
		{"UserPrincipalName\nada\nbob\nADA\n", `line 4: "ADA" is on an earlier line, too`},
		{"UserPrincipalName,X\n,1\n", "line 2: blank UserPrincipalName"},
		{"UserPrincipalName,Licensed\nada,perhaps\n", `line 2: column "Licensed": "perhaps": want true or false`},
		{"UserPrincipalName,enabled\nada,1\n", `line 2: column "enabled": "1": want true or false`},
		{"UserPrincipalName,PrivacyMode\n\nada,in\n", `line 3: column "PrivacyMode": "in": want opt-in, opt-out or excluded`},
		{"UserPrincipalName,X\nada\n", "record on line 2: wrong number of fields"},
	} {
		name := filepath.Join(t.TempDir(), "tenant.csv")
		if err := os.WriteFile(name, []byte(test.content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(name); err == nil || err.Error() != "load "+name+": "+test.want {
			t.Errorf("Load of %q: %v, want %s", test.content, err, test.want)
		}
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none.csv")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Load of no file: %v", err)
	}
}

// What Save writes after some Sets: nothing but what they changed.
func TestSave(t *testing.T) {
	for _, test := range []struct {
		name, before string
		sets         []string
		want         string
	}{
		{"one of each", people, []string{
			"Set-MyAnalyticsFeatureConfig ada@contoso.com PrivacyMode=opt-in",
			"Set-CASMailbox bob@contoso.com popenabled=false",
			"Set-Mailbox cyd@contoso.com Office=null PopEnabled=true",
			"Set-UserAnalyticsConfig bob@contoso.com PrivacyMode=opt-in",
		}, `UserPrincipalName,Licensed,PrivacyMode,IsAddInEnabled,Display Name,PopEnabled,Office
Ada@contoso.com,true,opt-in,true,"Ada, Countess",false,007
bob@contoso.com,false,,,Bob,false,12
cyd@contoso.com,,excluded,true,Cyd,True,
`},
		{"there and back", people, []string{
			"Set-MyAnalyticsFeatureConfig ada@contoso.com PrivacyMode=opt-in",
			"Set-MyAnalyticsFeatureConfig ada@contoso.com PrivacyMode=opt-out Feature=all IsEnabled=true",
			"Set-MyAnalyticsFeatureConfig ada@contoso.com Feature=add-in IsEnabled=false",
			"Set-UserAnalyticsConfig cyd@contoso.com PrivacyMode=opt-out",
			"Set-UserAnalyticsConfig cyd@contoso.com PrivacyMode=Excluded",
			"Set-Mailbox ada@contoso.com Office=8",
			"Set-Mailbox ada@contoso.com Office=007",
		}, people},
		{"new columns", "userprincipalname,Note\r\nada,\"a\"\"b\"\r\nbob,\r\n", []string{
			"Set-UserAnalyticsConfig bob PrivacyMode=opt-out",
			"Set-UserBriefingConfig ada Enabled=false",
			"Set-CASMailbox bob PopEnabled=false Zone=EU",
		}, "userprincipalname,Note,PrivacyMode,IsEnabled,PopEnabled,Zone\r\nada,\"a\"\"b\",,false,,\r\nbob,,opt-out,,false,EU\r\n"},
		{"no new column for what it is anyway", "UserPrincipalName,X\nada,1\n", []string{
			"Set-MyAnalyticsFeatureConfig ada PrivacyMode=opt-out",
			"Set-MyAnalyticsFeatureConfig ada PrivacyMode=opt-in",
			"Set-CASMailbox ada X=2",
		}, "UserPrincipalName,X\nada,2\n"},
		{"byte order mark, spelling, spaces", "\ufeff userPrincipalname ,ISADDINENABLED,\n ada ,$true,x\n", []string{
			"Set-MyAnalyticsFeatureConfig ada Feature=all IsEnabled=false",
		}, "\ufeff\" userPrincipalname \",ISADDINENABLED,,IsDashboardEnabled,IsDigestEmailEnabled\n\" ada \",false,x,false,false\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			tn, name := load(t, test.before)
			for _, line := range test.sets {
				run(t, tn, line)
			}
			got := save(t, tn, name)
			if got != test.want {
				t.Errorf("saved\n%q, want\n%q", got, test.want)
			}
			again, err := Load(name)
			if err != nil {
				t.Fatal(err)
			}
			// Whoever loads it finds what was set.
			for _, u := range tn.users.(*file).users {
				for _, noun := range []string{"MyAnalyticsFeatureConfig", "UserAnalyticsConfig", "UserBriefingConfig"} {
					line := "Get-" + noun + " " + u.name
					if a, b := run(t, tn, line), run(t, again, line); !reflect.DeepEqual(a, b) {
						t.Errorf("%s = %v, and %v when loaded again", line, a, b)
					}
				}
			}
		})
	}
}

// Save touches the file only when there is something to write, and keeps its
// mode, and a link to it.
func TestSaveFile(t *testing.T) {
	if err := New().Save(); err != nil {
		t.Errorf("Save of a tenant in memory: %v", err)
	}
	tn, name := load(t, people)
	link := filepath.Join(t.TempDir(), "link.csv")
	if err := os.Symlink(name, link); err == nil {
		if tn, err = Load(link); err != nil {
			t.Fatal(err)
		}
	}
	before, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	run(t, tn, "Set-UserAnalyticsConfig ada@contoso.com PrivacyMode=opt-out") // as it is
	run(t, tn, "Get-CASMailbox ada@contoso.com")
	save(t, tn, name)
	if after, _ := os.Stat(name); !os.SameFile(before, after) {
		t.Error("Save wrote a file that had not changed")
	}

	run(t, tn, "Set-UserAnalyticsConfig ada@contoso.com PrivacyMode=opt-in")
	if got := save(t, tn, name); !strings.Contains(got, "Ada@contoso.com,true,opt-in") {
		t.Errorf("saved %q", got)
	}
	after, _ := os.Stat(name)
	if os.SameFile(before, after) {
		t.Error("Save wrote over the file instead of replacing it")
	}
	if runtime.GOOS != "windows" && after.Mode() != before.Mode() {
		t.Errorf("mode %v, want %v", after.Mode(), before.Mode())
	}
	save(t, tn, name)
	if again, _ := os.Stat(name); !os.SameFile(after, again) {
		t.Error("Save wrote twice what changed once")
	}
	if names, _ := os.ReadDir(filepath.Dir(name)); len(names) != 1 {
		t.Errorf("left behind %v", names)
	}
}

// A file that can't be written is as it was, and is written when it can be.
func TestSaveFails(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(name, []byte("whole"), 0o600); err != nil {
		t.Fatal(err)
	}
	full := errors.New("disk full")
	info, err := replace(name, func(w io.Writer) error {
		w.Write(make([]byte, 1<<20))
		return full
	}, nil)
	if info != nil || err != full {
		t.Errorf("replace = %v, %v, want %v", info, err, full)
	}
	if b, _ := os.ReadFile(name); string(b) != "whole" {
		t.Errorf("left %q", b)
	}
	if names, _ := os.ReadDir(filepath.Dir(name)); len(names) != 1 {
		t.Errorf("left behind %v", names)
	}

	other := func(w io.Writer) error { _, err := w.Write([]byte("other")); return err }
	if _, err := replace(name, other, func(string) error { return full }); err != full {
		t.Errorf("replace that is not to be = %v, want %v", err, full)
	}
	if b, _ := os.ReadFile(name); string(b) != "whole" {
		t.Errorf("left %q", b)
	}
	var digest string
	if info, err := replace(name, other, func(d string) error { digest = d; return nil }); info == nil || err != nil {
		t.Error(info, err)
	}
	if digest != digestOf([]byte("other")) {
		t.Errorf("digest %s of what was written", digest)
	}
	if b, _ := os.ReadFile(name); string(b) != "other" {
		t.Errorf("replaced by %q", b)
	}

	tn, name := load(t, people)
	run(t, tn, "Set-UserAnalyticsConfig ada@contoso.com PrivacyMode=opt-in")
	aside := name + ".aside"
	if err := os.Rename(name, aside); err != nil {
		t.Fatal(err)
	}
	if err := tn.Save(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Save of a file that is gone: %v", err)
	}
	if err := os.Rename(aside, name); err != nil {
		t.Fatal(err)
	}
	if got := save(t, tn, name); !strings.Contains(got, "Ada@contoso.com,true,opt-in") {
		t.Errorf("saved %q", got)
	}
}

// Cmdlets and Saves of several goroutines: each save is of whole rows, the last
// has all changes.
func TestSaveMeanwhile(t *testing.T) {
	const n = 200
	var content strings.Builder
	content.WriteString("UserPrincipalName\n")
	for _, name := range names(n) {
		content.WriteString(name + "\n")
	}
	tn, name := load(t, content.String())
	var wg sync.WaitGroup
	for part := range 4 {
		wg.Go(func() {
			for i, name := range names(n) {
				if i%4 == part {
					run(t, tn, "Set-MyAnalyticsFeatureConfig "+name+" PrivacyMode=opt-out")
					run(t, tn, "Set-CASMailbox "+name+" PopEnabled=false")
				}
			}
		})
	}
	for range 10 {
		if err := tn.Save(); err != nil {
			t.Error(err)
		}
		if _, err := Load(name); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	if got := strings.Count(save(t, tn, name), ",opt-out,false,false,false,false\n"); got != n {
		t.Errorf("%d users saved, want %d", got, n)
	}
}

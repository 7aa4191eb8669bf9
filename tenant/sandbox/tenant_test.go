package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"

	"rollcall/tenant"
)

const ada = "ada@contoso.com"

// cmdlet reads "NAME IDENTITY PARAMETER=VALUE ...": a value is JSON, or else a
// string.
func cmdlet(line string) tenant.Cmdlet {
	words := strings.Fields(line)
	c := tenant.Cmdlet{Name: words[0], Identity: words[1]}
	for _, w := range words[2:] {
		name, text, _ := strings.Cut(w, "=")
		var v any = text
		if json.Valid([]byte(text)) {
			d := json.NewDecoder(strings.NewReader(text))
			d.UseNumber()
			d.Decode(&v)
		}
		c.Parameters = append(c.Parameters, tenant.Parameter{Name: name, Value: v})
	}
	return c
}

func run(t *testing.T, r tenant.Runner, line string) []tenant.Object {
	t.Helper()
	objects, err := r.Run(t.Context(), cmdlet(line))
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return objects
}

var (
	myDefault = tenant.Object{"PrivacyMode": "opt-in", "IsDashboardEnabled": true, "IsAddInEnabled": true, "IsDigestEmailEnabled": true}
	myOut     = tenant.Object{"PrivacyMode": "opt-out", "IsDashboardEnabled": false, "IsAddInEnabled": false, "IsDigestEmailEnabled": false}
	casUsual  = tenant.Object{"ActiveSyncEnabled": true, "EwsEnabled": true, "ImapEnabled": true, "MAPIEnabled": true, "OWAEnabled": true, "PopEnabled": true}
)

// but returns o with other values for some of its properties.
func but(o tenant.Object, pairs ...any) tenant.Object {
	c := tenant.Object{}
	for k, v := range o {
		c[k] = v
	}
	for i := 0; i < len(pairs); i += 2 {
		c[pairs[i].(string)] = pairs[i+1]
	}
	return c
}

// What a Get writes after some Sets.
func TestRun(t *testing.T) {
	for _, test := range []struct {
		sets []string
		get  string
		want tenant.Object
	}{
		{nil, "Get-MyAnalyticsFeatureConfig", myDefault},
		{nil, "get-myanalyticsfeatureconfig", nil}, // not a verb: refused
		{nil, "Get-myanalyticsfeatureconfig ErrorAction=Stop resultsize=1", myDefault},
		{[]string{"Set-MyAnalyticsFeatureConfig PrivacyMode=opt-out"}, "Get-MyAnalyticsFeatureConfig", myOut},
		{[]string{"Set-MyAnalyticsFeatureConfig privacymode=OPT-OUT confirm=false"}, "Get-MyAnalyticsFeatureConfig", myOut},
		{[]string{"Set-MyAnalyticsFeatureConfig PrivacyMode=Opt-Out", "Set-MyAnalyticsFeatureConfig PrivacyMode=Opt-In"}, "Get-MyAnalyticsFeatureConfig", myDefault},
		{[]string{"Set-MyAnalyticsFeatureConfig Feature=dashboard IsEnabled=false"}, "Get-MyAnalyticsFeatureConfig", but(myDefault, "IsDashboardEnabled", false)},
		{[]string{"Set-MyAnalyticsFeatureConfig Feature=Add-In IsEnabled=false"}, "Get-MyAnalyticsFeatureConfig", but(myDefault, "IsAddInEnabled", false)},
		{[]string{"Set-MyAnalyticsFeatureConfig Feature=digest-email IsEnabled=0"}, "Get-MyAnalyticsFeatureConfig", but(myDefault, "IsDigestEmailEnabled", false)},
		{[]string{"Set-MyAnalyticsFeatureConfig Feature=all IsEnabled=false", "Set-MyAnalyticsFeatureConfig Feature=add-in IsEnabled=true"}, "Get-MyAnalyticsFeatureConfig",
			but(myDefault, "IsDashboardEnabled", false, "IsDigestEmailEnabled", false)},
		{[]string{"Set-MyAnalyticsFeatureConfig Feature=all IsEnabled=false"}, "Get-MyAnalyticsFeatureConfig",
			but(myDefault, "IsDashboardEnabled", false, "IsAddInEnabled", false, "IsDigestEmailEnabled", false)},
		// An opt-in turns all features on, ahead of what the same cmdlet says of one.
		{[]string{"Set-MyAnalyticsFeatureConfig Feature=all IsEnabled=false", "Set-MyAnalyticsFeatureConfig PrivacyMode=opt-in"}, "Get-MyAnalyticsFeatureConfig", myDefault},
		{[]string{"Set-MyAnalyticsFeatureConfig Feature=all IsEnabled=false", "Set-MyAnalyticsFeatureConfig IsEnabled=false Feature=digest-email PrivacyMode=opt-in"}, "Get-MyAnalyticsFeatureConfig",
			but(myDefault, "IsDigestEmailEnabled", false)},
		// An opt-out turns them off. The old cmdlet leaves them, both ways.
		{[]string{"Set-MyAnalyticsFeatureConfig Feature=add-in IsEnabled=false", "Set-MyAnalyticsFeatureConfig PrivacyMode=opt-out"}, "Get-MyAnalyticsFeatureConfig",
			but(myDefault, "PrivacyMode", "opt-out", "IsDashboardEnabled", false, "IsAddInEnabled", false, "IsDigestEmailEnabled", false)},
		// An opt-out turns them off, in the same way.
		{[]string{"Set-MyAnalyticsFeatureConfig Feature=add-in IsEnabled=false", "Set-MyAnalyticsFeatureConfig PrivacyMode=opt-out"}, "Get-MyAnalyticsFeatureConfig", myOut},
		{[]string{"Set-MyAnalyticsFeatureConfig PrivacyMode=opt-out Feature=digest-email IsEnabled=true"}, "Get-MyAnalyticsFeatureConfig",
			but(myOut, "IsDigestEmailEnabled", true)},
		{[]string{"Set-MyAnalyticsFeatureConfig Feature=add-in IsEnabled=false", "Set-MyAnalyticsFeatureConfig PrivacyMode=opt-out", "Set-MyAnalyticsFeatureConfig PrivacyMode=opt-in"},
			"Get-MyAnalyticsFeatureConfig", myDefault},

		{[]string{"Set-MyAnalyticsFeatureConfig Feature=add-in IsEnabled=false", "Set-UserAnalyticsConfig PrivacyMode=Opt-Out"}, "Get-MyAnalyticsFeatureConfig",
			but(myDefault, "PrivacyMode", "opt-out", "IsAddInEnabled", false)},
		{[]string{"Set-MyAnalyticsFeatureConfig Feature=add-in IsEnabled=false", "Set-UserAnalyticsConfig PrivacyMode=Opt-Out", "Set-UserAnalyticsConfig PrivacyMode=Opt-In"}, "Get-MyAnalyticsFeatureConfig",
			but(myDefault, "IsAddInEnabled", false)},

		{nil, "Get-UserAnalyticsConfig", tenant.Object{"PrivacyMode": "Opt-In"}},
		{[]string{"Set-UserAnalyticsConfig PrivacyMode=OptOut"}, "Get-UserAnalyticsConfig", tenant.Object{"PrivacyMode": "Opt-Out"}},
		{[]string{"Set-UserAnalyticsConfig PrivacyMode=excluded"}, "Get-UserAnalyticsConfig", tenant.Object{"PrivacyMode": "Excluded"}},
		// One privacy mode, of which MyAnalyticsFeatureConfig has no Excluded.
		{[]string{"Set-MyAnalyticsFeatureConfig PrivacyMode=opt-out"}, "Get-UserAnalyticsConfig", tenant.Object{"PrivacyMode": "Opt-Out"}},
		{[]string{"Set-UserAnalyticsConfig PrivacyMode=Excluded"}, "Get-MyAnalyticsFeatureConfig", but(myDefault, "PrivacyMode", "opt-out")},
		{[]string{"Set-UserAnalyticsConfig PrivacyMode=Excluded", "Set-MyAnalyticsFeatureConfig PrivacyMode=opt-out"}, "Get-UserAnalyticsConfig", tenant.Object{"PrivacyMode": "Opt-Out"}},

		{nil, "Get-VivaInsightsSettings", tenant.Object{"IsInsightsHeadspaceEnabled": true}},
		{[]string{"Set-VivaInsightsSettings Feature=Headspace Enabled=false"}, "Get-VivaInsightsSettings", tenant.Object{"IsInsightsHeadspaceEnabled": false}},
		{nil, "Get-UserBriefingConfig", tenant.Object{"IsEnabled": true}},
		{[]string{"Set-UserBriefingConfig Enabled=false"}, "Get-UserBriefingConfig", tenant.Object{"IsEnabled": false}},
		{[]string{"Set-UserBriefingConfig Enabled=false"}, "Get-VivaInsightsSettings", tenant.Object{"IsInsightsHeadspaceEnabled": true}},

		{nil, "Get-CASMailbox", casUsual},
		{[]string{"Set-CASMailbox popenabled=False ImapEnabled=false Confirm=false"}, "Get-casmailbox", but(casUsual, "PopEnabled", false, "ImapEnabled", false)},
		{[]string{"Set-CASMailbox PopEnabled=false", "Set-CASMailbox PopEnabled=true"}, "Get-CASMailbox", casUsual},
		{[]string{"Set-CASMailbox PopEnabled=false"}, "Get-Mailbox", tenant.Object{"HiddenFromAddressListsEnabled": false}},
		{[]string{"Set-Mailbox MaxSendSize=25 CustomAttribute1=Sales", "Set-Mailbox customattribute1=null"}, "Get-Mailbox",
			tenant.Object{"HiddenFromAddressListsEnabled": false, "MaxSendSize": json.Number("25"), "CustomAttribute1": nil}},
		{nil, "Get-Clutter", tenant.Object(nil)},
		{[]string{"Set-Clutter Enable=true"}, "Get-Clutter", tenant.Object{"Enable": true}},
	} {
		tn := New()
		with := func(line string) tenant.Cmdlet { return cmdlet(strings.Replace(line+" ", " ", " "+ada+" ", 1)) }
		for _, line := range test.sets {
			if _, err := tn.Run(t.Context(), with(line)); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
		}
		got, err := tn.Run(t.Context(), with(test.get))
		if strings.HasPrefix(test.get, "get-") {
			if err == nil {
				t.Errorf("%s: %v, want an error", test.get, got)
			}
			continue
		}
		if err != nil || len(got) != 1 || !reflect.DeepEqual(got[0], test.want) {
			t.Errorf("%q, %s = %v, %v; want %v", test.sets, test.get, got, err, test.want)
		}
		// Another user is as before.
		if other := run(t, tn, "Get-MyAnalyticsFeatureConfig bob@contoso.com"); !reflect.DeepEqual(other[0], myDefault) {
			t.Errorf("%q: changed bob to %v", test.sets, other)
		}
	}
}

// What the tenant refuses, and in what words.
func TestRefusals(t *testing.T) {
	for _, test := range []struct {
		line      string
		exception string
		text      string // in the message
	}{
		{"Set-MyAnalyticsFeatureConfig ada PrivacyMode=excluded", validation, "specify opt-out"},
		{"Set-MyAnalyticsFeatureConfig ada PrivacyMode=maybe", validation, `"maybe" does not belong to the set "opt-in,opt-out"`},
		{"Set-MyAnalyticsFeatureConfig ada PrivacyMode=true", validation, "does not belong"},
		{"Set-MyAnalyticsFeatureConfig ada PrivacyMode=null", validation, "because it is null"},
		{"Set-MyAnalyticsFeatureConfig ada PrivacyMode=opt-in privacyMode=opt-out", binding, "more than once"},
		{"Set-MyAnalyticsFeatureConfig ada Privacy=opt-in", binding, "matches parameter name 'Privacy'"},
		{"Set-MyAnalyticsFeatureConfig ada Feature=dashboard", invalidArgument, "not as expected"},
		{"Set-MyAnalyticsFeatureConfig ada IsEnabled=true", invalidArgument, "not as expected"},
		{"Set-MyAnalyticsFeatureConfig ada Feature=all IsEnabled=$true", transformation, `"$true" to type "System.Boolean"`},
		{"Set-MyAnalyticsFeatureConfig ada PrivacyMode=optout", validation, `"optout" does not belong to the set "opt-in,opt-out"`},
		{"Set-MyAnalyticsFeatureConfig ada Feature=headspace IsEnabled=true", validation, `"dashboard,add-in,digest-email,all"`},
		{"Set-MyAnalyticsFeatureConfig ada PrivacyMode=opt-out Feature=all IsEnabled=maybe", transformation, `"maybe" to type "System.Boolean"`},
		{"Set-MyAnalyticsFeatureConfig ada PrivacyMode=opt-out WhatIf=true", binding, "'WhatIf'"},
		{"Get-MyAnalyticsFeatureConfig ada PrivacyMode=opt-out", binding, "'PrivacyMode'"},
		{"Set-UserAnalyticsConfig ada PrivacyMode=out", validation, `"Excluded,Opt-In,Opt-Out"`},
		{"Set-UserAnalyticsConfig ada Feature=all", binding, "'Feature'"},
		{"Set-VivaInsightsSettings ada Enabled=false", binding, "parameters: Feature"},
		{"Set-VivaInsightsSettings ada Feature=headspace", binding, "parameters: Enabled"},
		{"Set-VivaInsightsSettings ada Feature=dashboard Enabled=false", validation, `"headspace"`},
		{"Set-UserBriefingConfig ada", binding, "parameters: Enabled"},
		{"Set-UserBriefingConfig ada Enabled=[1]", transformation, `"[1]"`},
		{"Set-CASMailbox ada PopEnabled=maybe", transformation, "'PopEnabled'"},
		{"Set-CASMailbox ada PopEnabled=null", transformation, `"null"`},
		{"Set-CASMailbox ada Pop-Enabled=true", binding, "'Pop-Enabled'"},
		{"Set-CASMailbox ada X=1 x=2", binding, "more than once"},
		{"Get-CASMailbox ada PopEnabled=true", binding, "'PopEnabled'"},
		{"Remove-Mailbox ada", commandNotFound, "not a Get- or Set-"},
		{"Remove-MyAnalyticsFeatureConfig ada", commandNotFound, "not a Get- or Set-"},
		{"Get-Mail;box ada", commandNotFound, "not a Get- or Set-"},
	} {
		tn := New()
		objects, err := tn.Run(t.Context(), cmdlet(test.line))
		e, ok := errors.AsType[*tenant.Error](err)
		if !ok {
			t.Errorf("%s = %v, %v; want a tenant.Error", test.line, objects, err)
			continue
		}
		name, _, _ := strings.Cut(test.line, " ")
		if e.Class != tenant.Failed || e.Exception != test.exception || !strings.Contains(e.Err.Error(), test.text) || e.Op != name || e.Object != "ada" {
			t.Errorf("%s: %#v %v; want %s ... %s", test.line, e, e, test.exception, test.text)
		}
		// A cmdlet that is refused changes nothing.
		for _, get := range []string{"MyAnalyticsFeatureConfig", "CASMailbox"} {
			want := map[string]tenant.Object{"MyAnalyticsFeatureConfig": myDefault, "CASMailbox": casUsual}[get]
			if got := run(t, tn, "Get-"+get+" ada"); !reflect.DeepEqual(got[0], want) {
				t.Errorf("%s: made it %v", test.line, got)
			}
		}
	}

	for _, name := range []string{"Get-MyAnalyticsFeatureConfig", "Set-CASMailbox"} {
		if _, err := New().Run(t.Context(), tenant.Cmdlet{Name: name}); !errors.Is(err, tenant.Failed) || !strings.Contains(err.Error(), "no identity") {
			t.Errorf("%s without an identity: %v", name, err)
		}
	}
}

func TestRunStopped(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	cancel(why)
	tn := New()
	if _, err := tn.Run(ctx, cmdlet("Set-UserBriefingConfig ada Enabled=false")); err != why {
		t.Errorf("Run = %v, want %v", err, why)
	}
	if got := run(t, tn, "Get-UserBriefingConfig ada"); got[0]["IsEnabled"] != true {
		t.Error("a cmdlet was run after its context had ended")
	}
}

// Users are told apart without regard to case, in any script.
func TestNames(t *testing.T) {
	tn := New()
	for _, pair := range [][2]string{
		{"ada@contoso.com", "ADA@Contoso.COM"},
		{"Éva@contoso.com", "éva@contoso.com"},
		{"7F3A", "7f3a"},
	} {
		run(t, tn, "Set-UserBriefingConfig "+pair[0]+" Enabled=false")
		if got := run(t, tn, "Get-UserBriefingConfig "+pair[1]); got[0]["IsEnabled"] != false {
			t.Errorf("%s is not %s", pair[1], pair[0])
		}
	}
	if got := run(t, tn, "Get-UserBriefingConfig ada@contoso.co"); got[0]["IsEnabled"] != true {
		t.Error("ada@contoso.co is someone else")
	}
}

// Set writes the object for MyAnalyticsFeatureConfig, and nothing for others.
func TestSetWrites(t *testing.T) {
	tn := New()
	if got := run(t, tn, "Set-MyAnalyticsFeatureConfig ada PrivacyMode=opt-out"); len(got) != 1 || got[0]["PrivacyMode"] != "opt-out" {
		t.Errorf("Set-MyAnalyticsFeatureConfig wrote %v", got)
	}
	for _, line := range []string{"Set-UserAnalyticsConfig ada PrivacyMode=Opt-In", "Set-UserBriefingConfig ada Enabled=false",
		"Set-VivaInsightsSettings ada Feature=headspace Enabled=false", "Set-CASMailbox ada PopEnabled=false"} {
		if got := run(t, tn, line); len(got) != 0 {
			t.Errorf("%s wrote %v", line, got)
		}
	}
}

// A Set that changes nothing warns, and no other does.
func TestWarn(t *testing.T) {
	tn := New()
	var warnings []string
	tn.Warn = func(c tenant.Cmdlet, warning string) { warnings = append(warnings, c.Name+": "+warning) }
	for _, line := range []string{
		"Set-MyAnalyticsFeatureConfig ada PrivacyMode=opt-in",
		"Set-MyAnalyticsFeatureConfig ada PrivacyMode=opt-out",
		"Set-MyAnalyticsFeatureConfig ada PrivacyMode=Opt-Out",
		"Set-CASMailbox ada PopEnabled=true",
		"Set-CASMailbox ada PopEnabled=false",
		"Set-CASMailbox ada PopEnabled=false",
		"Set-Clutter ada Enable=Yes",
		"Set-Clutter ada Enable=yes", // a text in another case is another text
		"Get-Clutter ada",
	} {
		n := len(warnings)
		run(t, tn, line)
		warnings = append(warnings[:n:n], fmt.Sprint(len(warnings)-n))
	}
	if got, want := strings.Join(warnings, ""), "101101000"; got != want {
		t.Errorf("warned %s, want %s", got, want)
	}

	var warning string
	tn.Warn = func(_ tenant.Cmdlet, w string) { warning = w }
	run(t, tn, "Set-UserBriefingConfig ada Enabled=true")
	if want := "The command completed successfully but no settings of 'ada' have been modified."; warning != want {
		t.Errorf("warning %q, want %q", warning, want)
	}
}

// An Object that was handed out is not changed by a later Set.
func TestObjectsStay(t *testing.T) {
	loaded, _ := load(t, "UserPrincipalName,PopEnabled\nada,true\n")
	for _, tn := range []*Tenant{New(), loaded} {
		for i, noun := range []string{"CASMailbox", "Clutter"} {
			run(t, tn, "Set-"+noun+" ada A=1")
			object := run(t, tn, "Get-"+noun+" ada")[0]
			before := but(object)
			run(t, tn, fmt.Sprintf("Set-%s ada A=2 B%d=3", noun, i))
			if !reflect.DeepEqual(object, before) {
				t.Errorf("%v of Get-%s became %v", before, noun, object)
			}
		}
	}
}

// Users who were set the same way have the same properties, and each their own
// when one of them is set another way.
func TestSharedSteps(t *testing.T) {
	tn := New()
	set := cmdlet("Set-CASMailbox x PopEnabled=false")
	other := cmdlet("Set-CASMailbox x ImapEnabled=false")
	for _, c := range []tenant.Cmdlet{set.For("ada"), set.For("bob"), other.For("bob"), other.For("fay"), other.For("cyd"), set.For("cyd"), set.For("dan"),
		{Name: "Set-Mailbox", Identity: "gil", Parameters: set.Parameters}} {
		if _, err := tn.Run(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]tenant.Object{
		"ada": but(casUsual, "PopEnabled", false),
		"bob": but(casUsual, "PopEnabled", false, "ImapEnabled", false),
		"cyd": but(casUsual, "PopEnabled", false, "ImapEnabled", false),
		"dan": but(casUsual, "PopEnabled", false),
		"eve": casUsual,
		"fay": but(casUsual, "ImapEnabled", false),
		"gil": casUsual,
	} {
		if got := run(t, tn, "Get-CASMailbox "+name); !reflect.DeepEqual(got[0], want) {
			t.Errorf("%s: %v, want %v", name, got[0], want)
		}
	}
}

// However many users differ, each is found as it was set.
func TestManyUsers(t *testing.T) {
	const n = 100_000
	tn := New()
	names := names(n)
	set := cmdlet("Set-MyAnalyticsFeatureConfig x PrivacyMode=opt-out")
	var wg sync.WaitGroup
	for part := range 4 {
		wg.Go(func() {
			for i := part; i < n; i += 4 {
				if i%3 == 0 {
					if _, err := tn.Run(t.Context(), set.For(names[i])); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	get := cmdlet("Get-MyAnalyticsFeatureConfig x")
	for i, name := range names {
		objects, err := tn.Run(t.Context(), get.For(name))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := objects[0]["PrivacyMode"] == "opt-out", i%3 == 0; got != want {
			t.Fatalf("%s opted out: %t, want %t", name, got, want)
		}
	}
}

// A user who is put back to what users are at first does not hide those whose
// slots are behind theirs.
func TestPutBack(t *testing.T) {
	var s shard
	const n = 1000
	for _, name := range names(n) { // 0 is a free slot
		if _, h := newEveryone().find(name); h<<8 == 0 || h&1 == 0 {
			t.Fatalf("%s has key %x", name, h)
		}
	}
	for h := uint64(1); h < 2*n; h += 2 { // all keys are tiny: they belong in slot 0
		s.putFlags(h, optOut)
	}
	for h := uint64(1); h < 2*n; h += 4 {
		s.putFlags(h, 0)
	}
	for h := uint64(1); h < 2*n; h += 2 {
		want := optOut
		if h%4 == 1 {
			want = 0
		}
		if got := s.user("", h).flags; got != want {
			t.Fatalf("user %d: %b, want %b", h, got, want)
		}
	}
	if s.taken != n {
		t.Errorf("%d slots taken, want %d", s.taken, n)
	}
}

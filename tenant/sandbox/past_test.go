package sandbox

import (
	"reflect"
	"rollcall/tenant"
	"testing"
	"testing/synctest"
	"time"
)

// Within Stale of a Set, a Get of any noun shows what was before it.
func TestStale(t *testing.T) {
	const out, in = "Set-MyAnalyticsFeatureConfig ada PrivacyMode=opt-out", "Set-MyAnalyticsFeatureConfig ada PrivacyMode=opt-in"
	const get = "Get-MyAnalyticsFeatureConfig Ada"
	synctest.Test(t, func(t *testing.T) {
		tn := New()
		tn.Stale = 10 * time.Second
		at := func(sec int, line, want string) {
			t.Helper()
			if got := run(t, tn, line)[0]["PrivacyMode"]; got != want {
				t.Errorf("at %ds %s shows %s, want %s", sec, line, got, want)
			}
		}
		run(t, tn, "Set-MyAnalyticsFeatureConfig bob PrivacyMode=opt-in") // changes nothing
		if len(tn.past.all) != 0 {
			t.Error("remembers a Set that changed nothing")
		}
		at(0, get, "opt-in")
		at(0, out, "opt-out") // what a Set writes is not stale
		at(0, get, "opt-in")
		at(0, "Get-UserAnalyticsConfig ada", "Opt-In")
		time.Sleep(4 * time.Second)
		run(t, tn, in)
		at(4, get, "opt-in")
		time.Sleep(5 * time.Second)
		at(9, get, "opt-in")
		time.Sleep(1 * time.Second)
		at(10, get, "opt-out")
		at(10, "Get-UserAnalyticsConfig ada", "Opt-Out")
		at(10, "Get-MyAnalyticsFeatureConfig bob", "opt-in")
		time.Sleep(4 * time.Second)
		at(14, get, "opt-in")
		if len(tn.past.before) != 0 || len(tn.past.all) != 0 {
			t.Errorf("remembers %v for good", tn.past.before)
		}
	})
}

// A property without rules of its own lags, too.
func TestStaleGeneric(t *testing.T) {
	loaded, _ := load(t, "UserPrincipalName,Office\nada,1\n")
	synctest.Test(t, func(t *testing.T) {
		for _, tn := range []*Tenant{New(), loaded} {
			tn.Stale = time.Second
			before := run(t, tn, "Get-Mailbox ada")
			run(t, tn, "Set-Mailbox ada Office=9")
			if got := run(t, tn, "Get-Mailbox ada"); !reflect.DeepEqual(got, before) {
				t.Errorf("shows %v at once", got)
			}
			time.Sleep(time.Second)
			if got := run(t, tn, "Get-Mailbox ada")[0]["Office"]; tenant.Text(got) != "9" {
				t.Errorf("shows %v after a second", got)
			}
		}
	})
}

package tenant

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		cmdlet Cmdlet
		ok     bool
	}{
		{Cmdlet{Name: "Get-CASMailbox", Identity: "ada@contoso.com"}, true},
		{Cmdlet{Name: "Set-Mailbox2", Identity: "ada@contoso.com"}, true},
		{Cmdlet{Name: "Set-Mailbox"}, false},
		{Cmdlet{Name: "Remove-Mailbox", Identity: "ada@contoso.com"}, false},
		{Cmdlet{Name: "set-Mailbox", Identity: "ada@contoso.com"}, false},
		{Cmdlet{Name: "Get-", Identity: "ada@contoso.com"}, false},
		{Cmdlet{Name: "Get-Mailbox; Remove-Mailbox", Identity: "ada@contoso.com"}, false},
		{Cmdlet{Name: "Get-2Mailbox", Identity: "ada@contoso.com"}, false},
		{Cmdlet{Name: "Mailbox", Identity: "ada@contoso.com"}, false},
	} {
		if err := c.cmdlet.Check(); (err == nil) != c.ok {
			t.Errorf("%+v: %v, want ok %t", c.cmdlet, err, c.ok)
		}
	}
}

type spy struct{ ran []string }

func (s *spy) Run(_ context.Context, c Cmdlet) ([]Object, error) {
	s.ran = append(s.ran, c.Name)
	return nil, nil
}

// A read-only Runner passes nothing on that is not a Get, however it is spelled.
func TestReadOnly(t *testing.T) {
	var s spy
	r := ReadOnly(&s)
	for _, name := range []string{"Set-Mailbox", "set-Mailbox", "GET-Mailbox", "Remove-Mailbox", "", "Get", "Get-Mailbox"} {
		_, err := r.Run(t.Context(), Cmdlet{Name: name, Identity: "ada@contoso.com"})
		if want := name != "Get-Mailbox"; errors.Is(err, ErrReadOnly) != want {
			t.Errorf("%q: %v, want refused: %t", name, err, want)
		}
	}
	if got := strings.Join(s.ran, " "); got != "Get-Mailbox" {
		t.Errorf("passed on %q", got)
	}
}

func TestErrorIsItsClass(t *testing.T) {
	err := fmt.Errorf("row 3: %w", &Error{Op: "Get-Mailbox", Object: "ada@contoso.com", Status: 404, Class: NotFound, Err: errors.New("gone")})
	if !errors.Is(err, NotFound) || errors.Is(err, Denied) {
		t.Errorf("Is: not found %t, denied %t", errors.Is(err, NotFound), errors.Is(err, Denied))
	}
	if got, want := err.Error(), "row 3: Get-Mailbox ada@contoso.com: gone (HTTP 404)"; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		noun, property, text string
		want                 string // %#v of the value, or the error
	}{
		{"MyAnalyticsFeatureConfig", "privacymode", "OptIn", `"opt-in"`},
		{"MyAnalyticsFeatureConfig", "PrivacyMode", "OPT-OUT", `"opt-out"`},
		{"MyAnalyticsFeatureConfig", "PrivacyMode", "excluded", `PrivacyMode "excluded" is retired: use opt-out`},
		{"MyAnalyticsFeatureConfig", "PrivacyMode", "", `PrivacyMode "": want opt-in or opt-out`},
		{"MyAnalyticsFeatureConfig", "PrivacyMode", "true", `PrivacyMode "true": want opt-in or opt-out`},
		{"MyAnalyticsFeatureConfig", "IsAddInEnabled", "$False", `false`},
		{"MyAnalyticsFeatureConfig", "IsAddInEnabled", "1", `IsAddInEnabled "1": want true or false`},
		{"MyAnalyticsFeatureConfig", "IsAddInEnabled", "null", `IsAddInEnabled "null": want true or false`},
		{"myanalyticsfeatureconfig", "Nickname", "x", `MyAnalyticsFeatureConfig has no property "Nickname": it has PrivacyMode, IsDashboardEnabled, IsAddInEnabled, IsDigestEmailEnabled`},
		{"UserAnalyticsConfig", "PrivacyMode", "Excluded", `"excluded"`},
		{"VivaInsightsSettings", "IsInsightsHeadspaceEnabled", "true", `true`},
		{"UserBriefingConfig", "Enabled", "true", `true`},
		{"CASMailbox", "PopEnabled", "False", `"False" (as written)`},
		{"Mailbox", "RecipientLimits", "500", `"500" (as written)`},
		{"Mailbox", "CustomAttribute1", "007", `"007"`},
		{"Mailbox", "CustomAttribute1", "12E5", `"12E5"`},
		{"Mailbox", "CustomAttribute1", "yes", `"yes" (as written)`},
		{"Mailbox", "CustomAttribute1", " padded ", `" padded "`},
		{"Mailbox", "CustomAttribute1", " true ", `"true" (as written)`},
		{"Mailbox", "MaxSendSize", "25MB", `"25MB"`},
		{"User", "LastName", "Null", `"Null"`},
		{"Mailbox", "Note", "$Null", `<nil>`},
		{"Mailbox", "Note", "", `<nil>`},
		{"Mailbox", "EmailAddresses", `["a","b"]`, `"[\"a\",\"b\"]" (as written)`},
		{"Mailbox", "EmailAddresses", `[a;b]`, `"[a;b]" (as written)`},
		{"Mailbox", "Identity", "eve", `property "Identity" says which user a cmdlet is about: it can't be set`},
		{"Mailbox", "A-B", "eve", `property "A-B": want letters and digits, such as PopEnabled`},
	} {
		s, err := LookupSetting(c.noun)
		if err != nil {
			t.Fatal(err)
		}
		v, err := s.Parse(c.property, c.text)
		got := fmt.Sprintf("%#v", v)
		if _, ok := v.(Untyped); ok {
			got += " (as written)"
		}
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s %s=%q: %s; want %s", c.noun, c.property, c.text, got, c.want)
		}
	}
}

func TestSet(t *testing.T) {
	for _, c := range []struct {
		noun  string
		wants []Want
		want  string
	}{
		{"MyAnalyticsFeatureConfig", []Want{{"IsDashboardEnabled", false}, {"PrivacyMode", "opt-in"}, {"IsAddInEnabled", true}},
			"[{PrivacyMode opt-in} {Feature dashboard} {IsEnabled false}]"}, // the add-in is on by the opt-in
		{"MyAnalyticsFeatureConfig", []Want{{"PrivacyMode", "opt-out"}, {"IsDashboardEnabled", true}, {"IsAddInEnabled", true}, {"IsDigestEmailEnabled", false}},
			"[{PrivacyMode opt-out} {Feature dashboard} {IsEnabled true}] [{Feature add-in} {IsEnabled true}]"},
		{"MyAnalyticsFeatureConfig", []Want{{"PrivacyMode", "opt-out"}}, "[{PrivacyMode opt-out}]"},
		{"MyAnalyticsFeatureConfig", []Want{{"IsDashboardEnabled", true}, {"IsAddInEnabled", true}},
			"[{Feature dashboard} {IsEnabled true}] [{Feature add-in} {IsEnabled true}]"},
		{"VivaInsightsSettings", []Want{{"IsInsightsHeadspaceEnabled", true}}, "[{Feature headspace} {Enabled true}]"},
		{"UserBriefingConfig", []Want{{"Enabled", false}}, "[{Enabled false}]"},
		{"CASMailbox", []Want{{"PopEnabled", false}, {"ImapEnabled", nil}}, "[{PopEnabled false} {ImapEnabled <nil>}]"},
	} {
		s, err := LookupSetting(c.noun)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, cmdlet := range s.Set(c.wants) {
			if cmdlet.Name != "Set-"+c.noun {
				t.Errorf("%s: cmdlet %s", c.noun, cmdlet.Name)
			}
			got = append(got, fmt.Sprint(cmdlet.Parameters))
		}
		if got := strings.Join(got, " "); got != c.want {
			t.Errorf("%s: %s; want %s", c.noun, got, c.want)
		}
	}
}

// What Get writes is found in whatever case, by its other names too, and in the
// spelling in which it is sent; what it does not write is an error.
func TestRead(t *testing.T) {
	my, _ := LookupSetting("MyAnalyticsFeatureConfig")
	briefing, _ := LookupSetting("UserBriefingConfig")
	for _, c := range []struct {
		s    *Setting
		o    Object
		name string
		want any
	}{
		{my, Object{"privacyMode": "OptIn"}, "PrivacyMode", "opt-in"},
		{my, Object{"PrivacyMode": "Excluded"}, "PrivacyMode", "Excluded"},
		{my, Object{"PrivacyMode": nil}, "PrivacyMode", nil},
		{my, Object{"IsAddInEnabled": "True"}, "IsAddInEnabled", true},
		{briefing, Object{"IsEnabled": true}, "Enabled", true},
		{briefing, Object{"Enabled": false, "IsEnabled": true}, "Enabled", true},
		{briefing, Object{"enabled": false}, "isenabled", false},
	} {
		if got, err := c.s.Read(c.o, c.name); err != nil || got != c.want {
			t.Errorf("%s of %v: %v, %v; want %v", c.name, c.o, got, err, c.want)
		}
	}
	if v, err := my.Read(Object{"UserId": "ada"}, "PrivacyMode"); err == nil {
		t.Errorf("read %v of nothing", v)
	}
}

func TestUserOf(t *testing.T) {
	s, _ := LookupSetting("CASMailbox")
	for want, o := range map[string]Object{
		"":            {"Name": "ada@b.example", "UserId": "no UPN"},
		"a@b.example": {"UserId": " a@b.example "},
		"c@b.example": {"UserPrincipalName": "c@b.example", "UserId": "a@b.example"},
		"d@b.example": {"userprincipalname": "d@b.example"},
	} {
		if got := s.UserOf(o); got != want {
			t.Errorf("%v is about %q, want %q", o, got, want)
		}
	}
}

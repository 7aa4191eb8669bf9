package tenant

import (
	"context"
	"encoding/json"
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
		{"CASMailbox", "PopEnabled", "False", `false`},
		{"Mailbox", "IssueWarningQuota", "null", `<nil>`},
		{"Mailbox", "RecipientLimits", "500", `"500" (json.Number)`},
		{"Mailbox", "CustomAttribute1", "007", `"007"`},
		{"Mailbox", "CustomAttribute1", "opt-in", `"opt-in"`},
		{"TransportConfig", "MaxSendSize", "25", `"25" (json.Number)`},
		{"Mailbox", "MaxSendSize", "25MB", `"25MB"`},
		{"Mailbox", "Note", "null", `<nil>`},
		{"Mailbox", "Note", "$null", `<nil>`},
		{"Mailbox", "Note", "", `<nil>`},
		// There is no way to ask for the text null: quotes are part of a text.
		{"Mailbox", "Note", `"null"`, `"\"null\""`},
		{"Mailbox", "EmailAddresses", `["a","b"]`, `"[\"a\",\"b\"]"`},
		{"Mailbox", "Identity", "eve", `property "Identity" says which user a cmdlet is about: it can't be set`},
		{"Mailbox", "A-B", "eve", `property "A-B": want letters and digits, such as PopEnabled`},
	} {
		s, err := LookupSetting(c.noun)
		if err != nil {
			t.Fatal(err)
		}
		v, err := s.Parse(c.property, c.text)
		got := fmt.Sprintf("%#v", v)
		if _, ok := v.(json.Number); ok {
			got += " (json.Number)"
		}
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s %s=%q: %s; want %s", c.noun, c.property, c.text, got, c.want)
		}
	}
}

func TestEqual(t *testing.T) {
	n := func(s string) json.Number { return json.Number(s) }
	for _, c := range []struct {
		a, b any
		want bool
	}{
		{"opt-in", "Opt-In", true},
		{"opt-in", "opt-out", false},
		{true, "True", true},
		{true, false, false},
		{nil, nil, true},
		{nil, "", true},
		{nil, false, false},
		{n("1"), n("1.0"), true},
		{n("1"), "1", true},
		{n("10"), n("1e1"), true},
		{n("9007199254740993"), n("9007199254740992"), false},
		{n("1e999999999"), n("2e999999999"), false},
		{"1.0", "1", false},
		{n("25"), "25", true},
		{n("25"), "25 MB (26,214,400 bytes)", false},
		{"25MB", "25 MB (26,214,400 bytes)", true},
		{"null", nil, true},
		{[]any{"a"}, []any{"A"}, true},
		{[]any{"a"}, []any{"b"}, false},
		{[]any{"a", "b"}, []any{"b", "a"}, false},
		{[]any{"a"}, `["a"]`, true},
		{n("1"), true, false},
		{[]any{"a"}, []any{"a"}, true},
	} {
		if got := Equal(c.a, c.b); got != c.want {
			t.Errorf("Equal(%#v, %#v) = %t", c.a, c.b, got)
		}
		if got := Equal(c.b, c.a); got != c.want {
			t.Errorf("Equal(%#v, %#v) = %t", c.b, c.a, got)
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

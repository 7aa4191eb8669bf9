package tenant_test

import (
	"testing"
	"time"

	"rollcall/tenant"
	"rollcall/tenant/internal/errorcases"
)

// Each error has its class.
func TestFailure(t *testing.T) {
	for _, c := range errorcases.All {
		f := tenant.Failure{Status: c.Status, Exception: c.Exception, Text: c.Text, Wait: c.Wait != ""}
		if f.Class() != c.Class || (f.Hint() != "") != c.Hint {
			t.Errorf("%d %s %q: %v, hint %q; want %v", c.Status, c.Exception, c.Text, f.Class(), f.Hint(), c.Class)
		}
	}
	for _, test := range []struct {
		f    tenant.Failure
		want tenant.Class
	}{
		{tenant.Failure{}, tenant.Failed},
		{tenant.Failure{Status: 401}, tenant.Unauthorized},
		{tenant.Failure{Status: 401, Text: "ServerBusyException"}, tenant.Unauthorized},
		{tenant.Failure{Status: 404, Page: true}, tenant.Failed},
		{tenant.Failure{Status: 400, Page: true, Text: "the page could not be found"}, tenant.Failed},
		{tenant.Failure{Status: 400, Category: "permissiondenied"}, tenant.Denied},
		{tenant.Failure{Status: 400, Category: "18"}, tenant.Denied},
		{tenant.Failure{Lost: true}, tenant.Unavailable},
		{tenant.Failure{Lost: true, Text: "object could not be found"}, tenant.Unavailable},
		{tenant.Failure{Lost: true, Text: "On-Premises Mastered directory sync objects"}, tenant.Failed},
		{tenant.Failure{Text: "SERVERBUSYEXCEPTION"}, tenant.Unavailable},
	} {
		if got := test.f.Class(); got != test.want {
			t.Errorf("%+v: %v; want %v", test.f, got, test.want)
		}
	}
}

// What is not found is the user, unless it is something that was to be set.
func TestFailureAbsence(t *testing.T) {
	set := tenant.Cmdlet{Name: "Set-Mailbox", Identity: "policy@contoso.com", Parameters: []tenant.Parameter{
		{Name: "Manager", Value: "noboss@contoso.com"}, {Name: "Hidden", Value: true}, {Name: "Own", Value: "policy@contoso.com"}}}
	for text, want := range map[string]tenant.Class{
		"ManagementObjectNotFoundException|Couldn't find object \"NoBoss@contoso.com\". Check the spelling.":                   tenant.Failed,
		`{"message":"Couldn't find object \"noboss@contoso.com\": ManagementObjectNotFoundException"}`:                         tenant.Failed,
		"The recipient “noboss@contoso.com” couldn't be found.":                                                                tenant.Failed,
		"The operation couldn't be performed because object 'policy@contoso.com' couldn't be found on 'dc'.":                   tenant.NotFound,
		"The OwaMailbox policy 'x.y' couldn't be found.":                                                                       tenant.Failed,
		"Feature x could not be found.":                                                                                        tenant.Failed,
		"The operation couldn't be performed because object 'cn=true' couldn't be found; noboss@contoso.com has no part in it": tenant.NotFound,
	} {
		f := tenant.Failure{Text: text, Cmdlet: set}
		if got := f.Class(); got != want {
			t.Errorf("%s: %v; want %v", text, got, want)
		}
	}
}

// How long to wait may stand in the text.
func TestFailureBackoff(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"over budget. Suggested backoff time 4812 ms.":      4812 * time.Millisecond,
		"SUGGESTED BACKOFF TIME: 10ms":                      10 * time.Millisecond,
		"suggested backoff time 999999999 ms":               24 * time.Hour,
		"suggested backoff time 99999999999999999999999 ms": 0,
		"suggested backoff time":                            0,
	} {
		f := tenant.Failure{Text: text}
		if got := f.Backoff(); got != want {
			t.Errorf("%s: %v; want %v", text, got, want)
		}
	}
}

// What did not get through to the tenant is told from what the tenant said.
func TestUnreachable(t *testing.T) {
	for _, test := range []struct {
		f    tenant.Failure
		want bool
	}{
		{tenant.Failure{Lost: true}, true},
		{tenant.Failure{Status: 502, Page: true, Text: "Bad Gateway"}, true},
		{tenant.Failure{Status: 503}, true},
		{tenant.Failure{Status: 504}, true},
		{tenant.Failure{Status: 503, Wait: true}, false}, // throttled
		{tenant.Failure{Status: 500}, false},
		{tenant.Failure{Status: 400, Text: "ServerBusyException"}, false},
		{tenant.Failure{Status: 429}, false},
		{tenant.Failure{Status: 401}, false},
		{tenant.Failure{Status: 404}, false},
		{tenant.Failure{}, false},
	} {
		if got := test.f.Unreachable(); got != test.want {
			t.Errorf("%+v: unreachable %v; want %v", test.f, got, test.want)
		}
	}
}

func TestSplitMessage(t *testing.T) {
	for _, test := range []struct {
		in, exception, text string
		ok                  bool
	}{
		{"Ex1|A.B|no | good", "A.B", "no | good", true},
		{"| System.InvalidOperationException | no", "System.InvalidOperationException", "no", true},
		{"Ex1|A.B|", "A.B", "", true},
		{"Ex1|A.B", "", "", false},
		{"one | two words | three", "", "", false},
		{"Ex1||x", "", "", false},
		{"", "", "", false},
	} {
		if exception, text, ok := tenant.SplitMessage(test.in); exception != test.exception || text != test.text || ok != test.ok {
			t.Errorf("SplitMessage(%q) = %q, %q, %v", test.in, exception, text, ok)
		}
	}
}

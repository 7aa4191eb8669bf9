package tenant_test

import (
	"testing"

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

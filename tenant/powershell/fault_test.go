package powershell

import (
	"errors"
	"strings"
	"testing"
	"time"

	"rollcall/tenant"
)

func TestFault(t *testing.T) {
	tests := []struct {
		name      string
		f         failure
		class     tenant.Class
		lost      bool
		exception string
	}{
		{"not found, in three parts", failure{
			Message:    "Ex6F9304|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|The operation couldn't be performed because object 'x' couldn't be found on 'y'.",
			Exceptions: []string{"System.Exception"},
		}, tenant.NotFound, false, "Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException"},
		{"not found, by class", failure{
			Message:    "nein",
			Exceptions: []string{"System.Management.Automation.RemoteException", "Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException"},
		}, tenant.NotFound, false, "Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException"},
		{"not found, by status", failure{Message: "?", Status: 404}, tenant.NotFound, false, ""},
		{"throttled", failure{Message: "You exceeded the maximum number of concurrent requests", Status: 400}, tenant.Throttled, false, ""},
		{"429", failure{Message: "?", Status: 429, RetryAfter: "7"}, tenant.Throttled, false, ""},
		{"too many", failure{Message: "HTTP: Too Many Requests"}, tenant.Throttled, false, ""},
		{"503 that asks to wait", failure{Status: 503, RetryAfter: "7"}, tenant.Throttled, false, ""},
		{"503", failure{Status: 503}, tenant.Unavailable, false, ""},
		{"forbidden", failure{Message: "Access to the requested resource is forbidden."}, tenant.Denied, false, ""},
		{"permission", failure{Message: "no", Category: "PermissionDenied"}, tenant.Denied, false, ""},
		{"transient", failure{Message: "no", Reason: "ADServerSettingsChangedException"}, tenant.Unavailable, false, "ADServerSettingsChangedException"},
		{"inner transient", failure{Message: "no", Details: []string{"...|Microsoft.Exchange.Data.Storage.StorageTransientException|..."}}, tenant.Unavailable, false, "Microsoft.Exchange.Data.Storage.StorageTransientException"},
		{"network", failure{Message: "no", Exceptions: []string{"System.AggregateException", "System.Net.Http.HttpRequestException"}}, tenant.Unavailable, false, "System.AggregateException"},
		{"a reply is no network failure", failure{Message: "no", Status: 400, Exceptions: []string{"System.Net.Http.HttpRequestException"}}, tenant.Failed, false, "System.Net.Http.HttpRequestException"},
		{"bad request", failure{Message: "The calling client sent a bad request to the service"}, tenant.Failed, false, ""},
		{"binding", failure{Message: "Cannot validate argument", Exceptions: []string{"System.Management.Automation.ParameterBindingException"}}, tenant.Failed, false, "System.Management.Automation.ParameterBindingException"},
		{"401", failure{Message: "?", Status: 401}, tenant.Unauthorized, true, ""},
		{"UnAuthorized", failure{Message: "UnAuthorized"}, tenant.Failed, true, ""},
		{"expired", failure{Message: "Lifetime validation failed, the token is expired."}, tenant.Failed, true, ""},
		{"sign in again", failure{Message: "AADSTS700082: The refresh token has expired"}, tenant.Failed, true, ""},
		{"cmdlet gone", failure{Kind: "missing"}, tenant.Failed, true, ""},
		{"a user called unauthorized", failure{Message: "user unauthorized@contoso.com is odd"}, tenant.Failed, false, ""},
		{"refused", failure{Kind: "refused", Message: "too many requests"}, tenant.Failed, false, ""},
	}
	for _, test := range tests {
		if test.f.Kind == "" {
			test.f.Kind = "cmdlet"
		}
		e, lost := test.f.fault(tenant.Cmdlet{}, nil)
		if e.Class != test.class || lost != test.lost || e.Exception != test.exception || e.Status != test.f.Status {
			t.Errorf("%s: %v, exception %q, lost %v; want %v, %q, %v", test.name, e.Class, e.Exception, lost, test.class, test.exception, test.lost)
		}
		if e.Err.Error() == "" || strings.Contains(e.Err.Error(), "|") {
			t.Errorf("%s: message %q", test.name, e.Err)
		}
	}
}

func TestRefusal(t *testing.T) {
	f := failure{Kind: "connect", Message: "slow down", Status: 429, RetryAfter: "5"}
	e, ok := errors.AsType[*tenant.Error](f.refusal("contoso", nil))
	if !ok || e.Class != tenant.Throttled || e.RetryAfter != 5*time.Second || e.Error() != "Connect-ExchangeOnline contoso: sign in: slow down (HTTP 429)" {
		t.Errorf("%v", e)
	}
	f.Message = "maximum number of concurrent requests"
	if e, ok := errors.AsType[*tenant.Error](f.refusal("contoso", nil)); !ok || !e.AtOnce {
		t.Errorf("%v is not about calls at once", e)
	}
}

func TestOlder(t *testing.T) {
	for _, test := range []struct {
		version string
		want    bool
	}{{"3.1.0", false}, {"3.0.9", true}, {"3.10.0", false}, {"2.0.5", true}, {"3.1", false}, {"4", false}, {"3.1.0.1", false}, {"x", true}} {
		if got := older(test.version, minModule); got != test.want {
			t.Errorf("older(%q) = %v, want %v", test.version, got, test.want)
		}
	}
}

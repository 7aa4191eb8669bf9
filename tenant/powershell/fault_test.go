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
		{"401", failure{Message: "?", Status: 401}, tenant.Unauthorized, false, ""},
		{"UnAuthorized", failure{Message: "UnAuthorized"}, tenant.Unauthorized, false, ""},
		{"401 of a token that ended", failure{Message: "Lifetime validation failed", Status: 401}, tenant.Unauthorized, true, ""},
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
		if e.Class != test.class || lost != test.lost || e.Exception != test.exception || e.Status != test.f.status() {
			t.Errorf("%s: %v, exception %q, lost %v; want %v, %q, %v", test.name, e.Class, e.Exception, lost, test.class, test.exception, test.lost)
		}
		if e.Unsent != (test.f.Kind != "cmdlet") {
			t.Errorf("%s: unsent is %v", test.name, e.Unsent)
		}
		if e.Err.Error() == "" || strings.Contains(e.Err.Error(), "|") {
			t.Errorf("%s: message %q", test.name, e.Err)
		}
	}
}

// What the module says when something goes wrong without a reply that it could
// read, as it was seen to, has its class; so it has with the reply that the bridge
// saw beside it.
func TestTexts(t *testing.T) {
	const rest = "Microsoft.Exchange.Management.RestApiClient.RestClientException"
	own := func(message string, status int, body string) failure {
		return failure{Message: message, Status: status, Body: body, Exceptions: []string{rest}, Reason: "RestClientException", Category: "ProtocolError"}
	}
	formless := own("Exception of type '"+rest+"' was thrown.", 0, "")
	around := func(message, class, inner string) failure {
		return failure{Message: message, Exceptions: []string{"System.Exception", class}, Details: []string{inner}, Reason: "Exception"}
	}
	page := around("Unexpected character encountered while parsing value: <. Path '', line 0, position 0.", "Newtonsoft.Json.JsonReaderException", "Unexpected character")
	with := func(f failure, status int, body string) failure {
		f.Status, f.Body = status, body
		return f
	}
	discovery := with(own("?", 0, ""), 404, "")
	discovery.Discovery = true
	policy := `{"Code":"Forbidden","Message":"No.","Details":[{"Message":"The following authorization requirements are not satisfied: UserRequireAdvancedMyALicense."}]}`
	for _, test := range []struct {
		name  string
		f     failure
		class tenant.Class
		text  string
	}{
		{"a reply of another form", formless, tenant.Unavailable, "hides what the service said"},
		{"the same, seen", with(formless, 400, `{"error":{"code":"X","message":"a bad one"}}`), tenant.Failed, "a bad one"},
		{"the same, seen to be of a gateway", with(formless, 502, ""), tenant.Unavailable, "hides"},
		{"a page", page, tenant.Unavailable, "Unexpected character"},
		{"a page that was a success", with(page, 200, "<html>"), tenant.Unavailable, ""},
		{"a page of a gateway", with(page, 502, "<html>"), tenant.Unavailable, ""},
		{"no settings in the reply", own("Error while parsing the response", 0, ""), tenant.Unavailable, ""},
		{"no settings in a reply of success", own("Error while parsing the response", 204, ""), tenant.Unavailable, ""},
		{"details that the module drops", own("No.", 403, policy), tenant.Denied, "UserRequireAdvancedMyALicense"},
		{"a reason of its own", own("Something else.", 400, policy), tenant.Failed, "Something else."},
		{"no service", own("Error while requesting autodiscovery service. HttpStatusCode=NotFound", 0, ""), tenant.Unauthorized, "look up the service"},
		{"no service, seen", discovery, tenant.Unauthorized, "look up the service"},
		{"a service of the moment", own("Error while requesting autodiscovery service. HttpStatusCode=ServiceUnavailable", 0, ""), tenant.Unavailable, "look up the service"},
		{"too many looks", own("Error while requesting autodiscovery service. HttpStatusCode=TooManyRequests", 0, ""), tenant.Throttled, ""},
		{"an untrusted server", failure{
			Message:    "The SSL connection could not be established, see inner exception.",
			Exceptions: []string{"System.Net.Http.HttpRequestException", "System.Security.Authentication.AuthenticationException"},
			Details:    []string{"The remote certificate is invalid because of errors in the certificate chain: UntrustedRoot"},
		}, tenant.Unauthorized, "established, see inner exception.: The remote certificate is invalid"},
		{"a cut handshake", failure{
			Message:    "The SSL connection could not be established, see inner exception.",
			Exceptions: []string{"System.Net.Http.HttpRequestException", "System.IO.IOException"},
			Details:    []string{"Received an unexpected EOF or 0 bytes from the transport stream."},
		}, tenant.Unavailable, "unexpected EOF"},
		{"no room", failure{Message: "Read-only file system : '/tmp/x'", Exceptions: []string{"System.IO.IOException"}}, tenant.Unauthorized, "Read-only"},
		{"a budget", failure{Message: "x|Microsoft.OverBudgetException|Suggested backoff time 4812 ms", Exceptions: []string{"System.Exception"}}, tenant.Throttled, ""},
	} {
		test.f.Kind = "cmdlet"
		e, lost := test.f.fault(get("ada@contoso.com"), nil)
		if e.Class != test.class || lost || !strings.Contains(e.Err.Error(), test.text) {
			t.Errorf("%s: %v: %v, lost %v; want %v with %q", test.name, e.Class, e, lost, test.class, test.text)
		}
		if passes := e.Class == tenant.Unavailable; e.Unreachable != passes {
			t.Errorf("%s: unreachable %v, want %v", test.name, e.Unreachable, passes)
		}
		if test.name == "a budget" && e.RetryAfter != 4812*time.Millisecond {
			t.Errorf("%s: wait %v", test.name, e.RetryAfter)
		}
	}
}

// A status that only the text has counts like one that was seen; in the text of one of the
// service's exceptions it is not that of the reply.
func TestTextStatus(t *testing.T) {
	const sentence = "Response status code does not indicate success: "
	for _, test := range []struct {
		f           failure
		class       tenant.Class
		status      int
		unreachable bool
	}{
		{failure{Message: sentence + "503 (Service Unavailable).", Exceptions: []string{"System.Exception"}}, tenant.Unavailable, 503, true},
		{failure{Message: sentence + "503 (Service Unavailable).", RetryAfter: "5"}, tenant.Throttled, 503, false},
		{failure{Message: sentence + "429 (Too Many Requests)."}, tenant.Throttled, 429, false},
		{failure{Message: sentence + "500 (Internal Server Error)."}, tenant.Unavailable, 500, false},
		{failure{Message: sentence + "403 (Forbidden).", Exceptions: []string{"System.Net.Http.HttpRequestException"}}, tenant.Denied, 403, false},
		{failure{Message: sentence + "401 (Unauthorized)."}, tenant.Unauthorized, 401, false},
		{failure{Message: "no", Details: []string{"(503) Server Unavailable"}, Exceptions: []string{"System.Exception", "System.Exception"}}, tenant.Unavailable, 503, true},
		{failure{Message: "429 (Too Many Requests)"}, tenant.Throttled, 429, false},
		{failure{Message: "502 (Bad Gateway)"}, tenant.Unavailable, 502, true},
		{failure{Message: "504 (Gateway Timeout)"}, tenant.Unavailable, 504, true},
		{failure{Message: "user 503@contoso.com is odd, and has a quota of 503 (MB)"}, tenant.Failed, 0, false},
		{failure{Message: "(503) Server Unavailable", Status: 400}, tenant.Unavailable, 400, false},
		{failure{Message: "Ex1|Microsoft.Exchange.X|(503) Server Unavailable", Exceptions: []string{"System.Exception"}}, tenant.Unavailable, 0, false},
	} {
		for _, name := range []string{"Get-", "Set-"} {
			test.f.Kind = "cmdlet"
			e, lost := test.f.fault(tenant.Cmdlet{Name: name + testNoun, Identity: "503@contoso.com"}, nil)
			if e.Class != test.class || e.Status != test.status || e.Unreachable != test.unreachable || e.Unsent || lost {
				t.Errorf("%s %q: %v, status %d, unreachable %v, unsent %v, lost %v; want %v, %d, %v", name, test.f.Message, e.Class, e.Status, e.Unreachable, e.Unsent, lost,
					test.class, test.status, test.unreachable)
			}
		}
	}
}

// A set that was run, but for whose output there is no reply, may have been made.
func TestBroken(t *testing.T) {
	f := failure{Kind: "broken", Message: "the cmdlet left without an end"}
	if e, _ := f.fault(get("ada@contoso.com"), nil); e.Class != tenant.Failed {
		t.Errorf("get: %v", e.Class)
	}
	if e, _ := f.fault(tenant.Cmdlet{Name: "Set-" + testNoun}, nil); e.Class != tenant.Unavailable {
		t.Errorf("set: %v", e.Class)
	}
}

// A sign-in that may pass is told from one that won't.
func TestSignInFaults(t *testing.T) {
	for _, test := range []struct {
		name   string
		f      failure
		passes bool
	}{
		{"503 in the service's words", failure{Message: "The service is not available", Exceptions: []string{"System.SystemException"}}, true},
		{"429 or 500 without a body", failure{Message: "Module could not be correctly formed. Please run Connect-ExchangeOnline again.", Exceptions: []string{"System.Management.Automation.RuntimeException"}}, true},
		{"half a reply", failure{Message: "Deserialized JSON type 'null' is not expected", Exceptions: []string{"System.Exception"}}, true},
		{"managed identity, 404", failure{Message: "Object reference not set to an instance of an object.", Exceptions: []string{"System.NullReferenceException"}, Status: 404}, true},
		{"503, seen", failure{Message: "?", Status: 503}, true},
		{"401", failure{Message: "UnAuthorized", Exceptions: []string{"System.UnauthorizedAccessException"}}, false},
		{"401 in .NET's words", failure{Message: "Response status code does not indicate success: 401 (Unauthorized).", Exceptions: []string{"System.Net.Http.HttpRequestException"}}, false},
		{"503 in .NET's words", failure{Message: "Response status code does not indicate success: 503 (Service Unavailable).", Exceptions: []string{"System.Management.Automation.RuntimeException"}}, true},
		{"403, seen", failure{Message: "no", Exceptions: []string{"System.SystemException"}, Status: 403}, false},
		{"Entra", failure{Message: "?", Exceptions: []string{"System.SystemException"}, Details: []string{"AADSTS700016: no such application"}}, false},
		{"untrusted", failure{Message: "see inner exception", Exceptions: []string{"System.Net.Http.HttpRequestException", "X"}, Details: []string{"The remote certificate is invalid"}}, false},
		{"a folder that is read only", failure{Message: "Read-only file system", Exceptions: []string{"System.IO.IOException"}}, false},
		{"another", failure{Message: "the password is wrong", Exceptions: []string{"System.Security.Cryptography.CryptographicException"}}, false},
	} {
		test.f.Kind = "connect"
		err := test.f.refusal("contoso", nil)
		e, ok := errors.AsType[*tenant.Error](err)
		if _, setup := errors.AsType[*SetupError](err); setup == test.passes || test.passes && !e.Transient() {
			t.Errorf("%s: %v, %v, want one that passes: %v", test.name, err, ok, test.passes)
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

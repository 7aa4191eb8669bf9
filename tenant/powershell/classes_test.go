package powershell

import (
	"strings"
	"testing"

	"rollcall/tenant"
	"rollcall/tenant/internal/errorcases"
)

// An error has the class that it has over HTTPS, in whichever form the module
// puts it.
func TestClasses(t *testing.T) {
	for _, c := range errorcases.All {
		forms := []failure{{Message: c.Text, Exceptions: []string{"System.Exception"}, Reason: "Exception"}}
		if c.Exception != "" {
			message := "Ex1|" + c.Exception + "|" + c.Text
			_, name, _ := strings.Cut(strings.TrimPrefix(c.Exception, "Microsoft."), "Tasks.")
			forms = []failure{
				{Message: message, Exceptions: []string{"System.Exception"}, Reason: "Exception"},
				{Message: "no", Details: []string{message}, Exceptions: []string{"System.Exception", "System.Net.Http.HttpRequestException"}},
			}
			if name != "" {
				forms = append(forms,
					failure{Message: c.Text, Exceptions: []string{"System.Exception"}, Reason: name},
					failure{Message: c.Text, Exceptions: []string{"System.Management.Automation.RemoteException", c.Exception}})
			}
		}
		for _, f := range forms {
			f.Kind, f.Status, f.RetryAfter = "cmdlet", c.Status, c.Wait
			e, lost := f.fault(tenant.Cmdlet{}, nil)
			if hint := strings.Contains(e.Err.Error(), "Active Directory there"); e.Class != c.Class || hint != c.Hint || lost {
				t.Errorf("%+v: %v, %v, lost %v; want %v, hint %v", f, e.Class, e, lost, c.Class, c.Hint)
			}
		}
	}
}

// What the module says of a reply without a body has the class of its status;
// what it says when it looks for the service is not about a user.
func TestStatusName(t *testing.T) {
	for _, test := range []struct {
		message string
		class   tenant.Class
		status  int
		lost    bool
	}{
		{"Error while requesting the server.HttpStatusCode=TooManyRequests", tenant.Throttled, 429, false},
		{"Error while requesting the server.HttpStatusCode=429", tenant.Throttled, 429, false},
		{"Error while requesting the server.HttpStatusCode=ServiceUnavailable", tenant.Unavailable, 503, false},
		{"Error while requesting the server.HttpStatusCode=InternalServerError", tenant.Unavailable, 500, false},
		{"Error while requesting the server.HttpStatusCode=GatewayTimeout", tenant.Unavailable, 504, false},
		{"Error while requesting the server.HttpStatusCode=Forbidden", tenant.Denied, 403, false},
		{"Error while requesting the server.HttpStatusCode=NotFound", tenant.NotFound, 404, false},
		{"Error while requesting the server.HttpStatusCode=BadRequest", tenant.Failed, 400, false},
		{"Error while requesting the server.HttpStatusCode=Unauthorized", tenant.Unauthorized, 401, false},
		{"Error while requesting the server.HttpStatusCode=Odd", tenant.Failed, 0, false},
		{"Error while requesting autodiscovery service. HttpStatusCode=NotFound", tenant.Unauthorized, 404, false},
		{"Error while requesting autodiscovery service. HttpStatusCode=ServiceUnavailable", tenant.Unavailable, 503, false},
		{"You must call Connect-ExchangeOnline before calling any other cmdlet.", tenant.Failed, 0, true},
	} {
		f := failure{Kind: "cmdlet", Message: test.message, Exceptions: []string{"Microsoft.Exchange.Management.RestApiClient.RestClientException"}, Reason: "RestClientException"}
		if e, lost := f.fault(tenant.Cmdlet{}, nil); e.Class != test.class || e.Status != test.status || lost != test.lost {
			t.Errorf("%s: %v, status %d, lost %v; want %v, %d, %v", test.message, e.Class, e.Status, lost, test.class, test.status, test.lost)
		}
	}
}

package powershell

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/tenant"
)

// What Entra ID says of a refusal is found in whatever exception has it, the
// innermost first, and without what is for who supports it.
func TestEntraReason(t *testing.T) {
	for _, test := range []struct {
		texts []string
		want  string
	}{
		{[]string{"One or more errors occurred."}, ""},
		{[]string{"AADSTS90002: Tenant 'x' not found. Check it. Trace ID: 1 Correlation ID: 2"}, "AADSTS90002: Tenant 'x' not found. Check it"},
		{[]string{"A configuration issue is preventing authentication - check the error message from the server for details. AADSTS7000215: Invalid client secret"}, "AADSTS7000215: Invalid client secret"},
		{[]string{"outer AADSTS1: general", "AADSTS53003: Access has been blocked by Conditional Access policies.\r\nTrace ID: 1"}, "AADSTS53003: Access has been blocked by Conditional Access policies"},
		{[]string{"outer AADSTS1: general", "no code"}, "AADSTS1: general"},
	} {
		f := failure{Message: test.texts[0], Details: test.texts[1:]}
		if got := f.entra(); got != test.want {
			t.Errorf("%q: %q, want %q", test.texts, got, test.want)
		}
	}
}

// A person is shown what to do, and not what .NET writes of exceptions.
func TestTrace(t *testing.T) {
	for line, want := range map[string]bool{
		"   at Microsoft.Identity.Client.Internal.Requests.RequestBase.RunAsync(CancellationToken cancellationToken)":   true,
		"   at System.Threading.Tasks.Task`1.GetResultCore(Boolean waitCompletionNotification)":                         true,
		"--- End of stack trace from previous location ---":                                                             true,
		" ---> System.Net.Sockets.SocketException (111): Connection refused":                                            true,
		"Microsoft.Identity.Client.MsalServiceException: AADSTS50076: Due to a change":                                  true,
		"To sign in, use a web browser to open the page https://microsoft.com/devicelogin and enter the code ABCD-EFGH": false,
		"at the page, enter the code ABCD-EFGH":                                                                         false,
		"WARNING: the account is new":                                                                                   false,
		"":                                                                                                              false,
	} {
		if got := isTrace(line); got != want {
			t.Errorf("%q: %v", line, got)
		}
	}
}

// By hand a sign-in that fails is not made again, whatever it failed of: there
// would be a second code. What is waited for is said.
func TestByHandOnce(t *testing.T) {
	for _, method := range []string{DeviceCode, Interactive, AccessToken} {
		s := newStage(t, "no network")
		var mu sync.Mutex
		var notices []string
		tn := open(t, func(c *Config) {
			c.SignIn.Method = method
			c.Notice = func(text string) {
				mu.Lock()
				defer mu.Unlock()
				notices = append(notices, text)
			}
		})
		_, err := tn.Run(t.Context(), get("ada@contoso.com"))
		want := tenant.Unauthorized
		if method == AccessToken {
			want = tenant.Unavailable
		}
		if !errors.Is(err, want) || !strings.Contains(err.Error(), "no such host") {
			t.Errorf("%s: error %v, want %v", method, err, want)
		}
		tn.Close()
		s.empty()
		said := slices.ContainsFunc(notices, func(n string) bool { return strings.Contains(n, "sign in in the browser that opens") })
		if said != (method == Interactive) {
			t.Errorf("%s: notices %q", method, notices)
		}
	}
}

// A token that can't be had for the moment is worth another try, and any other
// failure is for a person to mend.
func TestNoToken(t *testing.T) {
	s := newStage(t)
	for _, test := range []struct {
		err  error
		want tenant.Class
	}{
		{&tenant.Error{Op: "sign in", Object: "to x", Class: tenant.Unavailable, Err: errors.New("busy")}, tenant.Unavailable},
		{&tenant.Error{Op: "sign in", Object: "to x", Class: tenant.Unauthorized, Err: errors.New("AADSTS7000215: no")}, tenant.Unauthorized},
		{errors.New("no access token"), tenant.Unauthorized},
	} {
		tn := open(t, func(c *Config) {
			c.SignIn.Token = func(context.Context, string) (string, time.Time, error) { return "", time.Time{}, test.err }
		})
		facts, err := tn.Facts(t.Context())
		if err == nil || facts.Module == "" || facts.SignedIn {
			t.Errorf("facts %+v, error %v: want the module, and no sign-in", facts, err)
		}
		if _, err := tn.Run(t.Context(), get("ada@contoso.com")); !errors.Is(err, test.want) {
			t.Errorf("error %v, want %v", err, test.want)
		}
	}
	if n := s.count("connect"); n != 0 {
		t.Errorf("%d sign-ins without a token", n)
	}
}

package powershell

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"rollcall/tenant"
)

// The module is a client of the REST interface, and its errors are that
// interface's: what is known of them is as in package exchange. Names are
// looked for in classes and texts alike, and texts regardless of case.
const atOnce = "maximum number of concurrent requests"

var (
	// A call that is one too many.
	throttles = []string{atOnce, "too many requests", "toomanyrequests"}

	// No such user.
	absences = []string{"ManagementObjectNotFoundException", "couldn't be found", "could not be found"}

	// Refused for this user, whoever the caller is (seen for some users of a
	// tenant, all others being fine).
	denials = []string{"Access to the requested resource is forbidden"}

	// A session that is over. All are likely, none is certain: that a cmdlet
	// is gone is, and shows in another way.
	losses = []string{
		"AADSTS", "token is expired", "token has expired", "access token expired", "session has expired",
		"Lifetime validation failed", "InvalidAuthenticationToken",
		"must call the Connect-ExchangeOnline cmdlet",
	}

	// A fault of the moment.
	transients = []string{
		"CmdletProxyNotAvailableFailure", "ServerBusyException", "TransientException",
		"BackendCommunicationException", "DCOverloadedException", "SuitabilityDirectoryException",
		"ServerInMMException", "ADServerSettingsChangedException",
	}

	// No reply, or half of one. Under a status below 500 there was one.
	network = []string{
		"System.Net.Http.HttpRequestException", "System.Net.WebException", "System.Net.Sockets.SocketException",
		"System.IO.IOException", "System.TimeoutException",
		"System.Threading.Tasks.TaskCanceledException", "System.OperationCanceledException",
	}
)

// says reports whether one of names is in what f says.
func (f *failure) says(names []string) bool {
	all := strings.ToLower(strings.Join([]string{
		f.Message, strings.Join(f.Details, "\n"), strings.Join(f.Exceptions, "\n"), f.Reason, f.ErrorID,
	}, "\n"))
	for _, name := range names {
		if strings.Contains(all, strings.ToLower(name)) {
			return true
		}
	}
	return false
}

// fault returns the error of a cmdlet, and whether it is that its session is
// over.
func (f *failure) fault(secrets []string) (_ *tenant.Error, lost bool) {
	exception, message := f.parts()
	text := tenant.Clean(message, secrets...)
	if text == "" {
		text = "no message"
	}
	e := &tenant.Error{
		Status:     f.Status,
		Class:      f.class(),
		AtOnce:     f.says([]string{atOnce}),
		Exception:  tenant.Clean(exception, secrets...),
		RetryAfter: tenant.RetryAfter(f.RetryAfter, time.Now()),
		Err:        errors.New(text),
	}
	return e, f.lost()
}

// lost reports whether f says that the session is over. There was a cmdlet of
// that name when the process had signed in, or it would not have been asked
// for: if it is missing, it went with the session.
func (f *failure) lost() bool {
	switch f.Kind {
	case "missing":
		return true
	case "cmdlet":
		return f.Status == http.StatusUnauthorized || f.says(losses) ||
			strings.EqualFold(strings.TrimSpace(f.Message), "unauthorized")
	}
	return false
}

// class returns what kind of failure f is. What it says in words comes before
// what it says in numbers.
func (f *failure) class() tenant.Class {
	if f.Kind != "cmdlet" && f.Kind != "connect" {
		return tenant.Failed
	}
	switch {
	case f.Status == http.StatusTooManyRequests, f.says(throttles),
		f.Status == http.StatusServiceUnavailable && f.RetryAfter != "":
		return tenant.Throttled
	case f.says(absences):
		return tenant.NotFound
	case f.Status == http.StatusForbidden, f.Category == "PermissionDenied", f.says(denials):
		return tenant.Denied
	case f.Status == http.StatusNotFound:
		return tenant.NotFound
	case f.Status == http.StatusRequestTimeout, f.Status >= http.StatusInternalServerError, f.says(transients),
		f.Status == 0 && f.says(network):
		return tenant.Unavailable
	}
	return tenant.Failed
}

// parts returns the exception that f is about, and its text. The REST
// interface puts both in one, with an ID: ID|class|text.
func (f *failure) parts() (exception, message string) {
	if p := strings.SplitN(f.Message, "|", 3); len(p) == 3 && strings.Contains(p[1], ".") && !strings.Contains(p[1], " ") {
		return p[1], p[2]
	}
	for _, e := range f.Exceptions {
		// PowerShell's own say that something failed, not what.
		if e != "System.Exception" && !strings.HasPrefix(e, "System.Management.Automation.") {
			return e, f.Message
		}
	}
	if f.Reason != "" || f.Exceptions == nil {
		return f.Reason, f.Message
	}
	return f.Exceptions[0], f.Message
}

// refusal returns the error of a sign-in that failed: one that may pass as a
// [*tenant.Error], and else a [*SetupError]. Where says what it was to.
func (f *failure) refusal(where string, secrets []string) error {
	if f.Kind == "import" {
		hint := "Update-Module " + moduleName
		if f.says([]string{"running scripts is disabled", "PSSecurityException"}) {
			hint = "Set-ExecutionPolicy RemoteSigned -Scope CurrentUser"
		}
		return setupError(hint, "load PowerShell module %s: %s", moduleName, tenant.Clean(f.Message, secrets...))
	}
	e, _ := f.fault(secrets)
	if e.Transient() {
		e.Op, e.Object, e.Err = "Connect-ExchangeOnline", where, fmt.Errorf("sign in: %w", e.Err)
		return e
	}
	return setupError("", "sign-in refused: %w", e.Err)
}

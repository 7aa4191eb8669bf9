package powershell

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"rollcall/tenant"
)

// The module is a client of the REST interface, and its errors are that
// interface's: [tenant.Failure] has their classes. Here is what the module, and
// .NET below it, add of their own. Names are looked for in classes and texts
// alike, and texts regardless of case.
var (
	// A session that is over. Certain of the last one, which the module was
	// seen to say, and likely of the others. That a cmdlet is gone shows in
	// another way.
	losses = []string{
		"AADSTS", "token is expired", "token has expired", "access token expired", "session has expired",
		"Lifetime validation failed", "InvalidAuthenticationToken",
		"must call the Connect-ExchangeOnline cmdlet", "must call Connect-ExchangeOnline",
	}

	// No reply, or half of one.
	network = []string{
		"System.Net.Http.HttpRequestException", "System.Net.WebException", "System.Net.Sockets.SocketException",
		"System.IO.IOException", "System.TimeoutException",
		"System.Threading.Tasks.TaskCanceledException", "System.OperationCanceledException",
	}

	// What begins the names of exceptions that say that something failed in
	// PowerShell or the module, not what the cmdlet ended in.
	clients = []string{"System.", "Newtonsoft.", "Microsoft.Exchange.Management.RestApiClient.", "Microsoft.Identity."}
)

// whole returns all that f says.
func (f *failure) whole() string {
	return strings.Join([]string{
		f.Message, strings.Join(f.Details, "\n"), strings.Join(f.Exceptions, "\n"), f.Reason, f.ErrorID,
	}, "\n")
}

// says reports whether one of names is in what f says.
func (f *failure) says(names []string) bool {
	all := strings.ToLower(f.whole())
	return slices.ContainsFunc(names, func(name string) bool { return strings.Contains(all, strings.ToLower(name)) })
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
		Status:     f.status(),
		Class:      tenant.Failed,
		Exception:  tenant.Clean(cmp.Or(exception, f.client()), secrets...),
		RetryAfter: tenant.RetryAfter(f.RetryAfter, time.Now()),
	}
	if f.Kind == "cmdlet" || f.Kind == "connect" {
		said := tenant.Failure{
			Status:    e.Status,
			Exception: exception,
			Category:  f.Category,
			Text:      f.whole(),
			Wait:      f.RetryAfter != "",
			Lost:      e.Status == 0 && exception == "" && f.says(network),
		}
		e.Class, e.AtOnce, e.Unreachable = said.Class(), said.AtOnce(), said.Unreachable()
		if hint := said.Hint(); hint != "" {
			text += "; " + hint
		}
	}
	e.Err = errors.New(text)
	return e, f.lost() && e.Class != tenant.Throttled
}

// statusName is what the module says of a reply without a body, by .NET's name
// of the status or by its number (certain: the module was seen to).
var statusName = regexp.MustCompile(`Error while requesting (the server|autodiscovery service)\. ?HttpStatusCode=(\w+)`)

// status returns the HTTP status of the reply, or 0 if f has none. One of
// autodiscovery counts if it may pass: else it is not about the user.
func (f *failure) status() int {
	if f.Status >= 100 && f.Status <= 599 {
		return f.Status
	}
	m := statusName.FindStringSubmatch(f.whole())
	if m == nil {
		return 0
	}
	for status := 100; status <= 599; status++ {
		name := strings.ReplaceAll(http.StatusText(status), " ", "")
		if m[2] != strconv.Itoa(status) && (name == "" || !strings.EqualFold(m[2], name)) {
			continue
		}
		if m[1] == "the server" || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout || status >= 500 {
			return status
		}
	}
	return 0
}

// lost reports whether f says that the session is over. There was a cmdlet of
// that name when the process had signed in, or it would not have been asked
// for: if it is missing, it went with the session.
func (f *failure) lost() bool {
	switch f.Kind {
	case "missing":
		return true
	case "cmdlet":
		return f.status() == http.StatusUnauthorized || f.says(losses) ||
			strings.EqualFold(strings.TrimSpace(f.Message), "unauthorized")
	}
	return false
}

// parts returns the exception that the cmdlet ended in, or "", and the text of
// f. The REST interface puts both in one.
func (f *failure) parts() (exception, message string) {
	for i, s := range append([]string{f.Message}, f.Details...) {
		class, text, ok := tenant.SplitMessage(s)
		switch {
		case !ok:
		case i == 0:
			return class, cmp.Or(text, s)
		default:
			return class, f.Message
		}
	}
	for _, class := range f.Exceptions {
		if !isClient(class) {
			return class, f.Message
		}
	}
	// The record's reason is the name of its exception's class, unless the
	// module has put the service's there.
	for _, class := range f.Exceptions {
		if class == f.Reason || strings.HasSuffix(class, "."+f.Reason) {
			return "", f.Message
		}
	}
	return f.Reason, f.Message
}

// client returns the exception of PowerShell's or the module's own that says most
// of f, or "".
func (f *failure) client() string {
	for _, class := range f.Exceptions {
		if class != "System.Exception" && !strings.HasPrefix(class, "System.Management.Automation.") {
			return class
		}
	}
	return cmp.Or(append([]string{f.Reason}, f.Exceptions...)...)
}

// isClient reports whether class is PowerShell's or the module's own, not one that
// a cmdlet of the service ends in.
func isClient(class string) bool {
	return class == "" || slices.ContainsFunc(clients, func(begin string) bool { return strings.HasPrefix(class, begin) })
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

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
//
// In PowerShell 7 the bridge sees the replies themselves. In Windows PowerShell
// there are only the texts.
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

	// A reply that is not the service's, or not all of one: a page of HTML, an
	// empty one, half of one. Certain: the module was seen to say so. What it
	// was asked for may have been done.
	unread = []string{"Error while parsing the response", "Unexpected character encountered while parsing", "JsonReaderException", "JsonSerializationException"}

	// A reply that the module has no form for. Certain: it says no more.
	hidden = []string{"RestClientException' was thrown"}

	// What no later attempt will mend: a server that this machine does not
	// trust, or a disk that is not to be written to. Certain that both were
	// seen; their texts are .NET's.
	untrusted = []string{"remote certificate is invalid", "remote certificate was rejected", "RemoteCertificateNameMismatch", "RemoteCertificateChainErrors"}
	unwritten = []string{"Read-only file system", "No space left on device", "not enough space on the disk", "Access to the path"}

	// What begins the names of exceptions that say that something failed in
	// PowerShell or the module, not what the cmdlet ended in.
	clients = []string{"System.", "Newtonsoft.", "Microsoft.Exchange.Management.RestApiClient.", "Microsoft.Identity."}
)

// whole returns all that f says.
func (f *failure) whole() string {
	return strings.Join([]string{
		f.Message, strings.Join(f.Details, "\n"), strings.Join(f.Exceptions, "\n"), f.Reason, f.ErrorID, f.said(),
	}, "\n")
}

// said returns the reason that the reply has, which the module may have hidden.
func (f *failure) said() string { return tenant.Reason([]byte(f.Body)) }

// says reports whether one of names is in what f says.
func (f *failure) says(names []string) bool {
	all := strings.ToLower(f.whole())
	return slices.ContainsFunc(names, func(name string) bool { return strings.Contains(all, strings.ToLower(name)) })
}

// fault returns the error of c, and whether it is that its session is over. C is
// the zero Cmdlet if it was signing in that failed.
func (f *failure) fault(c tenant.Cmdlet, secrets []string) (_ *tenant.Error, lost bool) {
	exception, _ := f.parts()
	text := tenant.Clean(f.text(), secrets...)
	if text == "" {
		text = "no message"
	}
	e := &tenant.Error{
		Status:     f.status(),
		Class:      tenant.Failed,
		Exception:  tenant.Clean(cmp.Or(exception, f.client()), secrets...),
		RetryAfter: tenant.RetryAfter(f.RetryAfter, time.Now()),
	}
	switch f.Kind {
	case "cmdlet", "connect":
		said := tenant.Failure{
			Status:    e.Status,
			Exception: exception,
			Category:  f.Category,
			Text:      f.whole(),
			Wait:      f.RetryAfter != "",
			Page:      strings.HasPrefix(strings.TrimSpace(f.Body), "<") || f.says([]string{"while parsing value: <"}),
			Lost:      f.unanswered(exception),
			Cmdlet:    c,
		}
		e.Class, e.AtOnce, e.Unreachable = said.Class(), said.AtOnce(), said.Unreachable()
		e.RetryAfter = cmp.Or(e.RetryAfter, said.Backoff())
		if hint := said.Hint(); hint != "" {
			text += "; " + hint
		}
		if f.looksUp() {
			text = "look up the service: " + text
			e.Unreachable = e.Class == tenant.Unavailable
		}
		if hint := f.mend(e); hint != "" {
			e.Class, e.Unreachable = tenant.Unauthorized, false
			e.Err = setupError(hint, "%s", text)
			return e, false
		}
	case "broken":
		// The cmdlet was run, and what came of it is not known.
		if !c.Reads() {
			e.Class = tenant.Unavailable
		}
	}
	e.Err = errors.New(text)
	return e, f.lost() && e.Class != tenant.Throttled
}

// unanswered reports whether f is that no reply came, or none that says what
// became of the cmdlet. Exception is the service's, or "".
func (f *failure) unanswered(exception string) bool {
	switch status := f.status(); {
	case exception != "":
		return false
	case status == 0:
		return f.says(network) || f.says(unread) || f.says(hidden)
	default:
		return status/100 == 2 && (f.says(network) || f.says(unread))
	}
}

// mend returns what a person can do about f, whose error is e, if it concerns all
// calls and will not pass, and else "".
func (f *failure) mend(e *tenant.Error) string {
	switch {
	case f.looksUp() && !e.Transient():
		return "check --organization and --cloud: there is no such service for them"
	case f.status() == 0 && f.says(untrusted):
		return "the server's certificate is not one that this machine trusts: check whether a proxy is in between"
	case f.status() == 0 && f.says(unwritten):
		return "set TMPDIR to a folder that this account can write to, with room in it"
	}
	return ""
}

// statusName is what the module says of a reply without a body, by .NET's name
// of the status or by its number (certain: the module was seen to).
var statusName = regexp.MustCompile(`Error while requesting (the server|autodiscovery service)\. ?HttpStatusCode=(\w+)`)

// status returns the HTTP status of the reply, or 0 if f has none.
func (f *failure) status() int {
	if f.Status >= 100 && f.Status <= 599 {
		return f.Status
	}
	if strings.EqualFold(strings.TrimSpace(f.Message), "unauthorized") {
		return http.StatusUnauthorized // certain of a sign-in, likely of a cmdlet
	}
	m := statusName.FindStringSubmatch(f.whole())
	if m == nil {
		return 0
	}
	for status := 100; status <= 599; status++ {
		name := strings.ReplaceAll(http.StatusText(status), " ", "")
		if m[2] == strconv.Itoa(status) || name != "" && strings.EqualFold(m[2], name) {
			return status
		}
	}
	return 0
}

// looksUp reports whether f is of the module's look for the service, which is
// about the connection and never about a user.
func (f *failure) looksUp() bool {
	if f.Discovery {
		return true
	}
	m := statusName.FindStringSubmatch(f.whole())
	return m != nil && m[1] == "autodiscovery service"
}

// lost reports whether f says that the session is over. There was a cmdlet of
// that name when the process had signed in, or it would not have been asked
// for: if it is missing, it went with the session.
func (f *failure) lost() bool {
	return f.Kind == "missing" || f.Kind == "cmdlet" && f.says(losses)
}

// text returns the text of f for people.
func (f *failure) text() string {
	_, message := f.parts()
	said := f.said()
	switch {
	case f.says(hidden) && said == "":
		return message + " (Microsoft's module hides what the service said)"
	case f.says(hidden), said != "" && strings.HasPrefix(said, strings.TrimSpace(message)):
		return said
	}
	// Of an exception around another it is the inner one that says something.
	if inner := f.innermost(); inner != "" && !strings.Contains(message, inner) && outer.MatchString(message) {
		return message + ": " + inner
	}
	return message
}

// outer matches what an exception says that has nothing to say itself.
var outer = regexp.MustCompile(`(?i)see inner exception|one or more errors occurred|an error occurred while sending the request`)

// innermost returns the message of the innermost exception, or "".
func (f *failure) innermost() string {
	if n := len(f.Exceptions) - 1; 0 < n && n <= len(f.Details) {
		return f.Details[n-1]
	}
	return ""
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

// passing is what the module says of a sign-in that the service did not answer
// as it should. Certain: it was seen to, of statuses that pass. A plain
// SystemException has the service's own text.
var passing = []string{"Module could not be correctly formed", "Deserialized JSON type", "Object reference not set"}

// mayPass reports whether f, a sign-in that failed with e, may succeed later.
func (f *failure) mayPass(e *tenant.Error) bool {
	switch {
	case e.Transient():
		return true
	case e.Status/100 == 4 && e.Status != http.StatusNotFound, f.says([]string{"UnauthorizedAccessException", "AADSTS"}), f.mend(e) != "":
		return false
	}
	return f.says(passing) || len(f.Exceptions) > 0 && f.Exceptions[0] == "System.SystemException"
}

// refusal returns the error of a sign-in that failed: one that may pass as a
// [*tenant.Error], and else a [*SetupError]. Where says what it was to.
func (f *failure) refusal(where string, secrets []string) error {
	e, _ := f.fault(tenant.Cmdlet{}, secrets)
	if f.mayPass(e) {
		if !e.Transient() {
			e.Class = tenant.Unavailable
		}
		e.Unreachable = e.Class == tenant.Unavailable // nobody has been asked about a user
		e.Op, e.Object, e.Err = "Connect-ExchangeOnline", where, fmt.Errorf("sign in: %w", e.Err)
		return e
	}
	return setupError(f.mend(e), "sign-in refused: %w", e.Err)
}

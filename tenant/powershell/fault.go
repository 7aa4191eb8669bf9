package powershell

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
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

// lost reports whether f says that the session is over. There was a cmdlet of
// that name when the process had signed in, or it would not have been asked
// for: if it is missing, it went with the session.
func (f *failure) lost() bool {
	return f.Kind == "missing" || f.Kind == "cmdlet" && f.says(losses)
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

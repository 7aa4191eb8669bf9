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
// interface's: [tenant.Failure] classifies them. Listed here are the texts that the
// module, and .NET below it, add. Each is looked for in the classes and messages of
// a failure, regardless of case.
//
// In PowerShell 7 the bridge sees the replies themselves. In Windows PowerShell
// there are only the texts.
var (
	// The session is over. Certain of the last one, which the module was seen to
	// write, and likely of the others. A cmdlet that is gone, which means the same,
	// has a kind of its own: missing.
	sessionLostTexts = []string{
		"AADSTS", "token is expired", "token has expired", "access token expired", "session has expired",
		"Lifetime validation failed", "InvalidAuthenticationToken",
		"must call the Connect-ExchangeOnline cmdlet", "must call Connect-ExchangeOnline",
	}

	// There was no reply, or half of one.
	networkTexts = []string{
		"System.Net.Http.HttpRequestException", "System.Net.WebException", "System.Net.Sockets.SocketException",
		"System.IO.IOException", "System.TimeoutException",
		"System.Threading.Tasks.TaskCanceledException", "System.OperationCanceledException",
	}

	// PowerShell had no memory for the moment. Likely.
	memoryTexts = []string{"OutOfMemoryException", "InsufficientMemoryException", "Insufficient memory to continue"}

	// The reply is not the service's, or not all of it: a page of HTML, an empty
	// one, half of one. Certain: the module was seen to write this. The cmdlet may
	// have been carried out.
	unreadableTexts = []string{"Error while parsing the response", "Unexpected character encountered while parsing", "JsonReaderException", "JsonSerializationException"}

	// The reply has a form that the module can't show. Certain: it writes no more.
	hiddenTexts = []string{"RestClientException' was thrown"}

	// No later attempt will succeed: this machine does not trust the server, or
	// can't write to its disk. Certain: both were seen; the texts are .NET's.
	untrustedTexts  = []string{"remote certificate is invalid", "remote certificate was rejected", "RemoteCertificateNameMismatch", "RemoteCertificateChainErrors"}
	unwritableTexts = []string{"Read-only file system", "No space left on device", "not enough space on the disk", "Access to the path"}

	// What the names of exceptions begin with that come from PowerShell, .NET or the
	// module, not from the service.
	clientPrefixes = []string{"System.", "Newtonsoft.", "Microsoft.Exchange.Management.RestApiClient.", "Microsoft.Identity."}
)

// fault returns f as the error of c, and whether it means that the session is over.
// c is the zero Cmdlet if it was the sign-in that failed.
func (f *failure) fault(c tenant.Cmdlet, secrets []string) (_ *tenant.Error, lost bool) {
	exception, _ := f.parts()
	text := tenant.Clean(f.text(), secrets...)
	if text == "" {
		text = "no message"
	}
	e := &tenant.Error{
		Status:     f.status(),
		Class:      tenant.Failed,
		Exception:  tenant.Clean(cmp.Or(exception, f.clientException()), secrets...),
		RetryAfter: tenant.RetryAfter(f.RetryAfter, time.Now()),
	}
	switch f.Kind {
	case "cmdlet", "connect":
		said := tenant.Failure{
			Status:    e.Status,
			Exception: exception,
			Category:  f.Category,
			Text:      f.allText(),
			Wait:      f.RetryAfter != "",
			Page:      strings.HasPrefix(strings.TrimSpace(f.Body), "<") || f.mentions([]string{"while parsing value: <"}),
			Lost:      f.unanswered(exception),
			Cmdlet:    c,
		}
		e.Class, e.AtOnce, e.Unreachable = said.Class(), said.AtOnce(), said.Unreachable()
		e.RetryAfter = cmp.Or(e.RetryAfter, said.Backoff())
		if hint := said.Hint(); hint != "" {
			text += "; " + hint
		}
		if f.isDiscovery() {
			text = "look up the service: " + text
			e.Unreachable = e.Class == tenant.Unavailable
		}
		if hint := f.remedy(e); hint != "" {
			e.Class, e.Unreachable = tenant.Unauthorized, false
			e.Err = setupError(hint, "%s", text)
			return e, false
		}
	case "refused", "missing":
		e.Unsent = true
	case "broken":
		// The cmdlet was run, and its result is not known.
		if !c.Reads() {
			e.Class = tenant.Unavailable
		}
	}
	e.Err = errors.New(text)
	return e, f.sessionLost() && e.Class != tenant.Throttled
}

// unanswered reports whether no reply came, or none that shows whether the cmdlet
// was carried out. Exception is the service's, or "".
func (f *failure) unanswered(exception string) bool {
	switch status := f.status(); {
	case exception != "":
		return false
	case status == 0:
		return f.mentions(networkTexts) || f.mentions(memoryTexts) || f.mentions(unreadableTexts) || f.mentions(hiddenTexts)
	default:
		return status/100 == 2 && (f.mentions(networkTexts) || f.mentions(unreadableTexts))
	}
}

// remedy returns what a person can do about f, whose error is e, if f concerns all
// calls and will not go away by itself, and else "".
func (f *failure) remedy(e *tenant.Error) string {
	switch {
	case f.isDiscovery() && !e.Transient():
		return "check the organization and the cloud: there is no such service for them"
	case f.status() == 0 && f.mentions(untrustedTexts):
		return "the server's certificate is not one that this machine trusts: check whether a proxy is in between"
	case f.status() == 0 && f.mentions(unwritableTexts):
		return "set TMPDIR to a folder that this account can write to, with room in it"
	}
	return ""
}

// sessionLost reports whether f means that the session is over. A cmdlet that is
// missing does: it was there when the process signed in, or it would not have been
// asked for.
func (f *failure) sessionLost() bool {
	return f.Kind == "missing" || f.Kind == "cmdlet" && f.mentions(sessionLostTexts)
}

// transientTexts are what the module writes of a sign-in that the service answered
// with a transient error. Certain: it was seen to. A plain SystemException has the
// service's own text.
var transientTexts = []string{"Module could not be correctly formed", "Deserialized JSON type", "Object reference not set"}

// isTransient reports whether the sign-in that failed with f and e may succeed later.
func (f *failure) isTransient(e *tenant.Error) bool {
	switch {
	case e.Transient():
		return true
	case e.Status/100 == 4 && e.Status != http.StatusNotFound, f.mentions([]string{"UnauthorizedAccessException", "AADSTS"}), f.remedy(e) != "":
		return false
	}
	return f.mentions(transientTexts) || len(f.Exceptions) > 0 && f.Exceptions[0] == "System.SystemException"
}

// refusal returns f as the error of a sign-in: a [*tenant.Error] if a later one may
// succeed, and else a [*SetupError]. Where is the tenant that it was to.
func (f *failure) refusal(where string, secrets []string) error {
	e, _ := f.fault(tenant.Cmdlet{}, secrets)
	if f.isTransient(e) {
		if !e.Transient() {
			e.Class = tenant.Unavailable
		}
		e.Unreachable = e.Class == tenant.Unavailable // nobody has been asked about a user
		e.Op, e.Object, e.Err = "Connect-ExchangeOnline", where, fmt.Errorf("sign in: %w", e.Err)
		return e
	}
	return setupError(f.remedy(e), "sign-in refused: %w", e.Err)
}

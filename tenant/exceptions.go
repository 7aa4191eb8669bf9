package tenant

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A Failure is what Exchange Online reported of a cmdlet that failed. Its error
// classes are defined here alone, by [Failure.Class]: an error has the same class
// whether it came over HTTPS or through Microsoft's module.
//
// Errors of the module itself, such as exceptions of .NET and sessions that are
// over, are classified by package powershell.
type Failure struct {
	Status    int    // HTTP status, or 0 if it is not known
	Exception string // class of the exception that the cmdlet ended in, or ""
	Category  string // PowerShell's error category, by name or by number, or ""
	Text      string // all messages, with the names of exception classes
	Wait      bool   // the reply has a Retry-After
	Page      bool   // the reply is a page of HTML: not the service's
	Lost      bool   // the reply, or some of it, did not arrive
	Cmdlet    Cmdlet // that failed
}

// Names and texts by which a failure is classified. They are looked for in
// Exception and Text, in whatever case.
var (
	// Too many calls at once, under whatever status. Likely: one public client
	// looks for it.
	concurrentTexts = []string{"maximum number of concurrent requests"}

	// Too many calls. Certain: the standard's name of status 429, and .NET's.
	// Likely that texts have it: the module puts the latter into its own. The
	// last two are widely reported of Exchange's budgets for a caller.
	tooManyTexts = []string{"too many requests", "toomanyrequests", "OverBudgetException", "request is throttled"}

	// A user whose properties come from Active Directory on premises. Certain:
	// both are widely reported. The first one is wrapped in a text that says
	// that the issue may be transient, which it never is.
	onPremisesTexts = []string{"on-premises mastered Directory Sync objects", "synchronized from your on-premises organization"}

	// A replica of the directory that does not have the user yet, or does not
	// answer. The class of the exception may be that of not-found. Likely.
	replicationTexts = []string{"couldn't be read from domain controller", "replication delay"}

	// No such user, under whatever status. Certain: several public clients.
	notFoundNames = []string{"ManagementObjectNotFoundException"}

	// The same in words. Likely: it is the text of that exception.
	notFoundTexts = []string{"couldn't be found", "could not be found"}

	// Refused for this user. Certain of the first one: several public scripts get
	// it for some users of a tenant and not for others. Likely of the other texts,
	// which are about the caller's permissions.
	deniedTexts = []string{
		"Access to the requested resource is forbidden",
		"within your current write scope", "out of the current user's write scope",
		"insufficient access rights", "MapiAccessDenied",
	}

	// A transient fault. Likely: the first four are tried again by one public
	// client, the other names by the module; the texts are those of statuses and
	// connections. Unknown: whether UnableToWriteToAadException is transient, or an
	// error whose text alone says so. One public client tried both again, and
	// stopped doing so.
	transientTexts = []string{
		"CmdletProxyNotAvailableFailure",
		"ServerBusyException",
		"TransientException", // StorageTransientException and its like too
		"BackendCommunicationException",
		"DCOverloadedException",
		"SuitabilityDirectoryException",
		"ServerInMMException",
		"ADServerSettingsChangedException",
		"server is too busy",
		"service this request right now",
		"operation has timed out",
		"internal server error",
		"bad gateway",
		"gateway timeout",
		"service unavailable",
		"unable to read data from the transport connection",
	}
)

// Class returns what kind of failure f is. Names and texts take precedence over the
// status. A status that a text reports is that of a reply further back: only whether it may
// pass counts.
func (f *Failure) Class() Class {
	says, reported := f.mentions(), TextStatus(f.Text)
	switch {
	case says(concurrentTexts), says(tooManyTexts), f.Status == http.StatusTooManyRequests, reported == http.StatusTooManyRequests,
		f.Status == http.StatusServiceUnavailable && f.Wait:
		return Throttled
	case f.Status == http.StatusUnauthorized:
		return Unauthorized
	case says(onPremisesTexts):
		return Failed
	case says(replicationTexts):
		return Unavailable
	case says(notFoundNames):
		return f.notFoundClass()
	case f.Status == http.StatusForbidden, says(deniedTexts),
		strings.EqualFold(f.Category, "PermissionDenied"), f.Category == "18": // its number in PowerShell's source
		return Denied
	case f.Status == http.StatusNotFound && f.Page:
		return Failed // not about a user: the endpoint is wrong
	case f.Status == http.StatusNotFound:
		return f.notFoundClass()
	case passes(f.Status), passes(reported), f.Lost, says(transientTexts):
		return Unavailable
	case says(notFoundTexts) && !f.Page:
		return f.notFoundClass()
	case f.Status == http.StatusInternalServerError && f.Exception == "":
		// A 500 without an exception did not come from the cmdlet. With one, the
		// cmdlet would fail again in the same way.
		return Unavailable
	}
	return Failed
}

// otherObject matches a text that something other than a user was not found.
var otherObject = regexp.MustCompile(`\b(policy|feature)\b.*be found`)

// unescapeQuotes replaces the escapes of quotes in JSON.
var unescapeQuotes = strings.NewReplacer(`\"`, `"`, `\u0022`, `"`, `\u0027`, "'")

// notFoundClass returns NotFound if it is the user that was not found, and Failed if
// it is a value that was to be set, such as another user, a policy or a feature.
func (f *Failure) notFoundClass() Class {
	identity := strings.ToLower(f.Cmdlet.Identity)
	text := unescapeQuotes.Replace(strings.ToLower(f.Text))
	for _, p := range f.Cmdlet.Parameters {
		value, ok := p.Value.(string)
		value = strings.ToLower(value)
		if !ok || value == "" || value == identity {
			continue
		}
		for _, quotes := range []string{`""`, `''`, "“”", "‘’"} {
			open, end := quotes[:len(quotes)/2], quotes[len(quotes)/2:]
			if strings.Contains(text, open+value+end) {
				return Failed
			}
		}
	}
	if identity != "" {
		text = strings.ReplaceAll(text, identity, "")
	}
	if otherObject.MatchString(text) {
		return Failed
	}
	return NotFound
}

// backoffText matches how long a text asks to wait, in milliseconds.
var backoffText = regexp.MustCompile(`(?i)suggested backoff time:? (\d{1,9}) ?ms`)

// Backoff returns how long f's text asks to wait, or 0.
func (f *Failure) Backoff() time.Duration {
	m := backoffText.FindStringSubmatch(f.Text)
	if m == nil {
		return 0
	}
	ms, _ := strconv.Atoi(m[1])
	return min(time.Duration(ms)*time.Millisecond, maxRetryAfter)
}

// Unreachable reports whether the call did not get through to the tenant, in the
// sense of [Error.Unreachable]: there was no whole reply, or a gateway reported that
// it could not reach the service.
func (f *Failure) Unreachable() bool {
	if f.Class() != Unavailable {
		return false
	}
	switch f.Status {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return f.Lost
}

// AtOnce reports whether too many calls were made at once, as opposed to too many a
// second.
func (f *Failure) AtOnce() bool { return f.mentions()(concurrentTexts) }

// Hint returns what a person can do about f, to be added to the text of its
// error, or "".
func (f *Failure) Hint() string {
	if f.mentions()(onPremisesTexts) {
		return "this user is mastered on premises: change them in Active Directory there, and wait for the directory sync"
	}
	return ""
}

// mentions returns a function that reports whether one of names is in Exception or
// Text, in whatever case.
func (f *Failure) mentions() func(names []string) bool {
	all := strings.ToLower(f.Exception + "\n" + f.Text)
	return func(names []string) bool {
		for _, name := range names {
			if strings.Contains(all, strings.ToLower(name)) {
				return true
			}
		}
		return false
	}
}

// SplitMessage returns the class and the text of a message of the form
// "id|class|text", which is Exchange's (certain: several public clients), and
// reports whether s is one.
func SplitMessage(s string) (exception, text string, ok bool) {
	p := strings.SplitN(s, "|", 3)
	if len(p) < 3 || !isException(strings.TrimSpace(p[1])) {
		return "", "", false
	}
	return strings.TrimSpace(p[1]), strings.TrimSpace(p[2]), true
}

// isException reports whether s can be the name of a class in .NET, so that not every
// text with two bars is split.
func isException(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c|0x20 && c|0x20 <= 'z', '0' <= c && c <= '9', c == '.', c == '_', c == '+', c == '`':
		default:
			return false
		}
	}
	return s != ""
}

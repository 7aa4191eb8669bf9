package tenant

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A Failure is what Exchange Online said of a cmdlet that failed. [Failure.Class]
// is the one table of its error classes: the packages that reach Exchange, over
// HTTPS or by way of Microsoft's module, collect these facts and ask it, so that
// one error has one class whichever way it came.
//
// What the module adds of its own, exceptions of .NET and sessions that are
// over, is package powershell's.
type Failure struct {
	Status    int    // HTTP status, or 0 if it is not known
	Exception string // class of the exception that the cmdlet ended in, or ""
	Category  string // PowerShell's error category, by name or by number, or ""
	Text      string // all that was said in words, names of classes too
	Wait      bool   // it asks to wait, by Retry-After
	Page      bool   // it is a page of HTML: it is not the service that answers
	Lost      bool   // the reply, or some of it, did not arrive
	Cmdlet    Cmdlet // that failed
}

// Names and texts that classes go by. They are looked for in all that was said,
// in whatever case.
var (
	// One call too many at a time, under whatever status. Likely: one public
	// client looks for it.
	concurrent = []string{"maximum number of concurrent requests"}

	// Any call too many. Certain: the standard's name of status 429, and .NET's.
	// Likely that texts have it: the module puts the latter into its own. The
	// last two are widely reported of Exchange's budgets for a caller.
	tooMany = []string{"too many requests", "toomanyrequests", "OverBudgetException", "request is throttled"}

	// A user whose properties come from Active Directory on premises. Certain:
	// both are widely reported. The first one is wrapped in a text that says
	// that the issue may be transient, which it never is.
	mastered = []string{"on-premises mastered Directory Sync objects", "synchronized from your on-premises organization"}

	// A copy of the directory that has not heard of the user yet, or is asked
	// in vain, whatever the class: it says not-found too. Likely.
	lagging = []string{"couldn't be read from domain controller", "replication delay"}

	// No such user, under whatever status. Certain: several public clients.
	absent = []string{"ManagementObjectNotFoundException"}

	// The same in words. Likely: it is the text of that exception.
	absentText = []string{"couldn't be found", "could not be found"}

	// Refused for this user, whoever the caller is. Certain: several public
	// scripts meet it for some users of a tenant, all others being fine.
	// Likely: that the other texts are about what the caller may do.
	forbidden = []string{
		"Access to the requested resource is forbidden",
		"within your current write scope", "out of the current user's write scope",
		"insufficient access rights", "MapiAccessDenied",
	}

	// A fault of the moment. Likely: the first four are tried again by one
	// public client, the other names by the module; the texts are those of
	// statuses and connections. Unknown is what to make of
	// UnableToWriteToAadException, and of a text that the issue may be transient
	// alone: one public client took both for such, and gave it up.
	passing = []string{
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

// Class returns what kind of failure f is. What Exchange says in words comes
// before what it says in numbers.
func (f *Failure) Class() Class {
	says := f.reader()
	switch {
	case says(concurrent), says(tooMany), f.Status == http.StatusTooManyRequests,
		f.Status == http.StatusServiceUnavailable && f.Wait:
		return Throttled
	case f.Status == http.StatusUnauthorized:
		return Unauthorized
	case says(mastered):
		return Failed
	case says(lagging):
		return Unavailable
	case says(absent):
		return f.absence()
	case f.Status == http.StatusForbidden, says(forbidden),
		strings.EqualFold(f.Category, "PermissionDenied"), f.Category == "18": // its number in PowerShell's source
		return Denied
	case f.Status == http.StatusNotFound && f.Page:
		return Failed // not the service's word on a user: a wrong endpoint
	case f.Status == http.StatusNotFound:
		return f.absence()
	case f.Status == http.StatusRequestTimeout, f.Status > http.StatusInternalServerError, f.Lost, says(passing):
		return Unavailable
	case says(absentText) && !f.Page:
		return f.absence()
	case f.Status == http.StatusInternalServerError && f.Exception == "":
		// A cmdlet that ended in an exception of its own ends in it again. The
		// module tries no 500 again that it has no name for; one without any
		// name did not come from a cmdlet.
		return Unavailable
	}
	return Failed
}

// other matches what says that something other than a user was not found.
var other = regexp.MustCompile(`\b(policy|feature)\b.*be found`)

// unquote takes the quotes of JSON for what they stand for.
var unquote = strings.NewReplacer(`\"`, `"`, `\u0022`, `"`, `\u0027`, "'")

// absence returns the class of something that was not found: the user, or a
// value that was to be set, be it another user, a policy or a feature.
func (f *Failure) absence() Class {
	identity := strings.ToLower(f.Cmdlet.Identity)
	text := unquote.Replace(strings.ToLower(f.Text))
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
	if other.MatchString(text) {
		return Failed
	}
	return NotFound
}

// backoff matches how long a text asks to wait, in milliseconds.
var backoff = regexp.MustCompile(`(?i)suggested backoff time:? (\d{1,9}) ?ms`)

// Backoff returns how long f's text asks to wait, or 0.
func (f *Failure) Backoff() time.Duration {
	m := backoff.FindStringSubmatch(f.Text)
	if m == nil {
		return 0
	}
	ms, _ := strconv.Atoi(m[1])
	return min(time.Duration(ms)*time.Millisecond, maxRetryAfter)
}

// Unreachable reports whether f is that the call did not get through to the
// tenant, as [Error.Unreachable] has it: no whole reply, or a gateway's word that
// there is nobody behind it.
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

// AtOnce reports whether f is that too many calls were made at once.
func (f *Failure) AtOnce() bool { return f.reader()(concurrent) }

// Hint returns what a person can do about f, to be added to the text of its
// error, or "".
func (f *Failure) Hint() string {
	if f.reader()(mastered) {
		return "this user is mastered on premises: change them in Active Directory there, and wait for the directory sync"
	}
	return ""
}

// reader returns a function that reports whether one of names is in what f says.
func (f *Failure) reader() func(names []string) bool {
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

// SplitMessage takes apart a message of the form "id|class|text", as Exchange
// writes them (certain: several public clients), and reports whether it is one.
func SplitMessage(s string) (exception, text string, ok bool) {
	p := strings.SplitN(s, "|", 3)
	if len(p) < 3 || !isException(strings.TrimSpace(p[1])) {
		return "", "", false
	}
	return strings.TrimSpace(p[1]), strings.TrimSpace(p[2]), true
}

// isException reports whether s can be the name of a class in .NET: no text with
// a bar in it is taken apart by mistake.
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

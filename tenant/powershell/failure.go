package powershell

import (
	"cmp"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"rollcall/tenant"
)

// A failure is an error as the bridge describes it. Kind is cmdlet if a cmdlet
// failed, import or connect if that step did, missing if there is no such
// cmdlet, refused if it is none to run, and broken if it made no sense.
type failure struct {
	Kind       string   `json:"kind"`
	Message    string   `json:"message"`
	Details    []string `json:"details"`    // messages of the inner exceptions, and the record's own
	Exceptions []string `json:"exceptions"` // classes, outermost first
	Reason     string   `json:"reason"`     // the class that the record names
	Category   string   `json:"category"`   // the record's, such as ObjectNotFound
	ErrorID    string   `json:"errorId"`
	Status     int      `json:"status"` // HTTP, or 0
	RetryAfter string   `json:"retryAfter"`
	Discovery  bool     `json:"discovery"` // it was the look for the service that failed
	Body       string   `json:"body"`      // of the reply, if it was there to be read
}

// allText returns all the texts of f, one a line.
func (f *failure) allText() string {
	return strings.Join([]string{
		f.Message, strings.Join(f.Details, "\n"), strings.Join(f.Exceptions, "\n"), f.Reason, f.ErrorID, f.replyReason(),
	}, "\n")
}

// replyReason returns the reason that the body of the reply gives, which the module
// may have hidden, or "".
func (f *failure) replyReason() string { return tenant.Reason([]byte(f.Body)) }

// mentions reports whether one of names is in the texts of f, whatever the case.
func (f *failure) mentions(names []string) bool {
	all := strings.ToLower(f.allText())
	return slices.ContainsFunc(names, func(name string) bool { return strings.Contains(all, strings.ToLower(name)) })
}

// statusName matches what the module writes of a reply without a body, by .NET's name
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
	text := f.allText()
	m := statusName.FindStringSubmatch(text)
	if m == nil {
		if exception, _ := f.parts(); !isClient(exception) {
			return 0 // the service has replied, whatever its exception is about
		}
		return tenant.TextStatus(text)
	}
	for status := 100; status <= 599; status++ {
		name := strings.ReplaceAll(http.StatusText(status), " ", "")
		if m[2] == strconv.Itoa(status) || name != "" && strings.EqualFold(m[2], name) {
			return status
		}
	}
	return 0
}

// isDiscovery reports whether f is of the request by which the module finds the
// service (autodiscovery): it is about the connection and never about a user.
func (f *failure) isDiscovery() bool {
	if f.Discovery {
		return true
	}
	m := statusName.FindStringSubmatch(f.allText())
	return m != nil && m[1] == "autodiscovery service"
}

// text returns the text of f for people.
func (f *failure) text() string {
	_, message := f.parts()
	said := f.replyReason()
	switch {
	case f.mentions(hiddenTexts) && said == "":
		return message + " (Microsoft's module hides what the service said)"
	case f.mentions(hiddenTexts), said != "" && strings.HasPrefix(said, strings.TrimSpace(message)):
		return said
	}
	// Where one exception wraps another, the inner one has the cause.
	if inner := f.innermost(); inner != "" && !strings.Contains(message, inner) && wrapperText.MatchString(message) {
		return message + ": " + inner
	}
	return message
}

// wrapperText matches the message of an exception that only wraps another one.
var wrapperText = regexp.MustCompile(`(?i)see inner exception|one or more errors occurred|an error occurred while sending the request`)

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

// clientException returns the exception of PowerShell's or the module's own that
// describes f best, or "".
func (f *failure) clientException() string {
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
	return class == "" || slices.ContainsFunc(clientPrefixes, func(begin string) bool { return strings.HasPrefix(class, begin) })
}

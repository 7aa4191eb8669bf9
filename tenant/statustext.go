package tenant

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// How .NET writes the status of a reply. Certain: the first one is HttpClient's, the second
// WebRequest's. What follows is the name of the status, in the words of the server, or
// nothing. Likely: that the module passes them on.
var statusSentence = regexp.MustCompile(`(?i)Response status code does not indicate success: (\d{3})(?: \(|\.|$)|The remote server returned an error: \((\d{3})\)`)

// A status without such a sentence, before or after its name. Likely: it is what is left
// of one that was cut or wrapped. A number alone may be anything, such as a user or a
// quota: it has to be that of the name, and to stand by itself.
var statusWithName = regexp.MustCompile(`(?i)(?:^|[\s:;,"'|])(?:(\d{3}) \(([a-z -]+)\)|\((\d{3})\) ([a-z -]+))`)

// The names of the statuses that may pass: the standard's, and those of .NET and of widespread
// gateways.
var passingStatuses = map[int][]string{
	http.StatusRequestTimeout:     {"Request Timeout", "Request Time-out"},
	http.StatusTooManyRequests:    {"Too Many Requests"},
	http.StatusBadGateway:         {"Bad Gateway"},
	http.StatusServiceUnavailable: {"Service Unavailable", "Server Unavailable", "Service Temporarily Unavailable"},
	http.StatusGatewayTimeout:     {"Gateway Timeout", "Gateway Time-out"},
}

// TextStatus returns the HTTP status of a reply that text reports, or 0. It is for errors
// that come without the reply.
func TextStatus(text string) int {
	if m := statusSentence.FindStringSubmatch(text); m != nil {
		if status, _ := strconv.Atoi(m[1] + m[2]); 400 <= status && status <= 599 {
			return status
		}
	}
	for _, m := range statusWithName.FindAllStringSubmatch(text, -1) {
		status, _ := strconv.Atoi(m[1] + m[3])
		for _, name := range passingStatuses[status] {
			if said := strings.ToLower(m[2] + m[4]); said == strings.ToLower(name) || m[4] != "" && strings.HasPrefix(said, strings.ToLower(name)) {
				return status
			}
		}
	}
	return 0
}

// passes reports whether a reply with this status may be another one later, whatever its
// text is. Too many calls are a class of their own, and so is a cmdlet that fails.
func passes(status int) bool {
	return status == http.StatusRequestTimeout || status > http.StatusInternalServerError
}

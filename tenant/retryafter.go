package tenant

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxRetryAfter is the longest Retry-After that is obeyed.
const maxRetryAfter = 24 * time.Hour

// RetryAfter reads the value of a Retry-After header: a number of seconds,
// whole or not, or a date, for a reply that came at now. It returns 0 if header is
// empty, malformed, or a date in the past.
func RetryAfter(header string, now time.Time) time.Duration {
	header = strings.TrimSpace(header)
	if header == "" {
		return 0
	}
	if strings.Trim(header, "0123456789+-.eE") == "" { // so neither NaN nor Inf
		s, err := strconv.ParseFloat(header, 64)
		switch {
		case s > maxRetryAfter.Seconds(): // 1e999 too, which is an error and infinite
			return maxRetryAfter
		case err != nil || s < 0:
			return 0
		}
		return time.Duration(s * float64(time.Second))
	}
	t, err := http.ParseTime(header)
	if err != nil {
		return 0
	}
	return min(max(t.Sub(now), 0), maxRetryAfter)
}

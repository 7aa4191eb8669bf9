package tenant

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxRetryAfter bounds what is believed of a Retry-After.
const maxRetryAfter = 24 * time.Hour

// RetryAfter reads the value of a Retry-After header: a number of seconds,
// whole or not, or the date that an HTTP reply of the time now names. It
// returns 0 if there is none, if it makes no sense, or if it is over already.
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

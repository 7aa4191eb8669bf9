package exchange

import (
	"net/http"
	"testing"
	"time"

	"rollcall/tenant/rest"
)

// A date is reckoned by the clock of the tenant, which may not be ours.
func TestRetryAfterByTenantsClock(t *testing.T) {
	r := &reply{Reply: &rest.Reply{Status: 429, Header: http.Header{
		"Date":        {"Sun, 01 Mar 2020 12:00:00 GMT"},
		"Retry-After": {"Sun, 01 Mar 2020 12:00:45 GMT"},
	}}}
	if got := r.fault().RetryAfter; got != 45*time.Second {
		t.Errorf("RetryAfter %v, want 45s", got)
	}
	r.Header = http.Header{"Retry-After": {time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)}}
	if got := r.fault().RetryAfter; got < 59*time.Minute || got > time.Hour {
		t.Errorf("without a Date: RetryAfter %v, want about 1h", got)
	}
}

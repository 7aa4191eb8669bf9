package rest

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"rollcall/tenant"
)

// maxSpent is the longest time until a reset that is believed.
const maxSpent = 10 * time.Minute

// noteSpent calls c.spent if the reply h says that the tenant takes no other call for some
// time, which saves a call that would be refused.
//
// That Exchange Online sends Rate-Limit-Remaining and Rate-Limit-Reset is likely: a public
// client shows them. What their values mean is not known. So "none left" counts only after
// a reply that had some left, and only with a time that can be understood.
func (c *Client) noteSpent(h http.Header) {
	remaining := h["Rate-Limit-Remaining"]
	if c.spent == nil || len(remaining) == 0 {
		return
	}
	left, err := strconv.ParseFloat(remaining[0], 64)
	if err != nil {
		return
	}
	if left >= 1 {
		c.someLeft.Store(true)
		return
	}
	if wait := untilReset(h.Get("Rate-Limit-Reset"), date(h)); wait > 0 && c.someLeft.Swap(false) {
		c.spent(wait)
	}
}

// untilReset reads the value of Rate-Limit-Reset of a reply that came at now: a number of
// seconds, or a time, in one of the forms that HTTP, JSON or Unix have for it. It returns 0
// if the value has none of these forms, or says more than maxSpent.
func untilReset(text string, now time.Time) time.Duration {
	text = strings.TrimSpace(text)
	wait := tenant.RetryAfter(text, now)
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		wait = t.Sub(now)
	} else if n, err := strconv.ParseInt(text, 10, 64); err == nil && n >= 1e9 {
		wait = time.Unix(n, 0).Sub(now)
	}
	if wait < 0 || wait > maxSpent {
		return 0
	}
	return wait
}

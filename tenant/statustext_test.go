package tenant_test

import (
	"testing"

	"rollcall/tenant"
)

// A status is found in the words of .NET, and beside its name; a number that only occurs in
// a text is none.
func TestTextStatus(t *testing.T) {
	for text, want := range map[string]int{
		"Response status code does not indicate success: 503 (Service Unavailable).": 503,
		"outer\nresponse status code does not indicate success: 429 (Slow down).":    429,
		"Response status code does not indicate success: 520.":                       520,
		"Response status code does not indicate success: 401 (Unauthorized).":        401,
		"Response status code does not indicate success: 204 (No Content).":          0,
		"Response status code does not indicate success: 5031.":                      0,
		"The remote server returned an error: (503) Server Unavailable.":             503,
		"The remote server returned an error: (403) Forbidden.":                      403,
		"(503) Server Unavailable":                                                   503,
		"Ex1|X|(503) Server Unavailable":                                             503,
		"failed: (503) server unavailable: x":                                        503,
		"429 (Too Many Requests)":                                                    429,
		"502 (Bad Gateway)":                                                          502,
		"it was 504 (Gateway Time-out), again":                                       504,
		"408 (Request Timeout)":                                                      408,

		"":                                 0,
		"503":                              0,
		"user '503' is odd":                0,
		"user 503@contoso.com (503)":       0,
		"a quota of 503 (MB) is too large": 0,
		"(503) Main Street":                0,
		"502 (Service Unavailable)":        0,
		"404 (Not Found)":                  0,
		"room 1503 (Service Unavailable)":  0,
		"1.503 (Service Unavailable)":      0,
		"(503)":                            0,
	} {
		if got := tenant.TextStatus(text); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

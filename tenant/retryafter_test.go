package tenant

import (
	"testing"
	"time"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestRetryAfter(t *testing.T) {
	for _, test := range []struct {
		header string
		want   time.Duration
	}{
		{"", 0}, {" ", 0}, {"0", 0}, {"-0", 0},
		{"30", 30 * time.Second}, {" 30 ", 30 * time.Second}, {"+5", 5 * time.Second},
		{"0.25", 250 * time.Millisecond}, {"1.5", 1500 * time.Millisecond}, {"1e1", 10 * time.Second},
		{"1e-300", 0}, {"-1", 0}, {"-1e300", 0}, {"-1e999", 0},
		{"86400", 24 * time.Hour}, {"86401", 24 * time.Hour}, {"1e300", 24 * time.Hour}, {"1e999", 24 * time.Hour},
		{"99999999999999999999", 24 * time.Hour},
		{"NaN", 0}, {"nan", 0}, {"Inf", 0}, {"-Inf", 0}, {"infinity", 0},
		{"soon", 0}, {"1s", 0}, {"1,5", 0}, {"1 2", 0}, {"0x10", 0}, {"1_0", 0}, {"--1", 0}, {"e", 0}, {"5\x00", 0},
		{"Sun, 01 Mar 2026 12:00:30 GMT", 30 * time.Second},
		{"Sunday, 01-Mar-26 12:00:30 GMT", 30 * time.Second},
		{"Sun Mar  1 12:00:30 2026", 30 * time.Second},
		{"Sun, 01 Mar 2026 11:59:59 GMT", 0},
		{"Mon, 01 Mar 2027 12:00:00 GMT", 24 * time.Hour},
		{"Sun, 01 Mar 0001 12:00:00 GMT", 0}, {"Fri, 31 Dec 9999 23:59:59 GMT", 24 * time.Hour},
		{"2026-03-01T12:00:30Z", 0},
	} {
		if got := RetryAfter(test.header, now); got != test.want {
			t.Errorf("RetryAfter(%q) = %v; want %v", test.header, got, test.want)
		}
	}
}

// However a tenant puts it, the wait is neither negative nor endless.
func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"", "1", "0.25", "1e300", "NaN", "-Inf", "Sun, 01 Mar 2026 12:00:30 GMT"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if d := RetryAfter(header, now); d < 0 || d > maxRetryAfter {
			t.Errorf("RetryAfter(%q) = %v", header, d)
		}
	})
}

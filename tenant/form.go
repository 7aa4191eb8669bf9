package tenant

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// sameForm reports whether shown, as a tenant writes it, and text, as its cmdlets
// take it, are the same size, time span, address, or date and time.
func sameForm(shown, text string) bool {
	return sameSize(shown, text) || sameSpan(shown, text) || sameAddress(shown, text) || sameTime(shown, text)
}

// sameSize reports whether s and t are one size, if one of them is in the form
// in which Exchange writes sizes: 25 MB (26,214,400 bytes). (Seen in the examples
// of several cmdlets' reference pages.)
func sameSize(s, t string) bool {
	if !strings.HasSuffix(s, " bytes)") {
		s, t = t, s
	}
	if !strings.HasSuffix(s, " bytes)") {
		return false
	}
	a, ok := bytesOf(s)
	b, ok2 := bytesOf(t)
	return ok && ok2 && a == b
}

// bytesOf reads a size: as Exchange writes it, as its cmdlets take it (25MB, 25
// MB), or a number of bytes.
func bytesOf(text string) (int64, bool) {
	if _, exact, ok := strings.Cut(text, " ("); ok {
		text = strings.ReplaceAll(strings.TrimSuffix(exact, " bytes)"), ",", "")
		n, err := strconv.ParseInt(text, 10, 64)
		return n, err == nil
	}
	number := strings.TrimRight(text, "BKMGTbkmgt ")
	shift, ok := map[string]int{"": 0, "B": 0, "KB": 10, "MB": 20, "GB": 30, "TB": 40}[strings.ToUpper(strings.TrimSpace(text[len(number):]))]
	x, err := strconv.ParseFloat(number, 64)
	x *= float64(int64(1) << shift)
	return int64(x), ok && err == nil && x >= 0 && x < 1<<62
}

// A time span as .NET writes it, and as it reads it: days alone, or days and a
// dot ahead of hours, minutes and seconds, of which the last may be missing.
var (
	spanShown = regexp.MustCompile(`^-?(\d{1,8}\.)?\d\d:\d\d:\d\d(\.\d{7})?$`)
	spanTaken = regexp.MustCompile(`^(-?)(?:(\d{1,8})(?:\.(?:(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,7}))?)?))?|(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,7}))?)?)$`)
)

// sameSpan reports whether shown is a time span, and text the same.
func sameSpan(shown, text string) bool {
	if shown == "" || strings.IndexByte("-0123456789", shown[0]) < 0 || !spanShown.MatchString(shown) {
		return false
	}
	a, ok := span(shown)
	b, ok2 := span(text)
	return ok && ok2 && a == b
}

// span returns a time span in ticks, of which there are ten million a second.
func span(text string) (ticks int64, ok bool) {
	m := spanTaken.FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	days, clock := m[2], m[3:7]
	if days == "" {
		clock = m[7:11]
	}
	n := func(digits string) int64 {
		i, _ := strconv.ParseInt(digits, 10, 64) // 0 for none
		return i
	}
	if n(clock[0]) > 23 || n(clock[1]) > 59 || n(clock[2]) > 59 {
		return 0, false
	}
	ticks = ((n(days)*24+n(clock[0]))*60+n(clock[1]))*60 + n(clock[2])
	ticks = ticks*1e7 + n((clock[3] + "0000000")[:7])
	if m[1] != "" {
		ticks = -ticks
	}
	return ticks, true
}

// sameAddress reports whether shown is a mail address with smtp: ahead, and text the
// same without, or the other way round. SMTP: in capitals says that an address is the
// first of several, which one alone is.
func sameAddress(shown, text string) bool {
	a, ok := cutFold(shown, "smtp:")
	b, ok2 := cutFold(text, "smtp:")
	return ok != ok2 && strings.Contains(a, "@") && strings.EqualFold(a, b)
}

func cutFold(s, prefix string) (rest string, ok bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// timeLayouts are the forms of a date and time that tenants write and take: PowerShell
// reads a date with slashes as month, day, year, whatever the language. All
// those without a time zone are taken to be of the same one.
var timeLayouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05.9999999", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02",
	"1/2/2006 15:04:05", "1/2/2006 3:04:05 PM", "1/2/2006 15:04", "1/2/2006 3:04 PM", "1/2/2006",
}

// sameTime reports whether shown and text are one date and time.
func sameTime(shown, text string) bool {
	if !strings.ContainsAny(shown, "-/") || len(shown) < len("1/2/2006") {
		return false
	}
	a, ok := timeOf(shown)
	b, ok2 := timeOf(text)
	return ok && ok2 && a.Equal(b)
}

func timeOf(text string) (time.Time, bool) {
	if len(text) > 40 || text == "" || text[0] < '0' || text[0] > '9' {
		return time.Time{}, false
	}
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

package tenant

import (
	"strconv"
	"strings"
)

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

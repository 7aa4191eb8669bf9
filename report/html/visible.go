package html

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// clip returns at most the first characters of text, with "…" if it cut something. It
// does not read the rest of a long text.
func clip(text string, most int) string {
	if len(text) <= most {
		return text
	}
	n := 0
	for i := range text {
		if n == most {
			return text[:i] + "…"
		}
		n++
	}
	return text
}

// visible returns text without invisible characters: those that change the direction of
// writing or hide a part, and bytes that are not UTF-8, are replaced by visible symbols.
// Joiners stay, for some scripts and emoji need them.
func visible(text string) string {
	if isPlain(text) {
		return text
	}
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], "\ufffd"), 0x80 <= r && r < 0xa0:
			b.WriteRune('\ufffd')
		case r < ' ':
			b.WriteRune('\u2400' + r) // its picture
		case r == 0x7f:
			b.WriteRune('\u2421')
		case r == '\u200c' || r == '\u200d':
			b.WriteRune(r)
		case unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co) || isFiller(r):
			fmt.Fprintf(&b, "⟨U+%04X⟩", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// isFiller reports whether r is a letter without a visible form.
func isFiller(r rune) bool {
	return r == '\u115f' || r == '\u1160' || r == '\u3164' || r == '\uffa0' || r == '\u034f'
}

// isPlain reports whether text is printable ASCII.
func isPlain(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] >= 0x7f {
			return false
		}
	}
	return true
}

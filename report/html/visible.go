package html

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// clip returns the beginning of text, and "…" if that is not all of it. Of long
// texts it looks at the beginning only.
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

// visible returns text with nothing in it that can't be seen: what would turn
// the direction of writing, hide a part, or is not text at all, is shown as what
// it is. Joiners stay, which scripts and emoji are written with.
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

// isFiller reports whether r is one of the letters that look like nothing.
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

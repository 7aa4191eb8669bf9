package roster

import (
	"unicode"
	"unicode/utf8"
)

// trimSpan returns c without the blanks, line ends and invisible characters at its ends.
func trimSpan[T string | []byte](data T, c span) span {
	for c.start < c.end {
		b := data[c.start]
		if b > ' ' && b < utf8.RuneSelf {
			break
		}
		r, size := utf8.DecodeRuneInString(string(data[c.start:min(c.end, c.start+utf8.UTFMax)]))
		if !isPadding(r) {
			break
		}
		c.start += size
	}
	for c.start < c.end {
		b := data[c.end-1]
		if b > ' ' && b < utf8.RuneSelf {
			break
		}
		r, size := utf8.DecodeLastRuneInString(string(data[max(c.start, c.end-utf8.UTFMax):c.end]))
		if !isPadding(r) {
			break
		}
		c.end -= size
	}
	return c
}

// isPadding reports whether r is invisible, so that it may be around a UPN or a header by
// mistake.
func isPadding(r rune) bool {
	switch {
	case unicode.IsSpace(r): // NBSP too
		return true
	case 0x200B <= r && r <= 0x200F, 0x202A <= r && r <= 0x202E, 0x2060 <= r && r <= 0x2064, r == 0xFEFF:
		return true // zero-width, and marks of writing direction
	}
	return false
}

// trim returns s without padding at its ends: see [isPadding].
func trim(s string) string {
	c := trimSpan(s, span{0, len(s)})
	return s[c.start:c.end]
}

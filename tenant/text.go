package tenant

import (
	"regexp"
	"strings"
	"unicode"
)

// MaxText is how many characters [Clean] keeps of a text that a tenant sent.
const MaxText = 300

// maxClean is how many bytes of a text Clean reads: enough for MaxText characters and
// many secrets among them.
const maxClean = 64 << 10

// Clean returns s as it may stand in an error or a log: on one line, without
// characters that don't print and sequences that control a terminal, no longer
// than MaxText, and without secrets, as [Hide] returns it.
//
// No character is left that is invisible or changes the direction of text.
func Clean(s string, secrets ...string) string {
	s = Hide(compact(s), secrets...)
	var b strings.Builder
	n, space := 0, false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			space = n > 0
			continue
		case !prints(r):
			continue
		}
		if space {
			b.WriteByte(' ')
			n++
		}
		if n >= MaxText {
			return strings.TrimSuffix(b.String(), " ") + "…"
		}
		b.WriteRune(r)
		n++
		space = false
	}
	return b.String()
}

// escape begins what controls a terminal.
const escape = '\x1b'

// controlSequences match what controls a terminal: colours, and titles of windows
// (ECMA-48, CSI and OSC).
var controlSequences = regexp.MustCompile(`\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\))`)

// compact returns the beginning of s, with a space for each run of it, and
// without what does not print but for what a sequence needs.
func compact(s string) string {
	var b strings.Builder
	space := false
	for _, r := range s {
		switch {
		case b.Len() >= maxClean:
			return b.String()
		case unicode.IsSpace(r):
			space = true
		case r == escape, r == '\a', prints(r):
			if space {
				b.WriteByte(' ')
				space = false
			}
			b.WriteRune(r) // for a byte that is not UTF-8, U+FFFD
		}
	}
	return b.String()
}

// prints reports whether r can be seen. That is unicode.IsPrint, which leaves out
// control characters and those of format (zero width, direction of text), but
// has marks and letters that Unicode says are not shown.
func prints(r rune) bool {
	return unicode.IsPrint(r) && (r < 0x300 || !unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector))
}

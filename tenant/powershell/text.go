package powershell

import (
	"regexp"
	"strings"
	"unicode"

	"rollcall/tenant"
)

// minPiece is how much of a secret, in bytes, is one when it stands alone: lines
// are wrapped and cut, and what is left of a token is still not to be shown.
const minPiece = 8

// scrub returns s without secrets, and without what is left of one where s was
// cut or wrapped.
func scrub(s string, secrets []string) string {
	const gone = "[secret]"
	for _, secret := range secrets {
		if secret == "" {
			continue
		}
		s = strings.ReplaceAll(s, secret, gone)
		for _, word := range strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`"'|`, r) }) {
			if len(word) >= 2*minPiece && strings.Contains(secret, word) {
				s = strings.ReplaceAll(s, word, gone)
			}
		}
		for n := min(len(s), len(secret)-1); n >= minPiece; n-- {
			if strings.HasSuffix(s, secret[:n]) {
				s = s[:len(s)-n] + gone
				break
			}
		}
		for n := min(len(s), len(secret)-1); n >= minPiece; n-- {
			if strings.HasPrefix(s, secret[len(secret)-n:]) {
				s = gone + s[n:]
				break
			}
		}
	}
	return s
}

// clean returns s as it may stand in an error or a log: without secrets, on
// one line, without what colours a terminal, and else as [tenant.Clean] has it.
func clean(s string, secrets []string) string {
	lines := strings.Split(scrub(s, secrets), "\n")
	for i, line := range lines {
		lines[i] = scrub(strings.TrimSpace(line), secrets) // what was wrapped
	}
	s = strings.Join(lines, "\n")
	return tenant.Clean(colours.ReplaceAllString(s, ""))
}

// colours are what colours a terminal, and other sequences of the kind.
var colours = regexp.MustCompile(`\x1b[^A-Za-z]*[A-Za-z]?`)

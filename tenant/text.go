package tenant

import (
	"strings"
	"unicode"
)

// MaxText bounds, in characters, what [Clean] keeps of a text that the tenant sent.
const MaxText = 300

// Clean returns s as it may stand in an error or a log: on one line, without
// characters that don't print, no longer than MaxText, and without secrets.
func Clean(s string, secrets ...string) string {
	for _, secret := range secrets {
		if secret != "" {
			s = strings.ReplaceAll(s, secret, "[secret]")
		}
	}
	var b strings.Builder
	n, space := 0, false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			space = n > 0
			continue
		case !unicode.IsPrint(r):
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

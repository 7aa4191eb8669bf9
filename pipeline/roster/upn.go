package roster

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The longest name before the "@", and the longest domain after it, by Entra ID's
// documentation.
const (
	maxName   = 64
	maxDomain = 48
)

// ParseUPN returns text, which must be a UPN or an object ID, without blanks and invisible
// characters around it. The error says what is wrong with it.
//
// Nothing else is changed, not even the case.
func ParseUPN(text string) (string, error) {
	c := trimSpan(text, span{0, len(text)})
	text = text[c.start:c.end]
	if reason := upnFault([]byte(text)); reason != "" {
		return "", errors.New(reason)
	}
	return text, nil
}

// upnFault returns why a trimmed UPN is not valid, or "".
func upnFault(upn []byte) string {
	if len(upn) == 0 {
		return "no UPN"
	}
	at, ats := -1, 0
	bad := -1
	for i := range len(upn) {
		switch charClass[upn[i]] {
		case charAt:
			if ats++; ats == 1 {
				at = i
			}
		case charBad:
			if bad < 0 {
				bad = i
			}
		}
	}
	switch {
	case bad >= 0 && isClaim(string(upn)):
		return `a SharePoint login name: the UPN is what follows the last "|"`
	case ats == 0 && isGUID(upn):
		return ""
	case ats == 0 && bad >= 0 && strings.IndexByte("<>[]{}", upn[bad]) >= 0:
		return badChar(string(upn[bad:]))
	case ats == 0, at == len(upn)-1:
		return "has no domain"
	case ats > 1:
		return `has more than one "@"`
	case bad >= 0:
		return badChar(string(upn[bad:]))
	case at == 0:
		return `has no name before the "@"`
	}
	if reason := nameFault(upn[:at]); reason != "" {
		return reason
	}
	if reason := domainFault(upn[at+1:]); reason != "" {
		return reason
	}
	if isLong(upn) && !isGuest(upn) {
		if at > maxName {
			return fmt.Sprintf(`has %d characters before the "@", more than %d`, at, maxName)
		}
		return fmt.Sprintf(`has %d characters after the "@", more than %d`, len(upn)-at-1, maxDomain)
	}
	return ""
}

// nameFault returns what is wrong with the dots of the part before the "@".
func nameFault(name []byte) string {
	switch {
	case name[0] == '.':
		return `"." is not allowed at the beginning of a UPN`
	case name[len(name)-1] == '.':
		return `"." is not allowed just before the "@"`
	}
	for i := 1; i < len(name); i++ {
		if name[i] == '.' && name[i-1] == '.' {
			return `".." is not allowed in a UPN`
		}
	}
	return ""
}

// domainFault returns what is wrong with the part after the "@", which has two
// or more labels of letters, digits and hyphens.
func domainFault(domain []byte) string {
	dots, start := 0, 0
	for i := 0; i <= len(domain); i++ {
		if i < len(domain) && domain[i] != '.' {
			if !isLetterOrDigit(domain[i]) && domain[i] != '-' {
				return quoteFirst(string(domain[i:])) + " is not allowed in a domain"
			}
			continue
		}
		switch {
		case i == start:
			return fmt.Sprintf(`domain "%s" has a "." at an end or two in a row`, short(string(domain), maxDomain))
		case domain[start] == '-' || domain[i-1] == '-':
			return fmt.Sprintf(`domain "%s" has a "-" beside a "." or at an end`, short(string(domain), maxDomain))
		case i < len(domain):
			dots++
		}
		start = i + 1
	}
	if dots == 0 {
		return fmt.Sprintf(`domain "%s" has no "."`, short(string(domain), maxDomain))
	}
	return ""
}

// badChar says that the first character of s is not allowed, and why it may be there.
func badChar(s string) string {
	reason := quoteFirst(s) + " is not allowed in a UPN"
	if strings.IndexByte("<>[]{}", s[0]) >= 0 {
		reason += ": is it a placeholder that was not filled in?"
	}
	return reason
}

// quoteFirst returns the first character of s in a visible form.
func quoteFirst(s string) string {
	c, size := utf8.DecodeRuneInString(s)
	switch {
	case c == utf8.RuneError && size <= 1:
		return fmt.Sprintf("byte 0x%02X", s[0])
	case c == ' ':
		return "a blank"
	case c == '\n' || c == '\r':
		return "a line end"
	case !unicode.IsGraphic(c) || unicode.IsSpace(c) || unicode.IsMark(c):
		return fmt.Sprintf("%U", c)
	}
	return `"` + s[:size] + `"`
}

// isLong reports whether upn is longer than Entra ID's documentation allows.
func isLong(upn []byte) bool {
	if len(upn) <= maxDomain {
		return false
	}
	for i := range len(upn) {
		if upn[i] == '@' {
			return i > maxName || len(upn)-i-1 > maxDomain
		}
	}
	return false
}

// isGuest reports whether upn is that of a guest. It is made from the guest's own address,
// and may be longer than other UPNs.
func isGuest(upn []byte) bool {
	return bytes.Contains(bytes.ToUpper(upn), []byte("#EXT#@"))
}

// isDeleted reports whether upn begins with an object ID, which Entra ID puts
// there when it deletes a user.
func isDeleted(upn []byte) bool {
	const digits = 32
	if len(upn) <= digits || upn[digits] == '@' {
		return false
	}
	for i := range digits {
		if !isHex(upn[i]) {
			return false
		}
	}
	return true
}

// isClaim reports whether s is a login name of SharePoint, such as
// "i:0#.f|membership|ada@contoso.com".
func isClaim(s string) bool {
	return strings.HasPrefix(s, "i:0") && strings.Contains(s, "|")
}

// isGUID reports whether s is an object ID.
func isGUID(s []byte) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if s[i] != '-' {
				return false
			}
		} else if !isHex(s[i]) {
			return false
		}
	}
	return true
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

func isLetterOrDigit(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

// The classes of charClass.
const (
	charBad = iota
	charGood
	charAt
)

// charClass has the class of each byte in a UPN.
var charClass = func() (class [256]uint8) {
	for c := range 256 {
		if isLetterOrDigit(byte(c)) || c < utf8.RuneSelf && strings.IndexByte("'.-_!#^~", byte(c)) >= 0 {
			class[c] = charGood
		}
	}
	class['@'] = charAt
	return class
}()

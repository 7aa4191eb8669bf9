package tenant

import (
	"encoding/json"
	"math/big"
	"strings"
)

// A Likeness is how a value that a tenant shows is like one that is wanted.
type Likeness uint8

const (
	Different Likeness = iota
	ButCase            // the same but for capitals
	Same
)

// Compare returns how shown, which [Setting.Read] returned, is like want, of
// which [Setting.Parse] says what it may be. What the tenant shows decides how:
// booleans and numbers are compared as such, lists as sets of members, and texts to
// the letter; but the forms in which a tenant writes sizes, time spans, addresses
// and dates are the same as those in which it takes them. Null, an empty text and an
// empty list are all nothing. A list of one is its member.
func Compare(shown, want any) Likeness {
	switch w := want.(type) {
	case nil:
		return likeness(isNothing(shown))
	case bool:
		if text, ok := shown.(string); ok {
			b, ok := ParseBool(text)
			return likeness(ok && b == w)
		}
		return likeness(shown == want)
	case Edit:
		list, ok := asList(shown)
		return likeness(ok && w.made(list))
	case Written:
		return compareText(shown, string(w), true)
	case string:
		return compareText(shown, w, false)
	}
	return Different
}

// asList returns shown as a list. A tenant may show one member as that, and none as
// nothing.
func asList(shown any) ([]any, bool) {
	switch s := shown.(type) {
	case []any:
		return s, true
	case string:
		return []any{s}, true
	case nil:
		return nil, true
	}
	return nil, false
}

// compareText is Compare for a text, which may stand for something else if it was
// written so.
func compareText(shown any, text string, written bool) Likeness {
	switch s := shown.(type) {
	case nil:
		return likeness(written && isList(text) && len(members(text)) == 0)
	case bool:
		b, ok := switched(text)
		return likeness(ok && b == s)
	case json.Number:
		return likeness(sameNumber(s.String(), text) || sameSize(s.String(), text))
	case []any:
		switch {
		case written && isList(text):
			return likeness(sameMembers(s, members(text)))
		case len(s) == 1:
			return compareText(s[0], text, written)
		}
	case string:
		switch {
		case s == text, sameForm(s, text), written && isList(text) && sameMembers([]any{s}, members(text)):
			return Same
		case strings.EqualFold(s, text):
			return ButCase
		}
	}
	return Different
}

func likeness(same bool) Likeness {
	if same {
		return Same
	}
	return Different
}

// maxNumber bounds the digits of a number that is compared as one.
const maxNumber = 64

// sameNumber reports whether s and t are one number, to the last digit.
func sameNumber(s, t string) bool {
	if s == t {
		return true
	}
	x, ok := number(s)
	y, ok2 := number(t)
	return ok && ok2 && x.Cmp(y) == 0
}

// number reads text as a number in decimals.
func number(text string) (*big.Rat, bool) {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	// What a rational number takes in memory grows with its exponent.
	if len(mantissa) > maxNumber || len(exponent) > 3 || strings.Trim(mantissa, "+-.0123456789") != "" || strings.Trim(exponent, "+-0123456789") != "" {
		return nil, false
	}
	return new(big.Rat).SetString(text)
}

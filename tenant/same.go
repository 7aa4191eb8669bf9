package tenant

import (
	"encoding/json"
	"math/big"
	"strings"
)

// A Comparison is the result of comparing a value that a tenant shows with a wanted
// one.
type Comparison uint8

const (
	Different   Comparison = iota
	CaseDiffers            // the same but for capitals
	Same
)

// Compare compares shown, which [Setting.Read] returned, with want, which
// [Setting.Parse] or [Setting.ParseEdit] returned. The type of shown decides how:
// booleans and numbers are compared by value, lists as sets, and texts exactly, but
// for sizes, time spans, addresses and dates, where the form that a tenant writes
// equals the form that it takes. Null, an empty text and an empty list are equal, and
// so are a member and the list of that member alone.
func Compare(shown, want any) Comparison {
	switch w := want.(type) {
	case nil:
		return sameOrDifferent(isNothing(shown))
	case bool:
		if text, ok := shown.(string); ok {
			b, ok := ParseBool(text)
			return sameOrDifferent(ok && b == w)
		}
		return sameOrDifferent(shown == want)
	case Edit:
		list, ok := asList(shown)
		return sameOrDifferent(ok && w.isSatisfied(list))
	case Untyped:
		return compareText(shown, string(w), true)
	case string:
		return compareText(shown, w, false)
	}
	return Different
}

// asList returns shown as a list. A tenant may show a list of one as its member, and
// an empty one as null.
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

// compareText is Compare for a text. It may stand for a list if written is set.
func compareText(shown any, text string, written bool) Comparison {
	switch s := shown.(type) {
	case nil:
		return sameOrDifferent(written && isList(text) && len(members(text)) == 0)
	case bool:
		b, ok := parseSwitch(text)
		return sameOrDifferent(ok && b == s)
	case json.Number:
		return sameOrDifferent(sameNumber(s.String(), text) || sameSize(s.String(), text))
	case []any:
		switch {
		case written && isList(text):
			return sameOrDifferent(sameMembers(s, members(text)))
		case len(s) == 1:
			return compareText(s[0], text, written)
		}
	case string:
		switch {
		case s == text, sameForm(s, text), written && isList(text) && sameMembers([]any{s}, members(text)):
			return Same
		case strings.EqualFold(s, text):
			return CaseDiffers
		}
	}
	return Different
}

func sameOrDifferent(same bool) Comparison {
	if same {
		return Same
	}
	return Different
}

// maxNumber is how many digits a number may have that is compared by value.
const maxNumber = 64

// sameNumber reports whether s and t are the same number, to the last digit.
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

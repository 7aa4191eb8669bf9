package tenant

import (
	"encoding/json"
	"strings"
)

// A Untyped is a wanted value as somebody wrote it, which may be a text or a boolean,
// a number or a list. That depends on the value that the tenant shows: yes is true
// for a boolean property, and three letters for a text.
type Untyped string

// A Kind is the type that a property has, by the value that a tenant shows.
type Kind uint8

const (
	Unknown Kind = iota // no value was shown, or null
	String
	Boolean
	Number
	List
	Other // an object: it can't be set
)

var kindNames = [...]string{"not known", "a text", "a boolean", "a number", "a list", "an object"}

func (k Kind) String() string { return kindNames[k] }

// KindOf returns the kind of v, a value that a tenant shows.
func KindOf(v any) Kind {
	switch v.(type) {
	case nil:
		return Unknown
	case string:
		if v == "" {
			return Unknown // as some write null
		}
		return String
	case bool:
		return Boolean
	case json.Number:
		return Number
	case []any:
		return List
	}
	return Other
}

// As returns want as it is sent for a property of kind k: as the value of a
// [Parameter]. Only a [Untyped] is converted.
func As(want any, k Kind) any {
	w, ok := want.(Untyped)
	if !ok {
		return want
	}
	text := string(w)
	switch {
	case k == Boolean:
		if b, ok := parseSwitch(text); ok {
			return b
		}
	case k == Unknown:
		if b, ok := ParseBool(text); ok {
			return b
		}
	}
	switch {
	case k != String && isPlainNumber(text):
		// The digits are the same: a tenant that takes it for a text gets the same text.
		return json.Number(text)
	case (k == List || k == Unknown) && isList(text):
		return members(text)
	}
	return text
}

// untyped returns text as nil, a [Untyped] or a string. Blanks around it are kept only
// if it can be nothing but a string.
func untyped(text string) any {
	word := strings.TrimSpace(text)
	switch {
	case word == "", strings.EqualFold(word, Nothing):
		return nil
	case isList(word), isPlainNumber(word):
		return Untyped(word)
	}
	if _, ok := parseSwitch(word); ok {
		return Untyped(word)
	}
	return text
}

// ParseBool reads text as a boolean, in the words that PowerShell has for it.
func ParseBool(text string) (b, ok bool) {
	switch strings.ToLower(strings.TrimPrefix(text, "$")) {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	return false, false
}

// parseSwitch reads text as the value of a property that is known to be a boolean.
func parseSwitch(text string) (b, ok bool) {
	switch strings.ToLower(text) {
	case "1", "yes":
		return true, true
	case "0", "no":
		return false, true
	}
	return ParseBool(text)
}

// isPlainNumber reports whether text is a whole number as a program writes it, so that
// reading it as a number and writing it again yields the same text.
func isPlainNumber(text string) bool {
	digits := strings.TrimPrefix(text, "-")
	if digits == "" || len(digits) > 15 || digits[0] == '0' && text != "0" {
		return false
	}
	return strings.Trim(digits, "0123456789") == ""
}

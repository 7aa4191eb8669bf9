package tenant

import (
	"encoding/json"
	"strings"
)

// A Written is a wanted value as somebody wrote it that may be more than a text:
// a boolean, a number or a list. What it stands for is seen from what the tenant
// shows: yes is a boolean where there is one, and three letters elsewhere.
type Written string

// A Kind is what a tenant has shown a property to be.
type Kind uint8

const (
	Unknown Kind = iota // nothing was shown, or nothing is there
	String
	Boolean
	Number
	List
	Other // an object: nothing that a value can be given for
)

var kindNames = [...]string{"not known", "a text", "a boolean", "a number", "a list", "an object"}

func (k Kind) String() string { return kindNames[k] }

// KindOf returns what v, which a tenant shows, is.
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

// As returns want as it is sent for a property of kind k: what is said of
// [Parameter.Value]. Only a [Written] may be sent as another than itself.
func As(want any, k Kind) any {
	w, ok := want.(Written)
	if !ok {
		return want
	}
	text := string(w)
	switch {
	case k == Boolean:
		if b, ok := switched(text); ok {
			return b
		}
	case k == Unknown:
		if b, ok := ParseBool(text); ok {
			return b
		}
	}
	switch {
	case k != String && isPlainNumber(text):
		// The digits are the same: no tenant can tell it from a text.
		return json.Number(text)
	case (k == List || k == Unknown) && isList(text):
		return members(text)
	}
	return text
}

// written returns text as what it may stand for. Blanks around it are of a text
// alone.
func written(text string) any {
	word := strings.TrimSpace(text)
	switch {
	case word == "", strings.EqualFold(word, Nothing):
		return nil
	case isList(word), isPlainNumber(word):
		return Written(word)
	}
	if _, ok := switched(word); ok {
		return Written(word)
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

// switched reads text as a boolean where there is certain to be one.
func switched(text string) (b, ok bool) {
	switch strings.ToLower(text) {
	case "1", "yes":
		return true, true
	case "0", "no":
		return false, true
	}
	return ParseBool(text)
}

// isPlainNumber reports whether text is a whole number as a program writes it:
// then a tenant that takes it for a number still has the same digits.
func isPlainNumber(text string) bool {
	digits := strings.TrimPrefix(text, "-")
	if digits == "" || len(digits) > 15 || digits[0] == '0' && text != "0" {
		return false
	}
	return strings.Trim(digits, "0123456789") == ""
}

package tenant

import (
	"encoding/json"
	"strconv"
	"strings"
)

// Text returns v as it stands in a CSV file: true, false and null in those
// words, numbers and strings as they are, anything else as JSON.
func Text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		if v {
			return "true"
		}
		return "false"
	case nil:
		return "null"
	case json.Number:
		return v.String()
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "?"
	}
	return string(b)
}

// Nothing is how a cell of a results file says that a value was read and there
// was none: null, an empty text or an empty list. A blank cell was not read.
const Nothing = "$null"

// Cell returns v as it stands in a cell of a results file: as [Text], or as
// [Nothing]. A text that would be taken for that has an apostrophe ahead.
// [Setting.ParseCell] reads it back.
func Cell(v any) string {
	if isNothing(v) {
		return Nothing
	}
	text := Text(v)
	if isNothingText(text) {
		text = "'" + text
	}
	return text
}

// isNothingText reports whether text is Nothing, with apostrophes ahead or not.
func isNothingText(text string) bool {
	return strings.EqualFold(strings.TrimLeft(text, "'"), Nothing)
}

// Equal reports whether a and b are one value: compared as numbers if one of
// them is a number, otherwise as [Text] without regard to case. So true is
// "True", and 1 is 1.0, whichever side of the wire has which. What was cleared
// may read as null, as nothing or as an empty list, and 25MB as the tenant
// writes sizes.
func Equal(a, b any) bool {
	if s, ok := a.(string); ok {
		if t, ok := b.(string); ok {
			return strings.EqualFold(s, t) || sameSize(s, t)
		}
	}
	if isNothing(a) && isNothing(b) {
		return true
	}
	s, t := Text(a), Text(b)
	return strings.EqualFold(s, t) || (isNumber(a) || isNumber(b)) && (sameNumber(s, t) || sameSize(s, t))
}

func isNothing(v any) bool {
	list, isList := v.([]any)
	return v == nil || v == "" || isList && len(list) == 0
}

func isNumber(v any) bool {
	_, ok := v.(json.Number)
	return ok
}

// sameNumber compares as floats, and so not integers, whose digits all count.
func sameNumber(s, t string) bool {
	if !strings.ContainsAny(s+t, ".eE") {
		return false
	}
	x, err := strconv.ParseFloat(s, 64)
	y, err2 := strconv.ParseFloat(t, 64)
	return err == nil && err2 == nil && x == y
}

// parseValue reads text as a value: true, false, null (also as PowerShell
// writes them, with a dollar sign) and JSON numbers are what they say, an empty
// text is null, and all else is a string.
func parseValue(text string) any {
	if text == "" {
		return nil
	}
	switch strings.ToLower(strings.TrimPrefix(text, "$")) {
	case "true":
		return true
	case "false":
		return false
	case "null":
		return nil
	}
	// A first character that no number has saves asking for most texts.
	if text != "" && strings.IndexByte("-0123456789", text[0]) >= 0 && json.Valid([]byte(text)) {
		return json.Number(text)
	}
	return text
}

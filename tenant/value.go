package tenant

import (
	"encoding/json"
	"strings"
)

// Text returns v as people write it: a boolean as true or false, nil as null, numbers
// and strings as they are, anything else as JSON.
func Text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case Untyped:
		return string(v)
	case bool:
		if v {
			return "true"
		}
		return "false"
	case nil:
		return "null"
	case json.Number:
		return v.String()
	case Edit:
		return v.String()
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // a list of addresses is for people, too
	if e.Encode(v) != nil {
		return "?"
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// Nothing is the cell of a results file for a value that was read and is null, an
// empty text or an empty list. A blank cell is a value that was not read.
const Nothing = "$null"

// Cell returns v, a wanted value or one that [Setting.Read] returned, as it stands in
// a cell of a results file: as [Text] or [Nothing], with an apostrophe before a text
// that would otherwise be read as a value of another type. [Setting.ParseCell] reads
// it back.
func Cell(v any) string {
	if isNothing(v) {
		return Nothing
	}
	text := Text(v)
	if _, ok := v.(string); ok && isAmbiguous(strings.TrimLeft(text, "'")) {
		text = "'" + text
	}
	return text
}

// uncell returns the text that Cell put an apostrophe before.
func uncell(cell string) (text string, ok bool) {
	text, ok = strings.CutPrefix(cell, "'")
	return text, ok && isAmbiguous(strings.TrimLeft(text, "'"))
}

// isAmbiguous reports whether text may be read as nothing, a boolean, a list or an
// edit, whatever the tenant shows.
func isAmbiguous(text string) bool {
	if text == "" {
		return false
	}
	switch text[0] {
	case '$', 't', 'T', 'f', 'F':
		_, ok := ParseBool(text)
		return ok || strings.EqualFold(text, Nothing)
	case '[':
		return isList(text)
	case '+', '-':
		_, ok := parseEdit(text)
		return ok
	}
	return false
}

// isNothing reports whether v is what a cleared property is read as. A text of blanks
// is, too, as it is in a cell.
func isNothing(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return strings.TrimSpace(v) == ""
	case []any:
		return len(v) == 0
	}
	return false
}

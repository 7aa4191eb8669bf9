package server

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"rollcall/tenant"
	"rollcall/tenant/sandbox"
)

// appendContext appends the start of the body of a success at e, whose values are
// of the class.
func appendContext(b []byte, e endpoint, class string) []byte {
	b = append(b, `{"@odata.context":"https://outlook.office365.com/adminapi/`...)
	b = append(b, e.version...)
	b = append(b, '/')
	b = append(b, e.organization...)
	b = append(b, "/$metadata#"...)
	b = append(b, class...)
	return append(b, `",`...)
}

// appendObject appends the JSON of o, one that res has, with the property
// that says which user it is about.
func appendObject(b []byte, res *sandbox.Answer, o tenant.Object) []byte {
	b = append(b, `{"`...)
	b = append(b, res.Key()...)
	b = append(b, `":`...)
	b = appendString(b, res.User())
	fields := res.Fields()
	if fields == nil {
		fields = make([]sandbox.Field, 0, 16)
		for name, value := range o {
			fields = append(fields, sandbox.Field{Name: name, Value: value})
		}
		slices.SortFunc(fields, func(a, b sandbox.Field) int { return strings.Compare(a.Name, b.Name) })
	}
	for _, f := range fields {
		b = append(b, ',', '"')
		b = append(b, f.Name...)
		b = append(b, `":`...)
		b = appendJSON(b, f.Value)
		if _, ok := f.Value.(bool); ok {
			b = append(b, ',', '"')
			b = append(b, f.Name...)
			b = append(b, `@data.type":"System.Boolean"`...)
		}
	}
	return append(b, '}')
}

// appendJSON appends v as JSON.
func appendJSON(b []byte, v any) []byte {
	switch v := v.(type) {
	case bool:
		return strconv.AppendBool(b, v)
	case string:
		return appendString(b, v)
	}
	j, err := json.Marshal(v)
	if err != nil { // a value that did not come from JSON or from a file
		return append(b, "null"...)
	}
	return append(b, j...)
}

// appendString is appendJSON for a string.
func appendString(b []byte, s string) []byte {
	if !isPlain(s) {
		j, _ := json.Marshal(s) // a string has no error
		return append(b, j...)
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// isPlain reports whether s stands for itself in JSON.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			return false
		}
	}
	return true
}

func quote(s string) string { return string(appendString(nil, s)) }

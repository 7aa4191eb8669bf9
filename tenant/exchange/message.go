package exchange

import (
	"cmp"
	"encoding/json"
	"strings"

	"rollcall/tenant"
	"rollcall/tenant/rest"
)

// readMessage returns the message of a body, which may be JSON of the forms
// that [findMessage] knows, plain text, or a page.
func readMessage(body []byte) rest.Message {
	var v any
	if json.Unmarshal(body, &v) == nil {
		if m := findMessage(v); m.Text != "" {
			return m
		}
	}
	return splitMessage(rest.Describe(body))
}

// findMessage returns the message of v: a string, or an error object, alone or
// as the member "error" of another. The first of these that is there is it,
// in the order that several public clients have:
//
//	details[].message
//	innererror.internalexception.message
//	message
//	innererror.message
func findMessage(v any) rest.Message {
	if s, ok := v.(string); ok {
		return splitMessage(s)
	}
	o, ok := v.(map[string]any)
	if !ok {
		return rest.Message{}
	}
	if e, ok := tenant.Object(o).Get("error"); ok {
		if m := findMessage(e); m.Text != "" {
			return m
		}
	}
	inner := objectOf(o, "innererror")
	exception := objectOf(inner, "internalexception")
	var texts []string
	var categories []string
	for _, d := range list(valueOf(o, "details")) {
		d, _ := d.(map[string]any)
		texts = append(texts, textOf(d, "message"))
		if code := valueOf(d, "code"); code != nil {
			categories = append(categories, tenant.Text(code)) // a name or a number
		}
	}
	texts = append(texts, textOf(exception, "message"), textOf(o, "message"), textOf(inner, "message"))
	m := splitMessage(cmp.Or(texts...))
	m.Exception = cmp.Or(m.Exception, textOf(exception, "type"), textOf(inner, "type"))
	m.Category = cmp.Or(categories...)
	return m
}

// splitMessage takes apart a message with parts: "id|class|text" (seen in
// several public clients), or the same as a JSON object with localizedString,
// ClassName and Message (seen in one). Anything else is text.
func splitMessage(s string) rest.Message {
	s = strings.TrimSpace(s)
	m := rest.Message{Text: s, Whole: s}
	if strings.HasPrefix(s, "{") {
		var o tenant.Object
		if json.Unmarshal([]byte(s), &o) != nil {
			return m
		}
		// Whether the names are those of the object or of localizedString is
		// not certain.
		l := objectOf(o, "localizedString")
		m.Text = cmp.Or(textOf(o, "Message"), textOf(l, "Message"), s)
		m.Exception = cmp.Or(textOf(o, "ClassName"), textOf(l, "ClassName"))
		return m
	}
	if exception, text, ok := tenant.SplitMessage(s); ok {
		m.Exception = exception
		m.Text = cmp.Or(text, s)
	}
	return m
}

// valueOf returns the member of o called name, in whatever case, or nil. The case
// of these names is not documented.
func valueOf(o tenant.Object, name string) any {
	v, _ := o.Get(name)
	return v
}

// objectOf returns the member of o called name if it is an object.
func objectOf(o tenant.Object, name string) tenant.Object {
	m, _ := valueOf(o, name).(map[string]any)
	return m
}

// textOf returns the member of o called name if it is a string.
func textOf(o tenant.Object, name string) string {
	s, _ := valueOf(o, name).(string)
	return strings.TrimSpace(s)
}

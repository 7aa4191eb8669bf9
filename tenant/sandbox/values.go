package sandbox

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"rollcall/tenant"
)

// convert returns the value v of a parameter as it is for a property that is now
// as given, of a noun without rules of its own. What the property is now decides,
// as the types of their parameters do for Exchange's cmdlets: a number for a text
// is written in digits, a text for a list is its only member. One that is nothing, or
// a number, which may be a text of digits, becomes what v is.
func convert(name string, now, v any) (any, error) {
	if v == nil {
		if _, ok := now.([]any); ok {
			return []any{}, nil
		}
		return nil, nil
	}
	switch now := now.(type) {
	case bool:
		return parseBool(name, v)
	case string:
		return textOf(name, v)
	case []any:
		return listOf(name, now, v)
	}
	switch v.(type) {
	case []string, tenant.Edit:
		return listOf(name, nil, v)
	}
	return v, nil
}

// textOf returns v as a parameter that takes a text has it.
func textOf(name string, v any) (any, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case bool:
		if v {
			return "True", nil
		}
		return "False", nil
	case json.Number:
		if f, err := v.Float64(); err == nil && strings.ContainsAny(v.String(), ".eE") {
			b, err := json.Marshal(f)
			return string(b), err
		}
		return v.String(), nil
	}
	return nil, cannotConvert(name, v, "System.String")
}

// listOf returns the list that v makes of now.
func listOf(name string, now []any, v any) (any, error) {
	switch v := v.(type) {
	case []string:
		return anys(v), nil
	case tenant.Edit:
		list := slices.Clone(now)
		for _, m := range v.Add {
			if !slices.Contains(list, any(m)) {
				list = append(list, m)
			}
		}
		list = slices.DeleteFunc(list, func(m any) bool { return slices.Contains(v.Remove, tenant.Text(m)) })
		return append([]any{}, list...), nil
	}
	text, err := textOf(name, v)
	return []any{text}, err
}

func anys(list []string) []any {
	all := make([]any, len(list))
	for i, m := range list {
		all[i] = m
	}
	return all
}

// hashTable marks a change of a list in JSON, as Microsoft's module does.
const hashTable = "#Exchange.GenericHashTable"

// ParameterValue returns what the value of a parameter in JSON is: a list is a
// []string, and the hash table that changes one is a [tenant.Edit].
func ParameterValue(v any) any {
	switch v := v.(type) {
	case []any:
		if list, ok := stringsOf(v); ok {
			return list
		}
	case map[string]any:
		if v["@odata.type"] != hashTable {
			return v
		}
		var e tenant.Edit
		for name, value := range v {
			list, ok := stringsOf(value)
			switch {
			case name == "@odata.type":
			case ok && strings.EqualFold(name, "Add"):
				e.Add = list
			case ok && strings.EqualFold(name, "Remove"):
				e.Remove = list
			default:
				return v
			}
		}
		return e
	}
	return v
}

// stringsOf returns v as a list of texts, if it is one, or one of them.
func stringsOf(v any) ([]string, bool) {
	if text, ok := v.(string); ok {
		return []string{text}, true
	}
	list, ok := v.([]any)
	all := make([]string, len(list))
	for i, m := range list {
		text, isText := m.(string)
		if !isText {
			return nil, false
		}
		all[i] = text
	}
	return all, ok
}

// loggable returns v in the form that [ParameterValue] reads.
func loggable(v any) any {
	e, ok := v.(tenant.Edit)
	if !ok {
		return v
	}
	table := map[string]any{"@odata.type": hashTable}
	if e.Add != nil {
		table["Add"] = e.Add
	}
	if e.Remove != nil {
		table["Remove"] = e.Remove
	}
	return table
}

// same reports whether a and b are one value in every respect, case too.
func same(a, b any) bool { return reflect.DeepEqual(a, b) }

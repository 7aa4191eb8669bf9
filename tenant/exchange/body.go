package exchange

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"rollcall/tenant"
)

// appendBody appends the body of cmd's request to b: the identity, then the
// parameters in their order.
//
// A second Identity would make it a matter of luck whose setting is changed,
// and an '@' in a name would be an annotation, so names are checked.
func appendBody(b []byte, cmd tenant.Cmdlet) ([]byte, error) {
	b = slices.Grow(b, 256) // enough for most
	b = append(b, `{"CmdletInput":{"CmdletName":`...)
	b = appendString(b, cmd.Name)
	b = append(b, `,"Parameters":{"Identity":`...)
	b = appendString(b, cmd.Identity)
	for i, p := range cmd.Parameters {
		err := checkName(cmd.Parameters[:i], p.Name)
		if err == nil {
			b = append(b, ',')
			b = appendString(b, p.Name)
			b = append(b, ':')
			b, err = appendValue(b, p.Value)
		}
		if err != nil {
			return nil, fmt.Errorf("run %s: parameter %q: %w", cmd.Name, p.Name, err)
		}
	}
	return append(b, "}}}"...), nil
}

// checkName returns an error if name can't be that of a parameter after others.
func checkName(others []tenant.Parameter, name string) error {
	switch {
	case !tenant.IsNoun(name): // a parameter's name has the form of a noun
		return errors.New("want letters and digits")
	case strings.EqualFold(name, "Identity"):
		return errors.New("given twice")
	}
	for _, o := range others {
		if strings.EqualFold(name, o.Name) {
			return errors.New("given twice")
		}
	}
	return nil
}

// appendValue appends v as JSON.
func appendValue(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		// Null clears a property: likely, from how the module encodes $null.
		return append(b, "null"...), nil
	case bool:
		if v {
			return append(b, "true"...), nil
		}
		return append(b, "false"...), nil
	case string:
		return appendString(b, v), nil
	case json.Number:
		n, err := json.Marshal(v)
		return append(b, n...), err
	case []string:
		return appendList(b, v), nil
	case tenant.Edit:
		// As the module encodes @{Add='a'; Remove='b'}.
		b = append(b, `{"@odata.type":"#Exchange.GenericHashTable"`...)
		if v.Add != nil {
			b = appendList(append(b, `,"Add":`...), v.Add)
		}
		if v.Remove != nil {
			b = appendList(append(b, `,"Remove":`...), v.Remove)
		}
		return append(b, '}'), nil
	}
	return nil, fmt.Errorf("a value of type %T can't be sent", v)
}

// appendList appends a list of strings as JSON.
func appendList(b []byte, list []string) []byte {
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, s)
	}
	return append(b, ']')
}

// appendString appends s as encoding/json writes it.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ', c > '~', c == '"', c == '\\', c == '<', c == '>', c == '&':
			q, _ := json.Marshal(s) // a string has no error
			return append(b, q...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

package exchange

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"rollcall/tenant"
)

// check returns an error if cmd can't be sent.
//
// A second Identity would make it a matter of luck whose setting is changed,
// and an '@' in a name would be an annotation, so names are checked.
func check(cmd tenant.Cmdlet) error {
	if err := cmd.Check(); err != nil {
		return err
	}
	for i, p := range cmd.Parameters {
		err := checkName(cmd.Parameters[:i], p.Name)
		if err == nil {
			err = checkValue(p.Value)
		}
		if err != nil {
			return fmt.Errorf("run %s: parameter %q: %w", cmd.Name, p.Name, err)
		}
	}
	return nil
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

// checkValue returns an error if v can't be that of a parameter.
func checkValue(v any) error {
	switch v.(type) {
	case nil, bool, string, []string, tenant.Edit:
		return nil
	case json.Number:
		_, err := json.Marshal(v)
		return err
	}
	return fmt.Errorf("a value of type %T can't be sent", v)
}

// bodySize is enough for most bodies.
const bodySize = 256

// appendBody appends the body of the request of cmd, which was checked, to b: the
// identity, then the parameters in their order.
func appendBody(b []byte, cmd tenant.Cmdlet) []byte {
	b = append(b, `{"CmdletInput":{"CmdletName":`...)
	b = appendString(b, cmd.Name)
	b = append(b, `,"Parameters":{"Identity":`...)
	b = appendString(b, cmd.Identity)
	for _, p := range cmd.Parameters {
		b = append(b, ',')
		b = appendString(b, p.Name)
		b = append(b, ':')
		b = appendValue(b, p.Value)
	}
	return append(b, "}}}"...)
}

// appendValue appends v as JSON.
func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		// Null clears a property: likely, from how the module encodes $null.
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, v)
	case string:
		return appendString(b, v)
	case json.Number:
		n, _ := json.Marshal(v)
		return append(b, n...)
	case []string:
		return appendList(b, v)
	case tenant.Edit:
		// As the module encodes @{Add='a'; Remove='b'}.
		b = append(b, `{"@odata.type":"#Exchange.GenericHashTable"`...)
		if v.Add != nil {
			b = appendList(append(b, `,"Add":`...), v.Add)
		}
		if v.Remove != nil {
			b = appendList(append(b, `,"Remove":`...), v.Remove)
		}
		return append(b, '}')
	}
	panic(fmt.Sprintf("exchange: appendValue: a value of type %T", v))
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

// bare are the characters that encoding/json writes in a string as they are.
var bare = func() (set [256]bool) {
	for c := ' '; c <= '~'; c++ {
		set[c] = !strings.ContainsRune(`"\<>&`, c)
	}
	return set
}()

// appendString appends s as encoding/json writes it.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if !bare[s[i]] {
			q, _ := json.Marshal(s) // a string has no error
			return append(b, q...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

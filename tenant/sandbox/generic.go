package sandbox

import (
	"maps"
	"strings"

	"rollcall/tenant"
)

// generic returns a noun without rules of its own: what Set calls a parameter,
// Get calls a property.
func generic(name string) *noun {
	return &noun{name: name, key: strings.ToLower(name), id: "Identity", set: setGeneric, view: viewGeneric}
}

// defaults are the properties that a user has before any Set, by noun in lower
// case.
var defaults = map[string]tenant.Object{
	"casmailbox": {
		"ActiveSyncEnabled": true,
		"EwsEnabled":        true,
		"ImapEnabled":       true,
		"MAPIEnabled":       true,
		"OWAEnabled":        true,
		"PopEnabled":        true,
	},
	"mailbox": {
		"HiddenFromAddressListsEnabled": false,
	},
}

// object returns what u has of n, which is not to be changed.
func (u user) object(n *noun) tenant.Object {
	if row := u.row(); row != nil {
		return row.object(defaults[n.key], u.more.object(""))
	}
	if o := u.more.object(n.key); o != nil {
		return o
	}
	return defaults[n.key]
}

func viewGeneric(n *noun, u user) view {
	return view{objects: []tenant.Object{u.object(n)}}
}

func setGeneric(n *noun, u user, ps []tenant.Parameter) (user, error) {
	now, usual := u.object(n), defaults[n.key]
	var set tenant.Object // what ps say that is not so already
	for i, p := range ps {
		name, value := p.Name, p.Value
		switch {
		case isCommon(name):
			continue
		case !tenant.IsNoun(name), strings.EqualFold(name, "Identity"),
			u.row() != nil && isFixed(name):
			return u, unknownParameter(name)
		}
		for _, q := range ps[:i] {
			if strings.EqualFold(q.Name, name) {
				return u, givenTwice(name)
			}
		}
		name = spelling(now, name)
		is := now[name]
		if _, ok := usual[name]; ok && value == nil { // all of the defaults are true or false
			return u, notBool(name, nil)
		}
		value, err := convert(name, is, value)
		if err != nil {
			return u, err
		}
		if before, ok := now[name]; ok && same(before, value) {
			continue
		}
		if set == nil {
			set = make(tenant.Object)
		}
		set[name] = value
	}
	if set == nil {
		return u, nil
	}

	// The maps may be in use: new ones take their places.
	key, base := n.key, now
	if u.row() != nil {
		key, base = "", u.more.object("")
	}
	o := make(tenant.Object, len(base)+len(set))
	maps.Copy(o, base)
	maps.Copy(o, set)
	u.more = u.more.with(key, o)
	return u, nil
}

// spelling returns the name of a property of o as o has it, or name if o has
// no such property.
func spelling(o tenant.Object, name string) string {
	if _, ok := o[name]; ok {
		return name
	}
	for k := range o {
		if strings.EqualFold(k, name) {
			return k
		}
	}
	return name
}

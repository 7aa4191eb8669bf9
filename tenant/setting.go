package tenant

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
)

// A Setting is the noun of a pair of Get- and Set- cmdlets, with how its properties
// are read and set.
//
// The properties are those that Get writes. The parameters by which Set takes them
// differ from noun to noun, and are in [settings].
type Setting struct {
	Noun string

	properties []property               // nil means any: each has the name of the parameter of Set
	last       atomic.Pointer[property] // of any: the one asked for last, which most often is asked for again
}

// A property is one value of a Setting.
type property struct {
	name        string
	aliases     []string          // other names for it
	param       string            // the parameter of Set that takes the value
	extra       []Parameter       // what Set needs beside it; a property that has any takes a cmdlet of its own
	moves       map[string][]Want // the values that other properties get when this one is set, by its value
	choices     []string          // the values it may have, as they are sent; nil means true or false
	retired     []string          // values that were choices in the past
	replacement string            // the choice that has the effect of those
}

// LookupSetting returns the Setting of noun, in whatever case. A noun that has no
// rules in [settings] may have any properties, and one Set- cmdlet takes them all.
// A text that can't be a noun is an error.
func LookupSetting(noun string) (*Setting, error) {
	for _, s := range settings {
		if strings.EqualFold(s.Noun, noun) {
			return s, nil
		}
	}
	if !IsNoun(noun) {
		return nil, fmt.Errorf("noun %q: want a cmdlet's name without its verb, such as CASMailbox", noun)
	}
	return &Setting{Noun: noun}, nil
}

// Nouns returns the nouns whose rules are known.
func Nouns() []string {
	var nouns []string
	for _, s := range settings {
		nouns = append(nouns, s.Noun)
	}
	return nouns
}

// PropertyNames returns the names of the properties of s, or nil if s may have any.
func (s *Setting) PropertyNames() []string {
	var names []string
	for _, p := range s.properties {
		names = append(names, p.name)
	}
	return names
}

// Property returns the name of a property as s spells it, for a name in
// whatever case.
func (s *Setting) Property(name string) (string, error) {
	p, err := s.property(name)
	if err != nil {
		return "", err
	}
	return p.name, nil
}

func (s *Setting) property(name string) (*property, error) {
	if s.properties == nil {
		if p := s.last.Load(); p != nil && p.name == name {
			return p, nil
		}
		if strings.EqualFold(name, "Identity") {
			return nil, fmt.Errorf("property %q says which user a cmdlet is about: it can't be set", name)
		}
		if !IsNoun(name) {
			return nil, fmt.Errorf("property %q: want letters and digits, such as PopEnabled", name)
		}
		p := &property{name: name, param: name}
		s.last.Store(p)
		return p, nil
	}
	for i := range s.properties {
		if p := &s.properties[i]; p.name == name {
			return p, nil
		}
	}
	for i := range s.properties {
		p := &s.properties[i]
		if strings.EqualFold(p.name, name) || slices.ContainsFunc(p.aliases, func(a string) bool { return strings.EqualFold(a, name) }) {
			return p, nil
		}
	}
	return nil, fmt.Errorf("%s has no property %q: it has %s", s.Noun, name, strings.Join(s.PropertyNames(), ", "))
}

// AnyProperty reports whether s may have any properties. The type of each is then known only
// from a value that a tenant shows.
func (s *Setting) AnyProperty() bool { return s.properties == nil }

// Get returns the cmdlet that reads the setting of one user, whom [Cmdlet.For]
// names.
func (s *Setting) Get() Cmdlet { return Cmdlet{Name: "Get-" + s.Noun} }

// UserOf returns the UPN of the user that o is about: that in its property UserId or
// UserPrincipalName, or "" if it has none.
func (s *Setting) UserOf(o Object) string {
	var found [2]string
	for name, v := range o { // once: this is asked of every reply, and most have neither
		text, ok := v.(string)
		for i, want := range [...]string{"UserPrincipalName", "UserId"} {
			if ok && strings.EqualFold(name, want) && strings.Contains(text, "@") {
				found[i] = strings.TrimSpace(text)
			}
		}
	}
	return cmp.Or(found[:]...)
}

// Read returns the value that the property called name has in o, in the
// spelling that [Setting.Parse] gives it.
func (s *Setting) Read(o Object, name string) (any, error) {
	p, err := s.property(name)
	if err != nil {
		return nil, err
	}
	v, ok := o.Get(p.name)
	for _, a := range p.aliases {
		if !ok {
			v, ok = o.Get(a)
		}
	}
	if !ok {
		return nil, fmt.Errorf("no property %q in what Get-%s wrote", name, s.Noun)
	}
	return s.canonical(p, v), nil
}

package tenant

import (
	"fmt"
	"slices"
	"strings"
)

// A Setting is what a pair of Get- and Set- cmdlets is about: a noun, and how
// its properties are read and set.
//
// The properties are those that Get writes. How Set takes them differs from
// noun to noun, and is in [settings].
type Setting struct {
	Noun string

	properties []property // none means any: what Set calls a parameter, Get calls a property
}

// A Want is a value that is wanted of a property.
type Want struct {
	Property string
	Value    any
}

// A property is one value of a Setting.
type property struct {
	name    string
	aliases []string          // other names for it
	param   string            // the parameter of Set that takes the value
	with    []Parameter       // what Set needs beside it; a property that has any takes a cmdlet of its own
	moves   map[string][]Want // by the value that is set: what other properties then become
	choices []string          // the values it may have, as they are sent; none means true or false
	retired []string          // values that once were choices
	instead string            // the choice that does what those did
}

// A RetiredError says that a value is no longer a choice of a property.
type RetiredError struct {
	Property, Value string
	Instead         string // the choice that does today what Value did
}

func (e *RetiredError) Error() string {
	return fmt.Sprintf("%s %q is retired: use %s", e.Property, e.Value, e.Instead)
}

// LookupSetting returns the Setting of noun, in whatever case. A noun without
// rules of its own has any properties, and one Set- cmdlet takes them all.
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

// Known returns the names of the properties that s has, or nil if that is not
// known ahead of asking a tenant.
func (s *Setting) Known() []string {
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
	return p.name, err
}

func (s *Setting) property(name string) (property, error) {
	if s.properties == nil {
		if strings.EqualFold(name, "Identity") {
			return property{}, fmt.Errorf("property %q says which user a cmdlet is about: it can't be set", name)
		}
		if !IsNoun(name) {
			return property{}, fmt.Errorf("property %q: want letters and digits, such as PopEnabled", name)
		}
		return property{name: name, param: name}, nil
	}
	for i := range s.properties {
		if s.properties[i].name == name {
			return s.properties[i], nil
		}
	}
	for _, p := range s.properties {
		if strings.EqualFold(p.name, name) || slices.ContainsFunc(p.aliases, func(a string) bool { return strings.EqualFold(a, name) }) {
			return p, nil
		}
	}
	return property{}, fmt.Errorf("%s has no property %q: it has %s", s.Noun, name, strings.Join(s.Known(), ", "))
}

// Any reports whether s has any properties, of which what they are is seen from
// what a tenant shows.
func (s *Setting) Any() bool { return s.properties == nil }

// Parse reads text as a value that is wanted of the property called name: nil, to
// clear it, a bool, a string or, if s has any properties, a [Written]. The error
// names what is allowed; it is a [*RetiredError] for a value that once was.
func (s *Setting) Parse(name, text string) (any, error) {
	p, err := s.property(name)
	if err != nil {
		return nil, err
	}
	if s.Any() {
		return written(text), nil
	}
	return s.check(p, text)
}

// ParseCell is Parse for a cell that [Cell] returned, which may be an [Edit], too.
func (s *Setting) ParseCell(name, cell string) (any, error) {
	if !s.Any() {
		return s.Parse(name, cell)
	}
	if _, err := s.property(name); err != nil {
		return nil, err
	}
	if text, ok := uncell(cell); ok {
		return text, nil
	}
	if e, ok := parseEdit(cell); ok {
		return e, nil
	}
	if word := strings.TrimSpace(cell); word != "" && word != cell {
		return cell, nil // a text: what we write of others has no blanks around it
	}
	return written(cell), nil
}

// ParseEdit reads text as members, one or a list of them, that a list is to have or,
// if remove is set, not to have.
func (s *Setting) ParseEdit(name, text string, remove bool) (any, error) {
	if _, err := s.property(name); err != nil {
		return nil, err
	}
	if !s.Any() {
		return nil, fmt.Errorf("%s is not a list: want %[1]s=VALUE", name)
	}
	list := []string{text}
	if isList(text) {
		list = members(text)
	}
	if text == "" || len(list) == 0 {
		return nil, fmt.Errorf("%s: no member to add or remove", name)
	}
	if remove {
		return Edit{Remove: list}, nil
	}
	return Edit{Add: list}, nil
}

// check returns the value of p that text is, if p can have it.
func (s *Setting) check(p property, text string) (any, error) {
	v := s.canonical(p, text)
	switch {
	case p.choices == nil:
		if _, ok := v.(bool); ok {
			return v, nil
		}
		return nil, fmt.Errorf("%s %q: want true or false", p.name, text)
	case slices.Contains(p.choices, Text(v)):
		return v, nil
	case slices.ContainsFunc(p.retired, func(r string) bool { return strings.EqualFold(r, text) }):
		return nil, &RetiredError{Property: p.name, Value: text, Instead: p.instead}
	}
	return nil, fmt.Errorf("%s %q: want %s", p.name, text, strings.Join(p.choices, " or "))
}

// canonical returns v in the one spelling that p has for it: Opt-In and OptIn are
// opt-in, True is true. A value that p can't have stays as it is.
func (s *Setting) canonical(p property, v any) any {
	text, ok := v.(string)
	switch {
	case !ok || s.Any() || slices.Contains(p.choices, text):
		return v
	case p.choices == nil:
		if b, ok := ParseBool(text); ok {
			return b
		}
		return v
	}
	for _, c := range p.choices {
		if strings.EqualFold(text, c) || strings.EqualFold(text, strings.ReplaceAll(c, "-", "")) {
			return c
		}
	}
	return v
}

// Get returns the cmdlet that reads the setting of one user, whom [Cmdlet.For]
// names.
func (s *Setting) Get() Cmdlet { return Cmdlet{Name: "Get-" + s.Noun} }

// Set returns the cmdlets that make the values of one user what wants says, in
// the order to run them. [Cmdlet.For] names the user. To run them twice is the
// same as to run them once.
//
// The wants are of properties that [Setting.Property] returned, and have values as
// [As] returns them.
func (s *Setting) Set(wants []Want) []Cmdlet {
	name := "Set-" + s.Noun
	moved := s.Moves(wants)
	var joint []Parameter
	var cmdlets []Cmdlet
	for _, w := range wants {
		p, err := s.property(w.Property)
		if err != nil {
			panic("tenant: Set: " + err.Error())
		}
		value := Parameter{p.param, w.Value}
		switch {
		case p.with == nil:
			joint = append(joint, value)
		case !slices.Contains(moved, w): // or it becomes so by itself
			cmdlets = append(cmdlets, Cmdlet{Name: name, Parameters: append(slices.Clip(p.with), value)})
		}
	}
	switch {
	case joint == nil:
	case len(moved) > 0 && len(cmdlets) > 0:
		// What moves others is done ahead of what sets one of them, also where
		// both are in one cmdlet.
		cmdlets[0].Parameters = append(joint, cmdlets[0].Parameters...)
	default:
		cmdlets = slices.Insert(cmdlets, 0, Cmdlet{Name: name, Parameters: joint})
	}
	return cmdlets
}

// Moves returns what becomes of other properties when wants are set, in the order
// in which the noun has them. A property that is in wants is among them, too: with
// what it would be for want of that.
func (s *Setting) Moves(wants []Want) []Want {
	for _, w := range wants {
		if p, err := s.property(w.Property); err == nil && p.moves != nil {
			return p.moves[Text(w.Value)]
		}
	}
	return nil
}

// MovedBy returns the names of the properties that may change when those called
// names are set, and are not among these.
func (s *Setting) MovedBy(names []string) []string {
	var moved []string
	for _, name := range names {
		p, err := s.property(name)
		if err != nil {
			continue
		}
		for _, wants := range p.moves {
			for _, w := range wants {
				if !slices.Contains(names, w.Property) && !slices.Contains(moved, w.Property) {
					moved = append(moved, w.Property)
				}
			}
		}
	}
	return moved
}

// Needed returns those of wants that have to be set if the ones marked same are
// as wanted already. They are all needed if one that is set moves others.
func (s *Setting) Needed(wants []Want, same []bool) []Want {
	var needed []Want
	for i, w := range wants {
		if same[i] {
			continue
		}
		if p, err := s.property(w.Property); err == nil && p.moves != nil {
			return wants
		}
		needed = append(needed, w)
	}
	return needed
}

// About returns whom o is about as far as it says so: the UPN in its property
// UserId or UserPrincipalName, or "".
func (s *Setting) About(o Object) string {
	for _, name := range [...]string{"UserPrincipalName", "UserId"} {
		if text, ok := o[name].(string); ok && strings.Contains(text, "@") {
			return strings.TrimSpace(text)
		}
	}
	return ""
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

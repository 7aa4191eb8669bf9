package tenant

import (
	"fmt"
	"slices"
	"strings"
)

// A RetiredError says that a value is no longer a choice of a property.
type RetiredError struct {
	Property, Value string
	Instead         string // the choice that does today what Value did
}

func (e *RetiredError) Error() string {
	return fmt.Sprintf("%s %q is retired: use %s", e.Property, e.Value, e.Instead)
}

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

package tenant

import (
	"fmt"
	"slices"
	"strings"
)

// A RetiredError is the error of a value that is no longer a choice of a property.
type RetiredError struct {
	Property, Value string
	Replacement     string // the choice that has the effect that Value had
}

func (e *RetiredError) Error() string {
	return fmt.Sprintf("%s %q is retired: use %s", e.Property, e.Value, e.Replacement)
}

// Parse reads text as a wanted value of the property called name: nil, to clear it, a
// bool, a string or, if s may have any properties, a [Untyped]. The error names the
// values that are allowed; it is a [*RetiredError] for one that was in the past.
func (s *Setting) Parse(name, text string) (any, error) {
	p, err := s.property(name)
	if err != nil {
		return nil, err
	}
	if s.AnyProperty() {
		return untyped(text), nil
	}
	return s.check(p, text)
}

// ParseCell is like Parse, for a cell that [Cell] returned. The value may be an
// [Edit], too.
func (s *Setting) ParseCell(name, cell string) (any, error) {
	if !s.AnyProperty() {
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
		return cell, nil // a text: Cell puts no blanks around anything else
	}
	return untyped(cell), nil
}

// ParseEdit reads text, one member or a list of them, and returns the [Edit] that adds
// them to a list or, if remove is set, removes them from it.
func (s *Setting) ParseEdit(name, text string, remove bool) (any, error) {
	if _, err := s.property(name); err != nil {
		return nil, err
	}
	if !s.AnyProperty() {
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

// check returns text as a value of p, or an error if p can't have it.
func (s *Setting) check(p *property, text string) (any, error) {
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
		return nil, &RetiredError{Property: p.name, Value: text, Replacement: p.replacement}
	}
	return nil, fmt.Errorf("%s %q: want %s", p.name, text, strings.Join(p.choices, " or "))
}

// canonical returns v in p's own spelling: opt-in for Opt-In and OptIn, true for
// True. A value that p can't have is returned as it is.
func (s *Setting) canonical(p *property, v any) any {
	text, ok := v.(string)
	switch {
	case !ok || s.AnyProperty() || slices.Contains(p.choices, text):
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

package tenant

import (
	"slices"
)

// A Want is a value that a property is to have.
type Want struct {
	Property string
	Value    any
}

// Set returns the cmdlets that give the properties of one user the values of wants,
// in the order to run them. [Cmdlet.For] names the user. Running them twice has the
// same effect as running them once.
//
// The properties are named as [Setting.Property] returns them, and the values are as
// [As] returns them.
func (s *Setting) Set(wants []Want) []Cmdlet {
	name := "Set-" + s.Noun
	moved := s.MovedValues(wants)
	var joint []Parameter
	var cmdlets []Cmdlet
	for _, w := range wants {
		p, err := s.property(w.Property)
		if err != nil {
			panic("tenant: Set: " + err.Error())
		}
		value := Parameter{p.param, w.Value}
		switch {
		case p.extra == nil:
			joint = append(joint, value)
		case !slices.Contains(moved, w): // another want gives it this value
			cmdlets = append(cmdlets, Cmdlet{Name: name, Parameters: append(slices.Clip(p.extra), value)})
		}
	}
	switch {
	case joint == nil:
	case len(moved) > 0 && len(cmdlets) > 0:
		// The parameter that changes other properties goes first, so that one of
		// these can be set to something else after it, even in the same cmdlet.
		cmdlets[0].Parameters = append(joint, cmdlets[0].Parameters...)
	default:
		cmdlets = slices.Insert(cmdlets, 0, Cmdlet{Name: name, Parameters: joint})
	}
	return cmdlets
}

// MovedValues returns the values that other properties get when wants are set, in the order
// in which the noun has them. A property that is itself in wants is included, with
// the value that it would get if it were not.
func (s *Setting) MovedValues(wants []Want) []Want {
	for _, w := range wants {
		if p, err := s.property(w.Property); err == nil && p.moves != nil {
			return p.moves[Text(w.Value)]
		}
	}
	return nil
}

// MovedProperties returns the names of the properties, other than names, that may change when
// those called names are set.
func (s *Setting) MovedProperties(names []string) []string {
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

// Needed returns those of wants that have to be set, where same[i] reports whether
// wants[i] is so already. All of them have to be if one that is set changes other
// properties.
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

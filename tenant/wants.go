package tenant

import (
	"slices"
)

// A Want is a value that is wanted of a property.
type Want struct {
	Property string
	Value    any
}

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

package sandbox

import "rollcall/tenant"

// A view is what Get writes of a user, bar the property that says which user
// it is about. There is one for each state that a noun's flags can be in, made
// once: a million users cost nothing to look at.
type view struct {
	objects []tenant.Object
	fields  []Field // the properties of the one object, in the order they are shown in; nil if any order will do
}

// A Field is a property and its value.
type Field struct {
	Name  string
	Value any
}

// views has the view of each state of the flags that they were made for, at the
// index that the flags are.
type views [256]view

// makeViews returns the views of the states of mask, of which show says what
// they show.
func makeViews(mask flags, show func(f flags) []Field) *views {
	var vs views
	for i := range vs {
		f := flags(i)
		if f&^mask != 0 {
			continue
		}
		fields := show(f)
		o := make(tenant.Object, len(fields))
		for _, x := range fields {
			o[x.Name] = x.Value
		}
		vs[i] = view{[]tenant.Object{o}, fields}
	}
	return &vs
}

var (
	myAnalyticsViews = makeViews(privacy|features, func(f flags) []Field {
		mode := "opt-in"
		if f&privacy != 0 { // whoever was Excluded was made opt-out when that was retired
			mode = "opt-out"
		}
		return append([]Field{{"PrivacyMode", mode}}, toggled(f, features)...)
	})
	userAnalyticsViews = makeViews(privacy, func(f flags) []Field {
		mode := "Opt-In"
		switch {
		case f&optOut != 0:
			mode = "Opt-Out"
		case f&excluded != 0:
			mode = "Excluded"
		}
		return []Field{{"PrivacyMode", mode}}
	})
	vivaViews     = makeViews(headspaceOff, func(f flags) []Field { return toggled(f, headspaceOff) })
	briefingViews = makeViews(briefingOff, func(f flags) []Field { return toggled(f, briefingOff) })
)

// toggled returns the properties of mask, as f has them.
func toggled(f, mask flags) []Field {
	var fields []Field
	for _, t := range toggles {
		if t.off&mask != 0 {
			fields = append(fields, Field{t.property, f&t.off == 0})
		}
	}
	return fields
}

func viewMyAnalytics(_ *noun, u user) view   { return myAnalyticsViews[u.flags&(privacy|features)] }
func viewUserAnalytics(_ *noun, u user) view { return userAnalyticsViews[u.flags&privacy] }
func viewViva(_ *noun, u user) view          { return vivaViews[u.flags&headspaceOff] }
func viewBriefing(_ *noun, u user) view      { return briefingViews[u.flags&briefingOff] }

package sandbox

import "rollcall/tenant"

// A view is the object that Get writes for a user, without the name of the user. There is one
// view for each state of a noun's flags, made once, so that reading users costs no memory.
type view struct {
	objects []tenant.Object
	fields  []Field // the properties of the one object, in the order they are shown in; nil if any order will do
}

// A Field is a property and its value.
type Field struct {
	Name  string
	Value any
}

// views has the view of each state of the flags. The flags are the index.
type views [256]view

// makeViews returns the views of all states of mask. show returns the properties of a state.
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
		if f&privacy != 0 { // Excluded users became opt-out when that value was retired
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

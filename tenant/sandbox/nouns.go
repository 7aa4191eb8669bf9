package sandbox

import (
	"strings"

	"rollcall/tenant"
)

// A noun is the noun of a pair of Get- and Set- cmdlets, with its rules.
type noun struct {
	name      string
	key       string // the name in lower case, if it has no rules of its own
	id        string // the property that has the name of the user
	setWrites bool   // Set writes the object after the change
	set       func(n *noun, u user, ps []tenant.Parameter) (user, error)
	view      func(n *noun, u user) view
}

// nouns are the nouns with rules of their own.
var nouns = []*noun{
	{name: "MyAnalyticsFeatureConfig", id: "UserId", setWrites: true, set: setMyAnalytics, view: viewMyAnalytics},
	{name: "UserAnalyticsConfig", id: "Identity", set: setUserAnalytics, view: viewUserAnalytics},
	{name: "VivaInsightsSettings", id: "UserId", set: setViva, view: viewViva},
	{name: "UserBriefingConfig", id: "UserId", set: setBriefing, view: viewBriefing},
}

// lookup returns the noun with rules of its own that the cmdlet called name is
// about, or nil.
func lookup(name string) *noun {
	verb, rest, _ := strings.Cut(name, "-")
	if verb != "Get" && verb != "Set" {
		return nil
	}
	for _, n := range nouns {
		if rest == n.name || strings.EqualFold(rest, n.name) {
			return n
		}
	}
	return nil
}

// checkGet returns an error if a parameter of a Get is not one that every cmdlet has.
func (n *noun) checkGet(ps []tenant.Parameter) error {
	for _, p := range ps {
		if !isCommon(p.Name) {
			return unknownParameter(p.Name)
		}
	}
	return nil
}

var (
	newModes   = []string{"opt-in", "opt-out"}
	oldModes   = []string{"Excluded", "Opt-In", "Opt-Out"}
	myFeatures = []string{"dashboard", "add-in", "digest-email", "all"}
	myFlags    = []flags{dashboardOff, addInOff, digestOff, features}
)

// setMyAnalytics sets PrivacyMode, which turns all features on or off, and then IsEnabled of a
// Feature. With this order an opt-in with one feature off leaves the others on. It refuses
// what Microsoft's module refuses.
func setMyAnalytics(_ *noun, u user, ps []tenant.Parameter) (user, error) {
	var mode, enabled, feature any
	if err := bind(ps, slot{"PrivacyMode", &mode}, slot{"IsEnabled", &enabled}, slot{"Feature", &feature}); err != nil {
		return u, err
	}
	if (feature == nil) != (enabled == nil) {
		return u, refuse(invalidArgument, "The supplied parameters are not as expected.")
	}
	if mode != nil {
		if text, _ := mode.(string); strings.EqualFold(text, "optout") || strings.EqualFold(text, "optin") {
			return u, notInSet("PrivacyMode", mode, newModes)
		}
		m, err := parseMode(mode, newModes)
		if err != nil {
			return u, err
		}
		// An opt-in turns all features on, an opt-out off: so Microsoft's module
		// sends it. The old cmdlet had nothing to do with them.
		u.flags = u.flags.opted(m).with(features, m == 0)
	}
	if enabled == nil {
		return u, nil
	}
	if _, ok := enabled.(string); ok {
		return u, notBool("IsEnabled", enabled)
	}
	on, err := parseBool("IsEnabled", enabled)
	if err != nil {
		return u, err
	}
	i := choice(feature, myFeatures)
	if i < 0 {
		return u, notInSet("Feature", feature, myFeatures)
	}
	u.flags = u.flags.with(myFlags[i], on)
	return u, nil
}

func setUserAnalytics(_ *noun, u user, ps []tenant.Parameter) (user, error) {
	var mode any
	if err := bind(ps, slot{"PrivacyMode", &mode}); err != nil {
		return u, err
	}
	if mode == nil {
		return u, nil
	}
	m, err := parseMode(mode, oldModes)
	if err != nil {
		return u, err
	}
	if m == excluded && u.flags&unlicensed != 0 {
		return u, refuse(invalidOperation, "The user '"+u.name+"' has no license. Do not specify Excluded for unlicensed users. Instead, specify Opt-out.")
	}
	u.flags = u.flags.opted(m)
	return u, nil
}

func setViva(_ *noun, u user, ps []tenant.Parameter) (user, error) {
	var enabled, feature any
	if err := bind(ps, slot{"Enabled", &enabled}, slot{"Feature", &feature}); err != nil {
		return u, err
	}
	if feature == nil {
		return u, missing("Feature")
	}
	if choice(feature, []string{"headspace"}) < 0 {
		return u, notInSet("Feature", feature, []string{"headspace"})
	}
	return setToggle(u, headspaceOff, enabled)
}

func setBriefing(_ *noun, u user, ps []tenant.Parameter) (user, error) {
	var enabled any
	if err := bind(ps, slot{"Enabled", &enabled}); err != nil {
		return u, err
	}
	return setToggle(u, briefingOff, enabled)
}

// setToggle sets the value of the parameter Enabled, which is required.
func setToggle(u user, off flags, enabled any) (user, error) {
	if enabled == nil {
		return u, missing("Enabled")
	}
	on, err := parseBool("Enabled", enabled)
	if err != nil {
		return u, err
	}
	u.flags = u.flags.with(off, on)
	return u, nil
}

// parseMode reads v as one of choices, and returns its flags.
func parseMode(v any, choices []string) (flags, error) {
	if i := choice(v, choices); i >= 0 {
		return modeOf(choices[i]), nil
	}
	if choice(v, oldModes) >= 0 {
		return 0, refuse(validation, "The value 'Excluded' of parameter 'PrivacyMode' is retired. Instead, specify opt-out.")
	}
	return 0, notInSet("PrivacyMode", v, choices)
}

// modeFlags returns the flags of a privacy mode, in any of its spellings, and
// whether text is one.
func modeFlags(text string) (f flags, ok bool) {
	if i := choice(text, oldModes); i >= 0 {
		return modeOf(oldModes[i]), true
	}
	return 0, false
}

// modeOf returns the flags of one of newModes or oldModes.
func modeOf(mode string) flags {
	switch mode {
	case "opt-out", "Opt-Out":
		return optOut
	case "Excluded":
		return excluded
	}
	return 0
}

package insights

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"rollcall/tenant"
	"rollcall/tenant/rest"
)

// A noun has the rules of a pair of cmdlets: where its settings are, what a Set sends, and
// what a Get reads.
type noun struct {
	name     string
	resource string                              // below the user
	body     func(p parameters) ([]byte, error)  // of a PATCH
	read     func(r *rest.Reply) (object, error) // of a reply to either
	takes    []string                            // parameters of Set
}

type object = tenant.Object

var nouns = []*noun{
	{"MyAnalyticsFeatureConfig", "settings", myAnalyticsBody, readMyAnalytics, []string{"PrivacyMode", "Feature", "IsEnabled"}},
	{"VivaInsightsSettings", "settings", vivaBody, readViva, []string{"Feature", "Enabled"}},
	{"UserBriefingConfig", "briefingsettings/servicesettings", briefingBody, readBriefing, []string{"Enabled"}},
}

// A call is a cmdlet, ready to be sent.
type call struct {
	noun     *noun
	identity string
	body     []byte // of a PATCH; nil for a GET
}

// newCall returns the call of cmd, or an error if the module would refuse cmd. Nothing is
// sent for a refused cmdlet.
func newCall(cmd tenant.Cmdlet) (*call, error) {
	if err := cmd.Check(); err != nil {
		return nil, err
	}
	i := slices.IndexFunc(nouns, func(n *noun) bool { return strings.EqualFold(n.name, cmd.Noun()) })
	switch {
	case i < 0:
		return nil, fmt.Errorf("run %s: not a cmdlet of Viva Insights", cmd.Name)
	case !utf8.ValidString(cmd.Identity):
		return nil, fmt.Errorf("run %s: identity %q: not UTF-8", cmd.Name, cmd.Identity)
	}
	l := &call{noun: nouns[i], identity: cmd.Identity}
	takes := l.noun.takes
	if cmd.Reads() {
		takes = nil
	}
	p := parameters(cmd.Parameters)
	err := p.check(takes)
	if err == nil && !cmd.Reads() {
		l.body, err = l.noun.body(p)
	}
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", cmd.Name, err)
	}
	return l, nil
}

// parameters are those of a cmdlet. Capitals in their names don't matter.
type parameters []tenant.Parameter

// check returns an error if a parameter is none of takes, or given twice.
func (p parameters) check(takes []string) error {
	for i, g := range p {
		if !slices.ContainsFunc(takes, func(name string) bool { return strings.EqualFold(name, g.Name) }) {
			return fmt.Errorf("parameter %q: no such parameter", g.Name)
		}
		if p[:i].has(g.Name) {
			return fmt.Errorf("parameter %q: given twice", g.Name)
		}
	}
	return nil
}

// index returns the place of a parameter, or -1 if it was not given.
func (p parameters) index(name string) int {
	return slices.IndexFunc(p, func(g tenant.Parameter) bool { return strings.EqualFold(g.Name, name) })
}

// has reports whether the parameter was given.
func (p parameters) has(name string) bool { return p.index(name) >= 0 }

// choice returns the value of a parameter that was given, which must be one of choices, in the spelling of
// choices. Capitals don't matter, hyphens do.
func (p parameters) choice(name string, choices ...string) (string, error) {
	v := p[p.index(name)].Value
	text, _ := v.(string)
	for _, c := range choices {
		if strings.EqualFold(text, c) {
			return c, nil
		}
	}
	return "", fmt.Errorf("parameter %q: %s: want %s", name, show(v), strings.Join(choices, ", "))
}

// bool returns the value of a parameter that was given, which must be a boolean, not a text.
func (p parameters) bool(name string) (bool, error) {
	v := p[p.index(name)].Value
	b, ok := v.(bool)
	if !ok {
		return false, fmt.Errorf("parameter %q: %s: want true or false, and not as text", name, show(v))
	}
	return b, nil
}

func show(v any) string {
	if s, ok := v.(string); ok {
		return strconv.Quote(s)
	}
	return tenant.Text(v)
}

// The features of MyAnalyticsFeatureConfig, in the order that the module sends
// them in, and the properties of the service's that each is.
var features = []struct{ name, field string }{
	{"dashboard", "IsDashboardOptedOut"},
	{"digest-email", "IsDigestEmailOptedOut"},
	{"add-in", "IsAddInOptedOut"},
}

// myAnalyticsBody returns the body that the module sends. PrivacyMode sets all features,
// on or off, except one that Feature names.
func myAnalyticsBody(p parameters) ([]byte, error) {
	out, off, named := false, false, "" // of all features, and of those that Feature names
	b := make([]byte, 0, 160)           // enough for any
	switch {
	case p.has("Feature") != p.has("IsEnabled"):
		return nil, errors.New("want Feature and IsEnabled both, or neither")
	case p.has("PrivacyMode"):
		mode, err := p.choice("PrivacyMode", "opt-in", "opt-out")
		if err != nil {
			return nil, err
		}
		out = mode == "opt-out"
		b = append(b, `{"ServiceSettings":{"IsOptedOut":`...)
		b = strconv.AppendBool(b, out)
		b = append(b, "},"...)
	case !p.has("Feature"):
		return nil, errors.New("nothing to set: want PrivacyMode, or Feature and IsEnabled")
	default:
		b = append(b, '{')
	}
	if p.has("Feature") {
		var err error
		if named, err = p.choice("Feature", "dashboard", "add-in", "digest-email", "all"); err != nil {
			return nil, err
		}
		on, err := p.bool("IsEnabled")
		if err != nil {
			return nil, err
		}
		off = !on
	}
	b = append(b, `"FeatureSettings":{`...)
	for _, f := range features {
		v := out
		if named == f.name || named == "all" {
			v = off
		} else if !p.has("PrivacyMode") {
			continue
		}
		b = append(b, '"')
		b = append(b, f.field...)
		b = append(b, `":`...)
		b = append(strconv.AppendBool(b, v), ',')
	}
	b[len(b)-1] = '}' // for the last comma
	return append(b, '}'), nil
}

func vivaBody(p parameters) ([]byte, error) {
	if !p.has("Feature") || !p.has("Enabled") {
		return nil, errors.New("want Feature and Enabled both")
	}
	if _, err := p.choice("Feature", "headspace"); err != nil {
		return nil, err
	}
	on, err := p.bool("Enabled")
	return fmt.Appendf(nil, `{"FeatureSettings":{"IsInsightsHeadspaceDisabled":%t}}`, !on), err
}

func briefingBody(p parameters) ([]byte, error) {
	if !p.has("Enabled") {
		return nil, errors.New("nothing to set: want Enabled")
	}
	on, err := p.bool("Enabled")
	return fmt.Appendf(nil, `{"IsEnabled":%t}`, on), err
}

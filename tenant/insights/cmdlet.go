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
	p, err := newParameters(cmd.Parameters, takes)
	if err == nil && !cmd.Reads() {
		l.body, err = l.noun.body(p)
	}
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", cmd.Name, err)
	}
	return l, nil
}

// parameters are those of a cmdlet, by the names that its noun has for them.
type parameters map[string]any

func newParameters(given []tenant.Parameter, takes []string) (parameters, error) {
	p := make(parameters, len(given))
	for _, g := range given {
		i := slices.IndexFunc(takes, func(name string) bool { return strings.EqualFold(name, g.Name) })
		if i < 0 {
			return nil, fmt.Errorf("parameter %q: no such parameter", g.Name)
		}
		if _, ok := p[takes[i]]; ok {
			return nil, fmt.Errorf("parameter %q: given twice", g.Name)
		}
		p[takes[i]] = g.Value
	}
	return p, nil
}

// has reports whether the parameter was given.
func (p parameters) has(name string) bool {
	_, ok := p[name]
	return ok
}

// choice returns the value of a parameter, which must be one of choices, in the spelling of
// choices. Capitals don't matter, hyphens do.
func (p parameters) choice(name string, choices ...string) (string, error) {
	text, _ := p[name].(string)
	for _, c := range choices {
		if strings.EqualFold(text, c) {
			return c, nil
		}
	}
	return "", fmt.Errorf("parameter %q: %s: want %s", name, show(p[name]), strings.Join(choices, ", "))
}

// bool returns the value of a parameter, which must be a boolean, not a text.
func (p parameters) bool(name string) (bool, error) {
	b, ok := p[name].(bool)
	if !ok {
		return false, fmt.Errorf("parameter %q: %s: want true or false, and not as text", name, show(p[name]))
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
	off := make(map[string]bool) // by field; what has no entry is not sent
	var b []byte
	switch {
	case p.has("Feature") != p.has("IsEnabled"):
		return nil, errors.New("want Feature and IsEnabled both, or neither")
	case p.has("PrivacyMode"):
		mode, err := p.choice("PrivacyMode", "opt-in", "opt-out")
		if err != nil {
			return nil, err
		}
		out := mode == "opt-out"
		b = fmt.Appendf(b, `{"ServiceSettings":{"IsOptedOut":%t},`, out)
		for _, f := range features {
			off[f.field] = out
		}
	case !p.has("Feature"):
		return nil, errors.New("nothing to set: want PrivacyMode, or Feature and IsEnabled")
	default:
		b = append(b, '{')
	}
	if p.has("Feature") {
		name, err := p.choice("Feature", "dashboard", "add-in", "digest-email", "all")
		if err != nil {
			return nil, err
		}
		on, err := p.bool("IsEnabled")
		if err != nil {
			return nil, err
		}
		for _, f := range features {
			if name == f.name || name == "all" {
				off[f.field] = !on
			}
		}
	}
	b = append(b, `"FeatureSettings":{`...)
	first := true
	for _, f := range features {
		v, ok := off[f.field]
		if !ok {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = fmt.Appendf(b, `"%s":%t`, f.field, v)
	}
	return append(b, "}}"...), nil
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

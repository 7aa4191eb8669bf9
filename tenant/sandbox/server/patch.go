package server

import (
	"errors"
	"slices"

	"rollcall/tenant"
)

// A patch is the body of a PATCH.
type patch struct {
	ServiceSettings *struct{ IsOptedOut *bool }
	FeatureSettings *struct {
		IsDashboardOptedOut         *bool
		IsAddInOptedOut             *bool
		IsDigestEmailOptedOut       *bool
		IsInsightsHeadspaceDisabled *bool
	}
	IsEnabled *bool
}

// settings returns the noun and the parameters of the Set that sends p.
func (p *patch) settings() (string, []tenant.Parameter, error) {
	strange := errors.New("body: no cmdlet sends these settings together")
	f := p.FeatureSettings
	if f == nil || p.IsEnabled != nil {
		return "", nil, strange
	}
	var names []string // of features that are given
	var off []bool
	for i, v := range []*bool{f.IsDashboardOptedOut, f.IsAddInOptedOut, f.IsDigestEmailOptedOut} {
		if v != nil {
			names, off = append(names, []string{"dashboard", "add-in", "digest-email"}[i]), append(off, *v)
		}
	}
	if h := f.IsInsightsHeadspaceDisabled; h != nil {
		if len(names) > 0 || p.ServiceSettings != nil {
			return "", nil, strange
		}
		return "VivaInsightsSettings", []tenant.Parameter{{Name: "Feature", Value: "headspace"}, {Name: "Enabled", Value: !*h}}, nil
	}
	const noun = "MyAnalyticsFeatureConfig"
	feature := func(name string, off bool) []tenant.Parameter {
		return []tenant.Parameter{{Name: "Feature", Value: name}, {Name: "IsEnabled", Value: !off}}
	}
	if p.ServiceSettings == nil {
		switch {
		case len(names) == 1:
			return noun, feature(names[0], off[0]), nil
		case len(names) == 3 && off[0] == off[1] && off[1] == off[2]:
			return noun, feature("all", off[0]), nil
		}
		return "", nil, strange
	}
	out := p.ServiceSettings.IsOptedOut
	if out == nil || len(names) != 3 {
		return "", nil, strange
	}
	ps := []tenant.Parameter{{Name: "PrivacyMode", Value: "opt-in"}}
	if *out {
		ps[0].Value = "opt-out"
	}
	switch odd := slices.Index(off, !*out); {
	case odd < 0:
		return noun, ps, nil
	case !slices.Contains(off, *out):
		return noun, append(ps, feature("all", !*out)...), nil
	case !slices.Contains(off[odd+1:], !*out):
		return noun, append(ps, feature(names[odd], !*out)...), nil
	}
	return "", nil, strange
}

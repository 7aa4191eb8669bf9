package insights

import (
	"encoding/json"
	"errors"

	"rollcall/tenant"
	"rollcall/tenant/rest"
)

// A document is the body of a reply of success, for any noun. Other members are ignored.
type document struct {
	ServiceSettings *serviceSettings
	FeatureSettings *featureSettings
	IsEnabled       *bool
}

type serviceSettings struct {
	IsOptedOut *bool
}

type featureSettings struct {
	IsDashboardOptedOut         *bool
	IsDigestEmailOptedOut       *bool
	IsAddInOptedOut             *bool
	IsInsightsHeadspaceDisabled *bool
}

// read returns the document of r, or an error if it has none. The reply to a PATCH has the
// form of the reply to a GET, so without a document its success is not certain.
func read(r *rest.Reply) (*document, error) {
	if err := r.Torn(); err != nil {
		return nil, err
	}
	switch {
	case r.Large:
		return nil, r.Strange("the reply is too long")
	case len(r.Body) == 0:
		// Another server than the service answered, or the reply is not complete.
		return nil, &tenant.Error{Status: r.Status, Class: tenant.Unavailable, Err: errors.New("the reply is empty")}
	}
	if d, ok := scanDocument(r.Body); ok {
		return d, nil
	}
	var d document
	err := json.Unmarshal(r.Body, &d)
	if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return nil, r.Strange("the reply is JSON of another form than expected")
	}
	if err != nil {
		return nil, r.Garbled(readMessage(r.Body))
	}
	return &d, nil
}

// lacks returns the error of a reply that lacks an expected member. If the reply is an error
// in spite of its status, that is the error.
func lacks(r *rest.Reply, what string) error {
	if m := findMessage(r.Body); m.Text != "" {
		return r.Fault(m)
	}
	return r.Strange("the reply has no " + what)
}

func readMyAnalytics(r *rest.Reply) (object, error) {
	d, err := read(r)
	switch {
	case err != nil:
		return nil, err
	case d.ServiceSettings == nil || d.ServiceSettings.IsOptedOut == nil:
		return nil, lacks(r, "ServiceSettings with IsOptedOut")
	case d.FeatureSettings == nil:
		return nil, lacks(r, "FeatureSettings")
	}
	o := object{"PrivacyMode": "opt-in"}
	if *d.ServiceSettings.IsOptedOut {
		o["PrivacyMode"] = "opt-out"
	}
	f := d.FeatureSettings
	negate(o, "IsDashboardEnabled", f.IsDashboardOptedOut)
	negate(o, "IsAddInEnabled", f.IsAddInOptedOut)
	negate(o, "IsDigestEmailEnabled", f.IsDigestEmailOptedOut)
	return o, nil
}

func readViva(r *rest.Reply) (object, error) {
	d, err := read(r)
	switch {
	case err != nil:
		return nil, err
	case d.FeatureSettings == nil:
		return nil, lacks(r, "FeatureSettings")
	}
	o := object{}
	negate(o, "IsInsightsHeadspaceEnabled", d.FeatureSettings.IsInsightsHeadspaceDisabled)
	return o, nil
}

func readBriefing(r *rest.Reply) (object, error) {
	d, err := read(r)
	switch {
	case err != nil:
		return nil, err
	case d.IsEnabled == nil:
		return nil, lacks(r, "IsEnabled")
	}
	return object{"IsEnabled": *d.IsEnabled}, nil
}

// negate gives o the property that is the opposite of off, unless the service did not send
// it.
func negate(o object, property string, off *bool) {
	if off != nil {
		o[property] = !*off
	}
}

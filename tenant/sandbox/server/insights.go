package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"rollcall/tenant"
	"rollcall/tenant/sandbox"
)

// A userResource is one user's settings at the service of Viva Insights, which has
// a protocol of its own: a GET or a PATCH for each cmdlet.
type userResource struct {
	user string
	name string // settingsOf or briefingOf
}

// Why a path of the service's is not one of a user.
var (
	errNoResource = errors.New("no HTTP resource was found that matches the request URI")
	errBadKey     = errors.New("error in query syntax")
)

const (
	settingsOf = "settings"
	briefingOf = "briefingsettings/servicesettings"
)

// insightsPath is the path that autodiscover names. The other one is where
// clients go whom it told nothing.
const (
	insightsPath  = "weve"
	insightsUsual = "weveb2"
)

// parseResource reads the path /PATH/api/v1.1/users('USER')/NAME, escaped. It
// reports whether it is one of the service, whatever is wrong with it.
func parseResource(path string) (res *userResource, of bool, err error) {
	s := strings.Split(strings.TrimPrefix(path, "/"), "/")
	if !strings.EqualFold(s[0], insightsPath) && !strings.EqualFold(s[0], insightsUsual) {
		return nil, false, nil
	}
	if len(s) < 5 || s[1] != "api" || s[2] != "v1.1" {
		return nil, true, errNoResource
	}
	name := strings.Join(s[4:], "/")
	text, err := url.PathUnescape(s[3])
	key, begins := strings.CutPrefix(text, "users('")
	key, ends := strings.CutSuffix(key, "')")
	if err != nil || !begins || !ends || name != settingsOf && name != briefingOf {
		return nil, true, errNoResource
	}
	// An apostrophe is doubled, or it ends the key.
	user := strings.ReplaceAll(key, "''", "\x00")
	if strings.Contains(user, "'") || user == "" {
		return nil, true, errBadKey
	}
	return &userResource{strings.ReplaceAll(user, "\x00", "'"), name}, true, nil
}

// insightsError returns a failure in the form of this service. Reason, unless
// "", stands in Details, which Microsoft's module does not show.
func insightsError(status int, code, text, target, reason string) reply {
	type detail struct{ Code, Message string }
	body := struct {
		Code, Message, Target string
		Details               []detail `json:",omitempty"`
	}{Code: code, Message: text, Target: target}
	if reason != "" {
		body.Details = []detail{{"PolicyNotSatisfied", "The following authorization requirements are not satisfied: " + reason + "."}}
	}
	b, err := json.Marshal(body)
	if err != nil {
		panic("server: " + err.Error())
	}
	return reply{status: status, body: b}
}

// malformedInsights is malformed in the form of this service.
func (s *Server) malformedInsights(path string, status int, text string) reply {
	r := s.malformed(path, status, text)
	return insightsError(r.status, strings.ReplaceAll(http.StatusText(status), " ", ""), text, "", "")
}

// insights replies to a request to the service of Viva Insights.
func (s *Server) insights(w http.ResponseWriter, r *http.Request, res *userResource, bad error) {
	atOnce := s.tally.begin()
	defer s.tally.end()
	switch {
	case bad != nil:
		status := http.StatusNotFound
		if bad == errBadKey {
			status = http.StatusBadRequest
		}
		s.malformedInsights(r.URL.Path, status, bad.Error()).write(w)
		return
	case r.Method != http.MethodGet && r.Method != http.MethodPatch:
		w.Header().Set("Allow", "GET, PATCH")
		s.malformedInsights(r.URL.Path, http.StatusMethodNotAllowed, "The requested resource does not support http method '"+r.Method+"'.").write(w)
		return
	}
	token, refusal := s.admit(r.Header.Get("Authorization"), s.Organization)
	if refusal == nil && s.MaxConcurrent > 0 && atOnce > s.MaxConcurrent {
		refusal = s.tooMany(atOnce)
	}
	if refusal == nil {
		refusal = s.throttle(w.Header())
	}
	if refusal != nil {
		if refusal.status == http.StatusTooManyRequests {
			own := insightsError(refusal.status, "TooManyRequests", string(refusal.body), "", "")
			own.header = refusal.header
			refusal = &own
		}
		refusal.write(w)
		return
	}
	body := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(body)
	body.Reset()
	if _, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, maxBody)); err != nil {
		s.malformedInsights(r.URL.Path, http.StatusBadRequest, "The body can't be read.").write(w)
		return
	}
	c, err := res.cmdlet(r, body.Bytes())
	if err != nil {
		s.malformedInsights(r.URL.Path, http.StatusBadRequest, err.Error()).write(w)
		return
	}
	t := s.turn(endpoint{}, c, "", token, true)
	s.perform(w, r, t.fault, t.latency, func() reply { return s.answerInsights(&t, res) })
}

// cmdlet returns what the request is to run. A PATCH is one of those that
// Microsoft's module sends, and no other: what no cmdlet of it would send is a
// client's mistake.
func (res *userResource) cmdlet(r *http.Request, body []byte) (tenant.Cmdlet, error) {
	noun := "MyAnalyticsFeatureConfig"
	if res.name == briefingOf {
		noun = "UserBriefingConfig"
	}
	if r.Method == http.MethodGet {
		if len(body) > 0 {
			return tenant.Cmdlet{}, errors.New("body: want none")
		}
		return tenant.Cmdlet{Name: "Get-" + noun, Identity: res.user}, nil
	}
	if !isJSON(r.Header.Get("Content-Type")) {
		return tenant.Cmdlet{}, errors.New("Content-Type: want application/json")
	}
	var p patch
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return tenant.Cmdlet{}, errors.New("body: want settings in JSON")
	}
	if _, err := d.Token(); err != io.EOF {
		return tenant.Cmdlet{}, errors.New("body: more after the settings")
	}
	var ps []tenant.Parameter
	if res.name == briefingOf {
		if p.IsEnabled == nil || p.ServiceSettings != nil || p.FeatureSettings != nil {
			return tenant.Cmdlet{}, errors.New("body: want IsEnabled alone")
		}
		ps = []tenant.Parameter{{Name: "Enabled", Value: *p.IsEnabled}}
	} else {
		var err error
		if noun, ps, err = p.settings(); err != nil {
			return tenant.Cmdlet{}, err
		}
	}
	return tenant.Cmdlet{Name: "Set-" + noun, Identity: res.user, Parameters: ps}, nil
}

// answerInsights is answer for this service.
func (s *Server) answerInsights(t *turn, res *userResource) reply {
	switch t.fault {
	case fault503:
		return insightsError(http.StatusServiceUnavailable, "ServiceUnavailable", "The service is unavailable.", "", "")
	case faultHTML:
		return t.html()
	case faultTransient400:
		return insightsError(http.StatusBadRequest, "ServerBusy", serverBusy+": the server is too busy. Please try again later.", "", "")
	case faultErrors200:
		return insightsError(http.StatusOK, "InternalServerError", storageTransient+": the mailbox is not available at the moment.", "", "")
	case fault401:
		return textReply(http.StatusUnauthorized, "")
	case faultExpired:
		return *s.refuse(s.access.expire(t.token))
	case faultClaims:
		return *s.refuse(s.access.challenge(t.token))
	}
	if s.Tenant.Unlicensed(res.user) {
		s.tally.add(&s.tally.counts.Failed)
		return insightsError(http.StatusForbidden, "Forbidden", "Access to the requested resource is forbidden.", res.user, "UserRequireAdvancedMyALicense")
	}
	got, err := s.run(t)
	if err != nil {
		s.tally.add(&s.tally.counts.Failed)
		te, ok := errors.AsType[*tenant.Error](err)
		switch {
		case !ok:
			return insightsError(http.StatusInternalServerError, "InternalServerError", err.Error(), res.user, "")
		case te.Class == tenant.NotFound:
			return insightsError(http.StatusNotFound, "NotFound", "The user '"+res.user+"' could not be found.", res.user, "")
		}
		return insightsError(http.StatusBadRequest, "BadRequest", te.Err.Error(), res.user, "")
	}
	return reply{status: http.StatusOK, body: res.document(&got)}
}

// document returns the body that shows the user of a.
func (res *userResource) document(a *sandbox.Answer) []byte {
	b := make([]byte, 0, 256)
	field := func(name string, value bool) {
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, name...)
		b = append(b, `":`...)
		b = appendJSON(b, value)
	}
	b = append(b, '{')
	if res.name == briefingOf {
		field("IsEnabled", a.IsOn("IsEnabled"))
		return append(b, '}')
	}
	b = append(b, `"ServiceSettings":{`...)
	field("IsOptedOut", a.OptedOut())
	b = append(b, `},"FeatureSettings":{`...)
	field("IsDashboardOptedOut", !a.IsOn("IsDashboardEnabled"))
	field("IsDigestEmailOptedOut", !a.IsOn("IsDigestEmailEnabled"))
	field("IsAddInOptedOut", !a.IsOn("IsAddInEnabled"))
	field("IsInsightsHeadspaceDisabled", !a.IsOn("IsInsightsHeadspaceEnabled"))
	return append(b, "}}"...)
}

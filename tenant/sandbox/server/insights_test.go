package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"rollcall/tenant"
	"rollcall/tenant/sandbox"
)

// ask has s reply to a request to the service of Viva Insights.
func ask(t *testing.T, s *Server, method, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+secret)
	if body != "" {
		r.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

const (
	adas    = "/weve/api/v1.1/users('Ada@contoso.com')/settings"
	adasOwn = "/weve/api/v1.1/users('Ada@contoso.com')/briefingsettings/servicesettings"
)

func document(out, dashboard, digest, addIn, headspace bool) string {
	return fmt.Sprintf(`{"ServiceSettings":{"IsOptedOut":%t},"FeatureSettings":{"IsDashboardOptedOut":%t,"IsDigestEmailOptedOut":%t,"IsAddInOptedOut":%t,"IsInsightsHeadspaceDisabled":%t}}`,
		out, dashboard, digest, addIn, headspace)
}

// Requests to Viva Insights, one after the other, and their replies to the
// letter.
func TestInsights(t *testing.T) {
	loaded, _ := load(t, "UserPrincipalName,Licensed\nAda@contoso.com,\no'neil@contoso.com,\nbob@contoso.com,false\n")
	s := &Server{Tenant: loaded, Token: secret}
	const features = `"FeatureSettings":{"IsDashboardOptedOut":%t,"IsDigestEmailOptedOut":%t,"IsAddInOptedOut":%t}`
	patch := func(out, dashboard, digest, addIn bool) string {
		return fmt.Sprintf(`{"ServiceSettings":{"IsOptedOut":%t},`+features+`}`, out, dashboard, digest, addIn)
	}
	const denied = `{"Code":"Forbidden","Message":"Access to the requested resource is forbidden.","Target":"bob@contoso.com",` +
		`"Details":[{"Code":"PolicyNotSatisfied","Message":"The following authorization requirements are not satisfied: UserRequireAdvancedMyALicense."}]}`
	for _, test := range []struct {
		method, path, body string
		status             int
		reply              string
	}{
		{"GET", adas, "", 200, document(false, false, false, false, false)},
		{"GET", strings.Replace(adas, "weve", "WeveB2", 1), "", 200, document(false, false, false, false, false)},
		{"PATCH", adas, patch(true, true, true, true), 200, document(true, true, true, true, false)},
		{"PATCH", adas, patch(false, false, true, false), 200, document(false, false, true, false, false)},
		{"PATCH", adas, patch(true, true, false, true), 200, document(true, true, false, true, false)},
		{"PATCH", adas, patch(true, false, false, false), 200, document(true, false, false, false, false)},
		{"PATCH", adas, `{"FeatureSettings":{"IsAddInOptedOut":true}}`, 200, document(true, false, false, true, false)},
		{"PATCH", adas, `{"FeatureSettings":{"IsInsightsHeadspaceDisabled":true}}`, 200, document(true, false, false, true, true)},
		{"PATCH", adas, `{` + fmt.Sprintf(features, true, true, true) + `}`, 200, document(true, true, true, true, true)},
		{"GET", adas, "", 200, document(true, true, true, true, true)},
		{"GET", adasOwn, "", 200, `{"IsEnabled":true}`},
		{"PATCH", adasOwn, `{"IsEnabled":false}`, 200, `{"IsEnabled":false}`},
		{"GET", adasOwn, "", 200, `{"IsEnabled":false}`},
		{"GET", "/weve/api/v1.1/users('o%27%27neil%40contoso.com')/settings", "", 200, document(false, false, false, false, false)},
		{"GET", "/weve/api/v1.1/users%28'o''neil@contoso.com'%29/settings", "", 200, document(false, false, false, false, false)},

		{"GET", "/weve/api/v1.1/users('eve@contoso.com')/settings", "", 404, `{"Code":"NotFound","Message":"The user 'eve@contoso.com' could not be found.","Target":"eve@contoso.com"}`},
		{"GET", "/weve/api/v1.1/users('bob@contoso.com')/settings", "", 403, denied},
		{"PATCH", "/weve/api/v1.1/users('bob@contoso.com')/settings", patch(true, true, true, true), 403, denied},
		{"GET", "/weve/api/v1.1/users('o'neil@contoso.com')/settings", "", 400, `"Code":"BadRequest"`},
		{"GET", "/weve/api/v1.1/users('Ada@contoso.com'", "", 404, `"Code":"NotFound"`},
		{"GET", "/weve/api/v1.1/users('a/b@contoso.com')/settings", "", 404, `"Code":"NotFound"`},
		{"GET", "/weve/api/v1.0/tenants('x')/settings", "", 404, `"Code":"NotFound"`},
		{"DELETE", adas, "", 405, `"Code":"MethodNotAllowed"`},
		{"PATCH", adas, "", 400, `"Code":"BadRequest"`},
		{"PATCH", adas, `{}`, 400, "no cmdlet sends"},
		{"PATCH", adas, `{"ServiceSettings":{"IsOptedOut":true}}`, 400, "no cmdlet sends"},
		{"PATCH", adas, patch(true, true, false, false), 400, "no cmdlet sends"},
		{"PATCH", adas, `{"FeatureSettings":{"IsAddInOptedOut":true,"IsDashboardOptedOut":true}}`, 400, "no cmdlet sends"},
		{"PATCH", adas, `{"FeatureSettings":{"IsAddInOptedOut":true,"IsInsightsHeadspaceDisabled":true}}`, 400, "no cmdlet sends"},
		{"PATCH", adas, `{"FeatureSettings":{"IsAddInOptedOut":"true"}}`, 400, "want settings in JSON"},
		{"PATCH", adas, `{"PrivacyMode":"opt-out"}`, 400, "want settings in JSON"},
		{"PATCH", adasOwn, `{"FeatureSettings":{}}`, 400, "IsEnabled alone"},
		{"GET", adas, "{}", 400, "want none"},
	} {
		w := ask(t, s, test.method, test.path, test.body)
		body := w.Body.String()
		if w.Code != test.status || strings.HasPrefix(test.reply, "{") && body != test.reply || !strings.Contains(body, test.reply) || !json.Valid([]byte(body)) {
			t.Errorf("%s %s %s: %d %s\nwant %d %s", test.method, test.path, test.body, w.Code, body, test.status, test.reply)
		}
	}
	c := s.Counts()
	if want := map[string]int{"GET settings": 7, "Set-MyAnalyticsFeatureConfig": 7, "Set-VivaInsightsSettings": 1, "Get-UserBriefingConfig": 2, "Set-UserBriefingConfig": 1}; fmt.Sprint(c.Cmdlets) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", c.Cmdlets, want)
	}
	if c.Failed != 3 || c.UsersSet != 1 || c.Malformed != 15 {
		t.Errorf("%+v", c)
	}
	if o := run(t, loaded, "Get-MyAnalyticsFeatureConfig ada@contoso.com")[0]; o["PrivacyMode"] != "opt-out" || o["IsAddInEnabled"] != false {
		t.Errorf("by InvokeCommand %v", o)
	}
}

// Who asks for the path shows no token, and gets it.
func TestAutodiscover(t *testing.T) {
	for _, test := range []struct {
		method, query, token string
		faults               Faults
		status               int
		body                 string
	}{
		{"GET", "?Protocol=Weve", "", nil, 200, `{"Protocol":"Weve","Url":"https://substrate.office.com/weve"}`},
		{"GET", "?Protocol=EWS", "", nil, 400, `"ErrorCode":"ProtocolNotSupported"`},
		{"GET", "?Protocol=Weve", secret, nil, 400, "No token is wanted here"},
		{"POST", "?Protocol=Weve", "", nil, 405, "InvalidRequest"},
		{"GET", "?Protocol=Weve", "", Faults{"undiscovered": 1}, 400, `"ErrorCode":"ProtocolNotSupported"`},
		{"GET", "?Protocol=Weve", "", Faults{"discover503": 1}, 503, ""},
	} {
		s := &Server{Tenant: sandbox.New(), Token: secret, Faults: test.faults}
		r := httptest.NewRequest(test.method, "/autodiscover/autodiscover.json/v1.0/OAuthUser@"+organization+test.query, nil)
		if test.token != "" {
			r.Header.Set("Authorization", "Bearer "+test.token)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != test.status || !strings.Contains(w.Body.String(), test.body) {
			t.Errorf("%s %s: %d %s, want %d %s", test.method, test.query, w.Code, w.Body, test.status, test.body)
		}
		if c := s.Counts(); c.Discoveries != 1 || c.Requests != 0 {
			t.Errorf("%+v", c)
		}
	}
}

// Faults and limits befall this service too, in its own form.
func TestInsightsFaults(t *testing.T) {
	for fault, want := range map[string]int{"503": 503, "transient400": 400, "errors200": 200, "expired": 401, "claims": 401, "paged": 200} {
		s := &Server{Tenant: sandbox.New(), Token: secret, Faults: Faults{fault: 1}}
		w := ask(t, s, "GET", adas, "")
		if w.Code != want || want < 401 && !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s: %d %s", fault, w.Code, w.Body)
		}
		if n := s.Counts().Faults[fault]; (n == 1) == (fault == "paged") {
			t.Errorf("%s befell %d times", fault, n)
		}
	}
	s := &Server{Tenant: sandbox.New(), Token: secret, Rate: 1e-9, Burst: 1, RetryAfter: 3e9}
	for _, want := range []int{200, 429} {
		w := ask(t, s, "GET", adas, "")
		if w.Code != want || (want == 429) != (w.Header().Get("Retry-After") == "3") || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%d %v %s, want %d", w.Code, w.Header(), w.Body, want)
		}
	}
	r := httptest.NewRequest("GET", adas, nil)
	w := httptest.NewRecorder()
	if s.ServeHTTP(w, r); w.Code != http.StatusUnauthorized {
		t.Errorf("without a token: %d", w.Code)
	}
}

// The changes of a file's users survive, as those of InvokeCommand do.
func TestInsightsLogged(t *testing.T) {
	loaded, name := load(t, "UserPrincipalName\nAda@contoso.com\n")
	ask(t, &Server{Tenant: loaded, Token: secret}, "PATCH", adas, `{"ServiceSettings":{"IsOptedOut":true},"FeatureSettings":{"IsDashboardOptedOut":true,"IsDigestEmailOptedOut":false,"IsAddInOptedOut":true}}`)
	again, err := sandbox.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	o := run(t, again, "Get-MyAnalyticsFeatureConfig ada@contoso.com")[0]
	if tenant.Text(o["PrivacyMode"]) != "opt-out" || o["IsDigestEmailEnabled"] != true || o["IsAddInEnabled"] != false {
		t.Errorf("%v", o)
	}
}

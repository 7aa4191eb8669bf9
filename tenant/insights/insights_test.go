package insights

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rollcall/tenant"
	"rollcall/tenant/rest"
)

const (
	org   = "11111111-2222-3333-4444-555555555555"
	token = "a-token-of-no-form"

	settings = `{"ServiceSettings":{"IsOptedOut":false},"FeatureSettings":{"IsDashboardOptedOut":true,"IsDigestEmailOptedOut":false,"IsAddInOptedOut":true,"IsInsightsHeadspaceDisabled":true,"IsMore":1},"More":[]}`
	weve     = `{"Protocol":"Weve","Url":"https://substrate.office.com/weve"}`
)

// cmdlet returns a cmdlet for Ada, with parameters named and valued in turn.
func cmdlet(name string, p ...any) tenant.Cmdlet {
	c := tenant.Cmdlet{Name: name, Identity: "ada@example.org"}
	for i := 0; i < len(p); i += 2 {
		c.Parameters = append(c.Parameters, tenant.Parameter{Name: p[i].(string), Value: p[i+1]})
	}
	return c
}

var get = cmdlet("Get-MyAnalyticsFeatureConfig")

// newClient returns a Client of the server at endpoint.
func newClient(t testing.TB, endpoint string, change ...func(*Config)) *Client {
	t.Helper()
	cfg := Config{Config: rest.Config{Organization: org}}
	cfg.Endpoint = endpoint
	cfg.Token = func(context.Context, string, string) (string, error) { return token, nil }
	for _, f := range change {
		f(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// serve returns a Client of a server that has handler, and autodiscover.
func serve(t testing.TB, handler http.HandlerFunc, change ...func(*Config)) *Client {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/autodiscover/") {
			io.WriteString(w, weve)
			return
		}
		handler(w, r)
	}))
	t.Cleanup(srv.Close)
	return newClient(t, srv.URL, change...)
}

// answer returns a handler that always replies so.
func answer(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// failed returns the tenant.Error of a call that is to fail with class.
func failed(t *testing.T, err error, class tenant.Class) *tenant.Error {
	t.Helper()
	e, ok := errors.AsType[*tenant.Error](err)
	if !ok {
		t.Fatalf("error %v (%T), want a *tenant.Error", err, err)
	}
	if e.Class != class {
		t.Errorf("error %v has class %v, want %v", err, e.Class, class)
	}
	return e
}

// jwt returns a token with these claims.
func jwt(claims string) string {
	return "eyJhbGciOiJub25lIn0." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
}

// record returns the address of a server that sends the text of each request to
// the channel. Autodiscover is answered, and the rest has settings.
func record(t *testing.T) (<-chan string, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	sent := make(chan string, 10)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			var text bytes.Buffer
			r, err := http.ReadRequest(bufio.NewReader(io.TeeReader(conn, &text)))
			if err == nil {
				io.Copy(io.Discard, r.Body)
				sent <- text.String()
				body := strings.Replace(settings, `"More"`, `"IsEnabled":true,"More"`, 1)
				if strings.HasPrefix(r.URL.Path, "/autodiscover/") {
					body = weve
				}
				fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
			}
			conn.Close()
		}
	}()
	return sent, "http://" + l.Addr().String()
}

// What goes out for each of the module's rows, to the byte. Autodiscover gets no
// token.
func TestRequestText(t *testing.T) {
	const (
		optOut = `{"ServiceSettings":{"IsOptedOut":true},"FeatureSettings":{"IsDashboardOptedOut":true,"IsDigestEmailOptedOut":true,"IsAddInOptedOut":true}}`
		optIn  = `{"ServiceSettings":{"IsOptedOut":false},"FeatureSettings":{"IsDashboardOptedOut":false,"IsDigestEmailOptedOut":false,"IsAddInOptedOut":false}}`
		mine   = "settings"
		brief  = "briefingsettings/servicesettings"
	)
	const analytics, viva, briefing = "Set-MyAnalyticsFeatureConfig", "Set-VivaInsightsSettings", "Set-UserBriefingConfig"
	for _, test := range []struct {
		cmdlet         tenant.Cmdlet
		resource, body string
	}{
		{get, mine, ""},
		{cmdlet("Get-VivaInsightsSettings"), mine, ""},
		{cmdlet("Get-UserBriefingConfig"), brief, ""},
		{cmdlet(analytics, "PrivacyMode", "opt-out"), mine, optOut},
		{cmdlet(analytics, "privacymode", "Opt-In"), mine, optIn},
		{cmdlet(analytics, "Feature", "digest-email", "IsEnabled", false), mine, `{"FeatureSettings":{"IsDigestEmailOptedOut":true}}`},
		{cmdlet(analytics, "Feature", "Dashboard", "IsEnabled", true), mine, `{"FeatureSettings":{"IsDashboardOptedOut":false}}`},
		{cmdlet(analytics, "IsEnabled", false, "Feature", "add-in"), mine, `{"FeatureSettings":{"IsAddInOptedOut":true}}`},
		{cmdlet(analytics, "Feature", "all", "IsEnabled", false), mine, `{"FeatureSettings":{"IsDashboardOptedOut":true,"IsDigestEmailOptedOut":true,"IsAddInOptedOut":true}}`},
		{cmdlet(analytics, "PrivacyMode", "opt-out", "Feature", "digest-email", "IsEnabled", true), mine, strings.Replace(optOut, `"IsDigestEmailOptedOut":true`, `"IsDigestEmailOptedOut":false`, 1)},
		{cmdlet(analytics, "PrivacyMode", "opt-in", "Feature", "add-in", "IsEnabled", false), mine, strings.Replace(optIn, `"IsAddInOptedOut":false`, `"IsAddInOptedOut":true`, 1)},
		{cmdlet(viva, "Feature", "headspace", "Enabled", true), mine, `{"FeatureSettings":{"IsInsightsHeadspaceDisabled":false}}`},
		{cmdlet(viva, "Feature", "headspace", "Enabled", false), mine, `{"FeatureSettings":{"IsInsightsHeadspaceDisabled":true}}`},
		{cmdlet(briefing, "Enabled", true), brief, `{"IsEnabled":true}`},
		{cmdlet(briefing, "Enabled", false), brief, `{"IsEnabled":false}`},
	} {
		sent, endpoint := record(t)
		objects, err := newClient(t, endpoint).Run(t.Context(), test.cmdlet)
		if err != nil || (len(objects) == 1) != test.cmdlet.Reads() {
			t.Fatalf("Run(%v) = %v, %v", test.cmdlet, objects, err)
		}
		host := strings.TrimPrefix(endpoint, "http://")
		discover := "GET /autodiscover/autodiscover.json/v1.0/OAuthUser@" + org + "?Protocol=Weve HTTP/1.1\nHost: " + host +
			"\nUser-Agent: rollcall\nAccept-Encoding: gzip\n\n"
		want := "GET /weve/api/v1.1/users('ada@example.org')/" + test.resource + " HTTP/1.1\nHost: " + host +
			"\nUser-Agent: rollcall\nAuthorization: Bearer a-token-of-no-form\nAccept-Encoding: gzip\n\n"
		if test.body != "" {
			want = "PATCH /weve/api/v1.1/users('ada@example.org')/" + test.resource + " HTTP/1.1\nHost: " + host +
				"\nUser-Agent: rollcall\nContent-Length: " + fmt.Sprint(len(test.body)) +
				"\nAccept: application/json\nAuthorization: Bearer a-token-of-no-form\nContent-Type: application/json; charset=utf-8\nAccept-Encoding: gzip\n\n" + test.body
		}
		for _, want := range []string{discover, want} {
			if got := strings.ReplaceAll(<-sent, "\r\n", "\n"); got != want {
				t.Errorf("%v sent\n%s\nwant\n%s", test.cmdlet, got, want)
			}
		}
		if len(sent) > 0 {
			t.Errorf("%v sent more:\n%s", test.cmdlet, <-sent)
		}
	}
}

// What the module refuses is refused, and nothing sent.
func TestRefusedBeforeSending(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") }))
	t.Cleanup(srv.Close)
	c := newClient(t, srv.URL)
	const analytics, viva, briefing = "Set-MyAnalyticsFeatureConfig", "Set-VivaInsightsSettings", "Set-UserBriefingConfig"
	for _, test := range []struct {
		cmdlet tenant.Cmdlet
		want   string
	}{
		{cmdlet("Remove-MyAnalyticsFeatureConfig"), "not a Get- or Set- cmdlet"},
		{cmdlet("Get-CASMailbox"), "not a cmdlet of Viva Insights"},
		{get.For(""), "no identity"},
		{get.For("ada\xff@example.org"), "not UTF-8"},
		{cmdlet("Get-MyAnalyticsFeatureConfig", "Feature", "all"), `parameter "Feature": no such parameter`},
		{cmdlet(analytics), "nothing to set"},
		{cmdlet(analytics, "IsEnabled", true), "want Feature and IsEnabled both"},
		{cmdlet(analytics, "Feature", "all"), "want Feature and IsEnabled both"},
		{cmdlet(analytics, "PrivacyMode", "opt-out", "Feature", "all"), "want Feature and IsEnabled both"},
		{cmdlet(analytics, "PrivacyMode", "optout"), `parameter "PrivacyMode": "optout": want opt-in, opt-out`},
		{cmdlet(analytics, "PrivacyMode", ""), `parameter "PrivacyMode"`},
		{cmdlet(analytics, "PrivacyMode", nil), `parameter "PrivacyMode": null`},
		{cmdlet(analytics, "PrivacyMode", true), `parameter "PrivacyMode": true`},
		{cmdlet(analytics, "PrivacyMode", "opt-in", "privacyMODE", "opt-out"), "given twice"},
		{cmdlet(analytics, "Feature", "headspace", "IsEnabled", true), `parameter "Feature"`},
		{cmdlet(analytics, "Feature", "all", "IsEnabled", "true"), `parameter "IsEnabled": "true": want true or false, and not as text`},
		{cmdlet(analytics, "Feature", "all", "IsEnabled", nil), `parameter "IsEnabled"`},
		{cmdlet(analytics, "Feature", "all", "Enabled", true), `parameter "Enabled": no such parameter`},
		{cmdlet(viva, "Enabled", true), "want Feature and Enabled both"},
		{cmdlet(viva, "Feature", "headspace"), "want Feature and Enabled both"},
		{cmdlet(viva, "Feature", "dashboard", "Enabled", true), `parameter "Feature": "dashboard": want headspace`},
		{cmdlet(viva, "Feature", "headspace", "Enabled", "no"), `parameter "Enabled"`},
		{cmdlet(briefing), "nothing to set"},
		{cmdlet(briefing, "Enabled", "true"), `parameter "Enabled"`},
		{cmdlet(briefing, "IsEnabled", true), `parameter "IsEnabled": no such parameter`},
	} {
		_, err := c.Run(t.Context(), test.cmdlet)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("Run(%v) = %v; want %q", test.cmdlet, err, test.want)
		}
		if _, ok := errors.AsType[*tenant.Error](err); ok {
			t.Errorf("Run(%v) = %v, a *tenant.Error, of a call that no tenant saw", test.cmdlet, err)
		}
	}
}

// Objects have what the module shows.
func TestObjects(t *testing.T) {
	for _, test := range []struct {
		noun, body string
		want       tenant.Object
	}{
		{"MyAnalyticsFeatureConfig", settings, tenant.Object{"UserId": "ada@example.org", "PrivacyMode": "opt-in",
			"IsDashboardEnabled": false, "IsAddInEnabled": false, "IsDigestEmailEnabled": true}},
		{"myanalyticsfeatureconfig", "\uFEFF" + `{"servicesettings":{"isoptedout":true},"featuresettings":{"isdashboardoptedout":false}}`,
			tenant.Object{"UserId": "ada@example.org", "PrivacyMode": "opt-out", "IsDashboardEnabled": true}},
		{"VivaInsightsSettings", settings, tenant.Object{"UserId": "ada@example.org", "IsInsightsHeadspaceEnabled": false}},
		{"VivaInsightsSettings", `{"FeatureSettings":{}}`, tenant.Object{"UserId": "ada@example.org"}},
		{"UserBriefingConfig", `{"IsEnabled":true}`, tenant.Object{"UserId": "ada@example.org", "IsEnabled": true}},
	} {
		c := serve(t, answer(200, test.body))
		objects, err := c.Run(t.Context(), cmdlet("Get-"+test.noun))
		if err != nil || len(objects) != 1 || !reflect.DeepEqual(objects[0], test.want) {
			t.Errorf("%s of %s: %v, %v; want %v", test.noun, test.body, objects, err, test.want)
		}
	}
}

const license = `{"Code":"Forbidden","Message":"Access to the requested resource is forbidden.","Target":"x","Details":[{"Code":"PolicyNotSatisfied","Message":"The following authorization requirements are not satisfied: UserRequireAdvancedMyALicense."}]}`

const policy = `{"code":"Forbidden","message":"Access to the requested resource is forbidden.","details":[{"message":"The following authorization requirements are not satisfied: ((TokenTypeAuthorizationRequirement(UserActAs, AppOnly)&ScopeAuthorizationRequirement(OrganizationSettings.Read))|WidsAuthorizationRequirement(62e90394-69f5-4237-9190-012177145e10))."}]}`

// A reply that is no success is one of a failure's classes, with the reason.
func TestFaults(t *testing.T) {
	app := jwt(`{"appid":"app-1","app_displayname":"Robot","idtyp":"app","wids":["f2ef992c-3afb-46b9-b7cf-a126ee74c451"]}`)
	admin := jwt(`{"upn":"admin@example.org","wids":["29232CDF-9323-42fd-ade2-1d097af3e4de"]}`)
	const html = `<!DOCTYPE html><html><title>Bad Gateway</title></html>`
	const lost = "at the path /weve: if no user is found there, the path may be wrong"
	for _, test := range []struct {
		name   string
		status int
		body   string
		header string // Retry-After
		token  string
		class  tenant.Class
		text   string
	}{
		{"license", 403, license, "", token, tenant.Denied, "this user has no license that the setting needs: assign one, or leave the user out (the service says: Access to the requested resource is forbidden. The following authorization requirements are not satisfied: UserRequireAdvancedMyALicense.)"},
		{"policy", 403, policy, "", app, tenant.Denied, "the caller lacks the role: give the application Robot app-1 the role Exchange Administrator in Entra ID (or Global, Teams or Insights Administrator), and sign in again"},
		{"policy of an opaque token", 403, policy, "", token, tenant.Denied, "the caller lacks the role: give the caller the role"},
		{"policy in spite of a role", 403, policy, "", admin, tenant.Denied, "although it has a role that should be enough"},
		{"no reason, and no role", 403, `{"Code":"Forbidden","Message":"no"}`, "", app, tenant.Denied, "no; the caller lacks the role: give the application Robot"},
		{"no reason, and a role", 403, `{"Code":"Forbidden","Message":"Access to the requested resource is forbidden."}`, "", admin, tenant.Denied, "Access to the requested resource is forbidden."},
		{"empty 403", 403, "", "", token, tenant.Denied, "forbidden"},
		{"not found", 404, `{"Code":"NotFound","Message":"No such user."}`, "", token, tenant.NotFound, "No such user. (" + lost + ")"},
		{"empty 404", 404, "", "", token, tenant.NotFound, "not found (" + lost + ")"},
		{"a page", 404, html, "", token, tenant.Failed, lost},
		{"bad request", 400, `{"Code":"BadRequest","Message":"The calling client sent a bad request to the service"}`, "", token, tenant.Failed, "The calling client sent a bad request to the service"},
		{"code alone", 400, `{"Code":"Odd"}`, "", token, tenant.Failed, "Odd"},
		{"another form", 400, `{"error":{"code":"x","message":"y"}}`, "", token, tenant.Failed, "y"},
		{"strange JSON", 400, `[1]`, "", token, tenant.Failed, "[1]"},
		{"throttled", 429, `{"Code":"TooManyRequests","Message":"slow"}`, "7", token, tenant.Throttled, "slow"},
		{"throttled, empty", 429, "", "7", token, tenant.Throttled, "too many requests"},
		{"busy", 503, "", "7", token, tenant.Throttled, "service unavailable"},
		{"unavailable", 503, "", "", token, tenant.Unavailable, "service unavailable"},
		{"gateway", 502, html, "", token, tenant.Unavailable, "an HTML page, Bad Gateway"},
		{"internal", 500, `{"Code":"InternalServerError","Message":"oops"}`, "", token, tenant.Unavailable, "oops"},
		{"refused", 401, `{"Code":"Unauthorized","Message":"bad token"}`, "", token, tenant.Unavailable, "bad token"},
		{"page of success", 200, html, "", token, tenant.Unavailable, "the reply is not JSON: an HTML page"},
		{"empty success", 200, "", "", token, tenant.Unavailable, "the reply is empty"},
		{"no content", 204, "", "", token, tenant.Unavailable, "the reply is empty"},
		{"half a success", 200, settings[:40], "", token, tenant.Unavailable, "the reply is not JSON"},
		{"no groups", 200, `{}`, "", token, tenant.Failed, "the reply has no ServiceSettings with IsOptedOut"},
		{"one group", 200, `{"ServiceSettings":{"IsOptedOut":true}}`, "", token, tenant.Failed, "the reply has no FeatureSettings"},
		{"null", 200, `null`, "", token, tenant.Failed, "the reply has no ServiceSettings"},
		{"texts", 200, strings.ReplaceAll(settings, "false", `"no"`), "", token, tenant.Failed, "another form"},
		{"a list", 200, `[]`, "", token, tenant.Failed, "another form"},
		{"an error as success", 200, `{"Code":"Odd","Message":"no good"}`, "", token, tenant.Failed, "no good"},
		{"a passing error as success", 200, `{"Code":"Busy","Message":"StorageTransientException"}`, "", token, tenant.Unavailable, "StorageTransientException"},
		{"too long", 200, `{"pad":"` + strings.Repeat("x", maxReply) + `"}`, "", token, tenant.Failed, "too long"},
		{"redirect", 302, "", "", token, tenant.Failed, "which is not followed"},
	} {
		for _, cmd := range []tenant.Cmdlet{get, cmdlet("Set-MyAnalyticsFeatureConfig", "PrivacyMode", "opt-out")} {
			c := serve(t, answer(test.status, test.body, "Retry-After", test.header, "Location", "https://elsewhere.example/x"),
				func(cfg *Config) {
					cfg.Token = func(context.Context, string, string) (string, error) { return test.token, nil }
				})
			objects, err := c.Run(t.Context(), cmd)
			if objects != nil || err == nil {
				t.Fatalf("%s: %v, %v", test.name, objects, err)
			}
			e := failed(t, err, test.class)
			if !strings.Contains(e.Err.Error(), test.text) || e.Op != cmd.Name || e.Object != cmd.Identity || e.Status != test.status {
				t.Errorf("%s: %v; want %q", test.name, err, test.text)
			}
			if want := test.header == "7"; (e.RetryAfter == 7*time.Second) != want {
				t.Errorf("%s: RetryAfter %v", test.name, e.RetryAfter)
			}
		}
	}
}

// What everybody fails of alike is said for all of them: which role, to whom, or
// that it is the path; and of what may be one user's, nothing for certain.
func TestCommon(t *testing.T) {
	app := jwt(`{"appid":"app-1","app_displayname":"Robot","idtyp":"app","wids":["f2ef992c-3afb-46b9-b7cf-a126ee74c451"]}`)
	admin := jwt(`{"upn":"admin@example.org","wids":["29232CDF-9323-42fd-ade2-1d097af3e4de"]}`)
	person := jwt(`{"upn":"ada@example.org"}`)
	const plain = `{"Code":"Forbidden","Message":"Access to the requested resource is forbidden."}`
	for _, test := range []struct {
		status      int
		body, token string
		want        string // how it begins
		row         bool   // each user's error has it, too
	}{
		{404, "", token, "the path /weve may be wrong, not the users", false},
		{403, license, token, "none of them has a license that the setting needs", false},
		{403, policy, app, "the caller lacks the role: give the application Robot app-1 the role Exchange Administrator in Entra ID", true},
		{403, plain, person, "the caller lacks the role: give ada@example.org the role Exchange Administrator", true},
		{403, policy, admin, "the caller lacks what the service requires, although it has a role", true},
		{403, plain, admin, "the caller has a role that should be enough, but it may not be in force yet", false},
		{403, plain, token, "the caller may lack the role: give the caller the role Exchange Administrator", false},
		{400, `{"Code":"BadRequest","Message":"no"}`, app, "", false},
	} {
		c := serve(t, answer(test.status, test.body), func(cfg *Config) {
			cfg.Token = func(context.Context, string, string) (string, error) { return test.token, nil }
		})
		_, err := c.Run(t.Context(), get)
		e, ok := errors.AsType[*tenant.Error](err)
		if !ok || !strings.HasPrefix(e.Common, test.want) || (test.want == "") != (e.Common == "") {
			t.Errorf("%d %s: %+v, want %q", test.status, test.body, e, test.want)
		} else if e.Common != "" && strings.Contains(err.Error(), e.Common) != test.row {
			t.Errorf("%d %s: %v: the row has %q: want that %t", test.status, test.body, err, e.Common, test.row)
		}
	}
}

// The error of a user who is not found is the same before and after another one is found.
func TestNotFoundIsOneError(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "ada") {
			io.WriteString(w, settings)
			return
		}
		w.WriteHeader(404)
	})
	_, before := c.Run(t.Context(), get.For("eve@example.org"))
	if _, err := c.Run(t.Context(), get); err != nil {
		t.Fatal(err)
	}
	_, after := c.Run(t.Context(), get.For("eve@example.org"))
	if before == nil || !reflect.DeepEqual(before, after) {
		t.Errorf("%+v, then %+v", before, after)
	}
}

// A token that is refused is asked for anew, once, and the same is sent again.
func TestRefusedToken(t *testing.T) {
	var bodies []string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies = append(bodies, r.Method+" "+r.URL.Path+" "+string(body))
		if r.Header.Get("Authorization") != "Bearer new" {
			w.WriteHeader(401)
			return
		}
		io.WriteString(w, settings)
	}, func(cfg *Config) {
		cfg.Token = func(_ context.Context, refused, _ string) (string, error) {
			if refused == "old" {
				return "new", nil
			}
			return "old", nil
		}
	})
	_, err := c.Run(t.Context(), cmdlet("Set-MyAnalyticsFeatureConfig", "PrivacyMode", "opt-out"))
	if err != nil || len(bodies) != 2 || bodies[0] != bodies[1] {
		t.Errorf("%v, after %q", err, bodies)
	}
}

// No token is in an error, a text of a Client, or at another host.
func TestTokenStays(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("another host was called") }))
	t.Cleanup(elsewhere.Close)
	for _, handler := range []http.HandlerFunc{
		answer(307, "", "Location", elsewhere.URL),
		answer(400, `{"Code":"x","Message":"your token a-token-of-no-form, a-token-of-\u006eo-form"}`),
		answer(403, "a-token-of-no-form"),
		answer(200, "<html>a-token-of-no-form"),
	} {
		c := serve(t, handler)
		_, err := c.Run(t.Context(), get)
		if text := fmt.Sprintf("%v %+v %v %s", err, err, c, c); strings.Contains(text, "oken-of-no") || err == nil {
			t.Errorf("%s", text)
		}
	}
}

// Replies of all kinds become an object or an error, whatever they are.
func FuzzReply(f *testing.F) {
	for _, body := range []string{settings, license, policy, "", "null", "{", `{"IsEnabled":true}`, `{"error":{"message":"x"}}`, "<html>"} {
		for _, status := range []int{200, 204, 400, 401, 403, 404, 429, 500, 503} {
			f.Add(status, body)
		}
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 599 {
			return
		}
		c := newClient(t, "", func(cfg *Config) {
			cfg.Transport = fake(func(r *http.Request) (*http.Response, error) {
				status, body := status, body
				if r.Header.Get("Authorization") == "" {
					status, body = 200, weve
				}
				return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
			})
		})
		for _, n := range nouns {
			for _, cmd := range []tenant.Cmdlet{cmdlet("Get-" + n.name), sets[n.name]} {
				objects, err := c.Run(t.Context(), cmd)
				if (err == nil) && (status/100 != 2 || cmd.Reads() && len(objects) != 1 || !strings.HasPrefix(strings.TrimLeft(body, "\uFEFF\x00 \t\r\n"), "{")) {
					t.Errorf("%d %q is a success: %v", status, body, objects)
				}
				if err != nil {
					if e := failed(t, err, classOf(err)); strings.ContainsAny(e.Error(), "\n\x00\x1b") {
						t.Errorf("%q", e)
					}
				}
			}
		}
	})
}

var sets = map[string]tenant.Cmdlet{
	"MyAnalyticsFeatureConfig": cmdlet("Set-MyAnalyticsFeatureConfig", "PrivacyMode", "opt-in"),
	"VivaInsightsSettings":     cmdlet("Set-VivaInsightsSettings", "Feature", "headspace", "Enabled", true),
	"UserBriefingConfig":       cmdlet("Set-UserBriefingConfig", "Enabled", true),
}

func classOf(err error) tenant.Class {
	if e, ok := errors.AsType[*tenant.Error](err); ok {
		return e.Class
	}
	return tenant.Failed
}

// A fake is a transport in memory.
type fake func(*http.Request) (*http.Response, error)

func (f fake) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// The path is asked for once, without a token, whoever comes first, and only
// what is safe is taken of the answer.
func TestDiscovery(t *testing.T) {
	const usual = "/weveb2"
	for _, test := range []struct {
		name     string
		status   int
		body     string
		location string
		want     string
		class    tenant.Class // of the failure, if want is empty
	}{
		{"named", 200, weve, "", "/weve", 0},
		{"capitals", 200, `{"protocol":"weve","URL":"https://x.example/WeveB2/"}`, "", "/WeveB2", 0},
		{"two segments", 200, `{"Url":"https://x.example/a/b-2"}`, "", "/a/b-2", 0},
		{"not supported", 400, `{"ErrorCode":"ProtocolNotSupported","ErrorMessage":"x"}`, "", usual, 0},
		{"not supported, as success", 200, `{"ErrorCode":"ProtocolNotSupported","ErrorMessage":"x"}`, "", usual, 0},
		{"not found", 404, ``, "", usual, 0},
		{"page", 404, `<html>`, "", usual, 0},
		{"refused", 401, ``, "", usual, 0},
		{"forbidden", 403, `no`, "", usual, 0},
		{"elsewhere", 302, ``, "https://elsewhere.example/", usual, 0},
		{"in circles", 302, ``, "?Protocol=Weve", usual, 0},
		{"up", 200, `{"Url":"https://x.example/weve/../adminapi"}`, "", usual, 0},
		{"up, escaped", 200, `{"Url":"https://x.example/%2e%2e/adminapi"}`, "", usual, 0},
		{"slash, escaped", 200, `{"Url":"https://x.example/a%2fb"}`, "", usual, 0},
		{"query", 200, `{"Url":"https://x.example/weve?x=y"}`, "", usual, 0},
		{"fragment", 200, `{"Url":"https://x.example/weve#"}`, "", usual, 0},
		{"second host", 200, `{"Url":"https://x.example//evil.example/weve"}`, "", usual, 0},
		{"backslash", 200, `{"Url":"https://x.example/\\evil"}`, "", usual, 0},
		{"user", 200, `{"Url":"https://u:p@x.example/weve"}`, "", usual, 0},
		{"no path", 200, `{"Url":"https://x.example"}`, "", usual, 0},
		{"no URL", 200, `{"Url":"weve"}`, "", usual, 0},
		{"none", 200, `{}`, "", usual, 0},
		{"no text", 200, `{"Url":7}`, "", usual, 0},
		{"quote", 200, `{"Url":"https://x.example/we've"}`, "", usual, 0},
		{"busy", 503, ``, "", "", tenant.Unavailable},
		{"throttled", 429, ``, "", "", tenant.Throttled},
		{"gateway", 502, `<html>`, "", "", tenant.Unavailable},
		{"page of success", 200, `<html>`, "", "", tenant.Unavailable},
		{"half", 200, weve[:20], "", "", tenant.Unavailable},
		{"empty", 200, ``, "", "", tenant.Unavailable},
	} {
		var asked, said atomic.Int64
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/autodiscover/") {
				asked.Add(1)
				if r.Header.Get("Authorization") != "" {
					t.Errorf("%s: autodiscover got a token", test.name)
				}
				time.Sleep(5 * time.Millisecond)
				answer(test.status, test.body, "Location", test.location)(w, r)
				return
			}
			if path := strings.TrimSuffix(r.URL.Path, "/api/v1.1/users('ada@example.org')/settings"); path != test.want {
				t.Errorf("%s: path %s, want %s", test.name, path, test.want)
			}
			io.WriteString(w, settings)
		}))
		c := newClient(t, srv.URL, func(cfg *Config) { cfg.Inform = func(string) { said.Add(1) } })
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				_, err := c.Run(t.Context(), get)
				if test.want == "" {
					if e := failed(t, err, test.class); !strings.HasPrefix(e.Err.Error(), "autodiscover: ") || e.Object != get.Identity {
						t.Errorf("%s: %v", test.name, err)
					}
				} else if err != nil {
					t.Errorf("%s: %v", test.name, err)
				}
			})
		}
		wg.Wait()
		if n := asked.Load(); test.want != "" && n != 1 || n < 1 {
			t.Errorf("%s: asked %d times", test.name, n)
		}
		if n := said.Load(); n > 1 || (n == 1) != (test.want == usual) {
			t.Errorf("%s: said %d times", test.name, n)
		}
		srv.Close()
	}
}

// A failure that passes is tried again, and whom it is asked about is the person
// whose token it is.
func TestDiscoveryAgain(t *testing.T) {
	var paths []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.URL.EscapedPath())
		switch len(paths) {
		case 1:
			w.WriteHeader(503)
		case 2:
			http.Redirect(w, r, "/elsewhere/here?Protocol=Weve", http.StatusFound)
		case 3:
			io.WriteString(w, weve)
		default:
			io.WriteString(w, settings)
		}
	}))
	t.Cleanup(srv.Close)
	c := newClient(t, srv.URL+"/base/", func(cfg *Config) {
		cfg.Organization = "contoso.onmicrosoft.com"
		cfg.Token = func(context.Context, string, string) (string, error) {
			return jwt(`{"upn":"o'neil+x@example.org"}`), nil
		}
	})
	_, err := c.Run(t.Context(), get)
	failed(t, err, tenant.Unavailable)
	if _, err := c.Run(t.Context(), get); err != nil {
		t.Fatal(err)
	}
	ask := "/base/autodiscover/autodiscover.json/v1.0/o%27neil%2Bx@example.org"
	want := []string{ask, ask, "/elsewhere/here", "/base/weve/api/v1.1/users('ada@example.org')/settings"}
	if !reflect.DeepEqual(paths, want) {
		t.Errorf("paths %q\nwant %q", paths, want)
	}
}

// A caller who goes away takes nobody along, and an untrusted server is none
// that has no path.
func TestDiscoveryEnds(t *testing.T) {
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/autodiscover/") {
			<-release
			io.WriteString(w, weve)
			return
		}
		io.WriteString(w, settings)
	}))
	t.Cleanup(srv.Close)
	c := newClient(t, srv.URL)
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error)
	go func() { _, err := c.Run(ctx, get); first <- err }()
	second := make(chan error)
	time.Sleep(10 * time.Millisecond)
	go func() { _, err := c.Run(t.Context(), get); second <- err }()
	time.Sleep(10 * time.Millisecond)
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("the first: %v", err)
	}
	close(release)
	if err := <-second; err != nil {
		t.Errorf("the second: %v", err)
	}

	tls := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(tls.Close)
	_, err := newClient(t, tls.URL).Run(t.Context(), get)
	if e := failed(t, err, tenant.Unauthorized); !strings.Contains(e.Error(), "certificate") {
		t.Errorf("%v", err)
	}
}

// A name in a path is one segment, and says what it says.
func TestEscape(t *testing.T) {
	for name, want := range map[string]string{
		"ada@example.org":                      "ada@example.org",
		"o'neil@example.org":                   "o%27%27neil@example.org",
		"eve_gmail.com#EXT#@contoso.com":       "eve_gmail.com%23EXT%23@contoso.com",
		"zoë@example.org":                      "zo%C3%AB@example.org",
		"a%41?b/c+d@example.org":               "a%2541%3Fb%2Fc%2Bd@example.org",
		"x')/settings?a=('@example.org":        "x%27%27%29%2Fsettings%3Fa%3D%28%27%27@example.org",
		"1a2b3c4d-0000-1111-2222-333344445555": "1a2b3c4d-0000-1111-2222-333344445555",
		"..":                                   "..",
		"tab\tand\nline@example.org":           "tab%09and%0Aline@example.org",
	} {
		var got string
		c := newClient(t, "", func(cfg *Config) {
			cfg.Transport = fake(func(r *http.Request) (*http.Response, error) {
				body := weve
				if !strings.HasPrefix(r.URL.Path, "/auto") {
					got, body = r.URL.RequestURI(), settings
				}
				return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
			})
		})
		objects, err := c.Run(t.Context(), get.For(name))
		if err != nil || objects[0]["UserId"] != name {
			t.Errorf("%q: %v, %v", name, objects, err)
		}
		if want := "/weve/api/v1.1/users('" + want + "')/settings"; got != want {
			t.Errorf("%q: %s\nwant %s", name, got, want)
		}
	}
}

// An organization is a GUID or a domain.
func TestOrganization(t *testing.T) {
	for org, ok := range map[string]bool{org: true, "contoso.onmicrosoft.com": true, "": false, "a/b": false, "..": false} {
		cfg := Config{Config: rest.Config{Organization: org}}
		cfg.Token = func(context.Context, string, string) (string, error) { return token, nil }
		if _, err := New(cfg); (err == nil) != ok {
			t.Errorf("%q: %v", org, err)
		}
	}
}

package server

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"rollcall/tenant"
	"rollcall/tenant/sandbox"
)

const (
	path   = "/adminapi/beta/11111111-2222-3333-4444-555555555555/InvokeCommand"
	secret = "s3cret"
)

// The classes of the exceptions that a tenant fails with.
const (
	commandNotFound  = "System.Management.Automation.CommandNotFoundException"
	binding          = "System.Management.Automation.ParameterBindingException"
	validation       = "System.Management.Automation.ParameterBindingValidationException"
	transformation   = "System.Management.Automation.ParameterBindingArgumentTransformationException"
	invalidOperation = "Microsoft.Exchange.Configuration.Tasks.InvalidOperationInTenantException"
	objectNotFound   = "Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException"
)

// envelope returns the body of a request to run what line, as cmdlet reads it,
// says.
func envelope(line string) string {
	c := cmdlet(line)
	ps := map[string]any{"Identity": c.Identity}
	for _, p := range c.Parameters {
		ps[p.Name] = p.Value
	}
	b, err := json.Marshal(map[string]any{"CmdletInput": map[string]any{"CmdletName": c.Name, "Parameters": ps}})
	if err != nil {
		panic(err)
	}
	return string(b)
}

func newRequest(t *testing.T, url, body string) *http.Request {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+secret)
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	return r
}

// serve has s reply to one request, without a network.
func serve(t *testing.T, s *Server, line string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, newRequest(t, path, envelope(line)))
	return w
}

// decode returns the value of a JSON object.
func decode(t *testing.T, body string) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return v
}

// The bodies of replies, to the letter.
func TestReplies(t *testing.T) {
	loaded, _ := load(t, "UserPrincipalName,Licensed\nAda@contoso.com,false\n\"o\"\"brien\",\n")
	const context = `{"@odata.context":"https://outlook.office365.com/adminapi/beta/11111111-2222-3333-4444-555555555555/$metadata#Collection(Exchange.GenericHashTable)",`
	s := &Server{Tenant: loaded, Token: secret}
	for _, test := range []struct {
		line      string
		status    int
		exception string
		body      string
	}{
		{"Get-MyAnalyticsFeatureConfig ADA@contoso.com", 200, "", context +
			`"value":[{"UserId":"Ada@contoso.com","PrivacyMode":"opt-in","IsDashboardEnabled":true,"IsDashboardEnabled@data.type":"System.Boolean",` +
			`"IsAddInEnabled":true,"IsAddInEnabled@data.type":"System.Boolean","IsDigestEmailEnabled":true,"IsDigestEmailEnabled@data.type":"System.Boolean"}]}`},
		{"Get-VivaInsightsSettings o\"brien", 200, "", context +
			`"value":[{"UserId":"o\"brien","IsInsightsHeadspaceEnabled":true,"IsInsightsHeadspaceEnabled@data.type":"System.Boolean"}]}`},
		{"Set-UserAnalyticsConfig ada@contoso.com PrivacyMode=opt-out", 200, "", context + `"value":[]}`},
		{"Set-UserAnalyticsConfig ada@contoso.com PrivacyMode=opt-out", 200, "", context +
			`"@adminapi.warnings":["The command completed successfully but no settings of 'Ada@contoso.com' have been modified."],"value":[]}`},
		{"Get-UserAnalyticsConfig ada@contoso.com", 200, "", context + `"value":[{"Identity":"Ada@contoso.com","PrivacyMode":"Opt-Out"}]}`},
		{"Set-Clutter ada@contoso.com Enable=false Days=12345678901234567890 Note=null List=[1,\"x\"] Free=a&b", 200, "", context + `"value":[]}`},
		{"Get-Clutter ada@contoso.com", 200, "", context +
			`"value":[{"Identity":"Ada@contoso.com","Days":12345678901234567890,"Enable":false,"Enable@data.type":"System.Boolean","Free":"a&b","List":[1,"x"],"Note":null}]}`},
		{"Get-MyAnalyticsFeatureConfig eve@contoso.com", 404, objectNotFound,
			`{"error":{"code":"404","message":"Error executing cmdlet","details":[{"code":"ObjectNotFound","target":"eve@contoso.com",` +
				`"message":"ExBA73AD|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|The operation couldn't be performed because object 'eve@contoso.com' couldn't be found on 'sandbox'."}],` +
				`"innererror":{"message":"Error executing cmdlet","type":"Microsoft.Exchange.Admin.OData.Core.ODataServiceException",` +
				`"internalexception":{"message":"ExBA73AD|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|The operation couldn't be performed because object 'eve@contoso.com' couldn't be found on 'sandbox'.",` +
				`"type":"Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException"}}}}`},
		{"Set-UserBriefingConfig ada@contoso.com Enabled=a|b", 400, transformation, "|" + transformation + `|Cannot process argument transformation on parameter 'Enabled'. Cannot convert value \"a/b\"`},
		{"Set-UserAnalyticsConfig ada@contoso.com PrivacyMode=Excluded", 400, invalidOperation, "Instead, specify Opt-out."},
	} {
		w := serve(t, s, test.line)
		body := w.Body.String()
		if w.Code != test.status || w.Header().Get("x-ExceptionType") != test.exception || !tenant.IsGUID(w.Header().Get("request-id")) {
			t.Errorf("%s: %d %v; want %d %q", test.line, w.Code, w.Header(), test.status, test.exception)
		}
		if strings.HasPrefix(test.body, "{") && body != test.body || !strings.Contains(body, test.body) {
			t.Errorf("%s:\n%s\nwant\n%s", test.line, body, test.body)
		}
		if !json.Valid(w.Body.Bytes()) || !strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
			t.Errorf("%s: %s %q: not JSON", test.line, w.Header().Get("Content-Type"), body)
		}
	}
}

func TestAppendJSON(t *testing.T) {
	for text, want := range map[string]string{
		"ada": `"ada"`, "": `""`, `a"\b`: `"a\"\\b"`, "a\nb": `"a\nb"`, "É": `"É"`, "a\xe9b": `"a\ufffdb"`, "\x7f": "\"\x7f\"",
	} {
		if got := string(appendJSON(nil, text)); got != want {
			t.Errorf("appendJSON(%q) = %s, want %s", text, got, want)
		}
	}
}

// What is not of the protocol is refused, with the status that says why, and
// runs nothing.
func TestProtocol(t *testing.T) {
	good := envelope("Set-UserBriefingConfig ada Enabled=false")
	for _, test := range []struct {
		name, url, body string
		edit            func(r *http.Request)
		status          int
	}{
		{"good", path, good, nil, 200},
		{"v1.0", strings.Replace(path, "beta", "v1.0", 1), good, nil, 200},
		{"select", path + "?$select=Enabled", good, nil, 200},
		{"v2.0", strings.Replace(path, "beta", "v2.0", 1), good, nil, 404},
		{"a domain", "/adminapi/beta/contoso.onmicrosoft.com/InvokeCommand", good, nil, 200},
		{"neither GUID nor domain", "/adminapi/beta/contoso/InvokeCommand", good, nil, 404},
		{"hardly a GUID", strings.Replace(path, "1111-2222", "1111x2222", 1), good, nil, 404},
		{"batch", strings.Replace(path, "InvokeCommand", "$batch", 1), good, nil, 400},
		{"batch of v1.0", "/adminapi/v1.0/11111111-2222-3333-4444-555555555555/$batch", good, nil, 404},
		{"below", path + "/x", good, nil, 404},
		{"GET", path, good, func(r *http.Request) { r.Method = http.MethodGet }, 405},
		{"another token", path, good, func(r *http.Request) { r.Header.Set("Authorization", "Bearer s3creT") }, 401},
		{"a token's start", path, good, func(r *http.Request) { r.Header.Set("Authorization", "Bearer s3cre") }, 401},
		{"no token", path, good, func(r *http.Request) { r.Header.Del("Authorization") }, 401},
		{"Basic", path, good, func(r *http.Request) { r.Header.Set("Authorization", "Basic "+secret) }, 401},
		{"bearer", path, good, func(r *http.Request) { r.Header.Set("Authorization", "bearer "+secret) }, 200},
		{"header agrees", path, good, func(r *http.Request) { r.Header.Set("X-CmdletName", "Set-UserBriefingConfig") }, 200},
		{"header disagrees", path, good, func(r *http.Request) { r.Header.Set("X-CmdletName", "Get-UserBriefingConfig") }, 400},
		{"bare JSON", path, good, func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, 200},
		{"JSON and more", path, good, func(r *http.Request) { r.Header.Set("Content-Type", "Application/JSON;charset=UTF-8") }, 200},
		{"no type", path, good, func(r *http.Request) { r.Header.Del("Content-Type") }, 400},
		{"a form", path, good, func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }, 400},
		{"empty", path, "", nil, 400},
		{"no JSON", path, good[:len(good)-1], nil, 400},
		{"more than JSON", path, good + "{}", nil, 400},
		{"a list", path, "[" + good + "]", nil, 400},
		{"no envelope", path, `{"CmdletName":"Get-Mailbox"}`, nil, 400},
		{"other verb", path, strings.Replace(good, "Set-", "Remove-", 1), nil, 400},
		{"no identity", path, strings.Replace(good, `"Identity":"ada"`, `"X":1`, 1), nil, 400},
		{"empty identity", path, strings.Replace(good, `"ada"`, `""`, 1), nil, 400},
		{"null identity", path, strings.Replace(good, `"ada"`, `null`, 1), nil, 400},
		{"two identities", path, strings.Replace(good, `"Identity"`, `"identity":"bob","Identity"`, 1), nil, 400},
		{"annotated", path, strings.Replace(good, `"Identity"`, `"Enabled@odata.type":"#Boolean","Identity"`, 1), nil, 200},
		{"too long", path, good + strings.Repeat(" ", maxBody), nil, 413},
	} {
		tn := sandbox.New()
		s := &Server{Tenant: tn, Token: secret}
		r := newRequest(t, test.url, test.body)
		if test.edit != nil {
			test.edit(r)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != test.status {
			t.Errorf("%s: %d %s, want %d", test.name, w.Code, w.Body, test.status)
		}
		if w.Code == 401 && !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Bearer ") {
			t.Errorf("%s: no WWW-Authenticate", test.name)
		}
		if w.Code >= 400 && w.Code != 401 {
			e := decode(t, w.Body.String())["error"].(map[string]any)
			if e["code"] == "" || e["message"] == "" {
				t.Errorf("%s: %s", test.name, w.Body)
			}
		}
		ran := run(t, tn, "Get-UserBriefingConfig ada")[0]["IsEnabled"] == false
		if ran != (test.status == 200) {
			t.Errorf("%s: ran: %t", test.name, ran)
		}
		counts := s.Counts()
		want := map[int]Counts{401: {RefusedTokens: 1}, 200: {UsersSet: 1}}[test.status]
		if test.status != 401 && test.status != 200 {
			want.Malformed = 1
		}
		if counts.RefusedTokens != want.RefusedTokens || counts.UsersSet != want.UsersSet || counts.Malformed != want.Malformed || counts.Requests != 1 {
			t.Errorf("%s: counts %+v", test.name, counts)
		}
	}
}

// With no token to look for, any will do, but there has to be one.
func TestAnyToken(t *testing.T) {
	s := &Server{Tenant: sandbox.New()}
	for header, want := range map[string]int{"Bearer x": 200, "Bearer ": 401, "Bearer": 401, "": 401, "x": 401} {
		r := newRequest(t, path, envelope("Get-Mailbox ada"))
		r.Header.Set("Authorization", header)
		w := httptest.NewRecorder()
		if s.ServeHTTP(w, r); w.Code != want {
			t.Errorf("Authorization %q: %d, want %d", header, w.Code, want)
		}
	}
}

// Over a network, as clients see it.
func TestOverHTTP(t *testing.T) {
	server := httptest.NewServer(&Server{Tenant: sandbox.New(), Token: secret})
	defer server.Close()
	post := func(line string) (int, map[string]any) {
		r := newRequest(t, server.URL+path, envelope(line))
		r.Header.Set("client-request-id", "99999999-2222-3333-4444-555555555555")
		res, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		if got := res.Header.Get("client-request-id"); got != r.Header.Get("client-request-id") {
			t.Errorf("client-request-id %q", got)
		}
		return res.StatusCode, decode(t, string(b))
	}
	if status, body := post("Set-MyAnalyticsFeatureConfig ada PrivacyMode=opt-out"); status != 200 || len(body["value"].([]any)) != 1 {
		t.Errorf("set: %d %v", status, body)
	}
	status, body := post("Get-MyAnalyticsFeatureConfig ada")
	if o := tenant.Object(body["value"].([]any)[0].(map[string]any)); status != 200 || o["UserId"] != "ada" || o["PrivacyMode"] != "opt-out" {
		t.Errorf("get: %d %v", status, body)
	}
}

// The log has cmdlets, users and faults, and no token.
func TestLog(t *testing.T) {
	core, logs := observer.New(zapcore.DebugLevel)
	s := &Server{Tenant: sandbox.New(), Token: secret, Log: zap.New(core), Faults: Faults{fault503: 1}}
	serve(t, s, "Get-Mailbox ada")
	r := newRequest(t, path, "")
	r.Header.Set("Authorization", "Bearer other-secret")
	s.ServeHTTP(httptest.NewRecorder(), r)
	serve(t, s, "Remove-Mailbox ada")

	var said []string
	for _, e := range logs.All() {
		m := e.ContextMap()
		said = append(said, e.Message)
		if text, _ := json.Marshal(m); strings.Contains(e.Message+string(text), "ecret") {
			t.Errorf("logged %s %s", e.Message, text)
		}
		if e.Message == "request" && !reflect.DeepEqual(m, map[string]any{"cmdlet": "Get-Mailbox", "identity": "ada", "fault": "503"}) {
			t.Errorf("request logged as %v", m)
		}
	}
	if want := []string{"request", "token refused", "malformed"}; !reflect.DeepEqual(said, want) {
		t.Errorf("logged %q, want %q", said, want)
	}
}

// No body makes the server panic, reply with anything but JSON, or run what is
// neither a Get nor a Set.
func FuzzServeHTTP(f *testing.F) {
	for _, line := range []string{"Get-Mailbox ada", "Set-CASMailbox ada PopEnabled=false", "Remove-Mailbox ada",
		"Set-MyAnalyticsFeatureConfig ada PrivacyMode=opt-in Feature=all IsEnabled=[]", "Set-VivaInsightsSettings ada Feature={}"} {
		f.Add(envelope(line))
	}
	f.Add(`{"CmdletInput":null}`)
	f.Add(`{"cmdletinput":{"cmdletname":"Get-Mailbox","parameters":{"IDENTITY":"x","@":1}}}`)
	s := &Server{Tenant: sandbox.New()}
	f.Fuzz(func(t *testing.T, body string) {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, newRequest(t, path, body))
		if !json.Valid(w.Body.Bytes()) {
			t.Errorf("replied %d %q", w.Code, w.Body)
		}
		if w.Code == http.StatusOK && !strings.Contains(body, "et-") {
			t.Errorf("ran %q", body)
		}
	})
}

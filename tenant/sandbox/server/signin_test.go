package server

import (
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"rollcall/tenant"
	"rollcall/tenant/sandbox"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

const (
	organization = "11111111-2222-3333-4444-555555555555"
	clientID     = "22222222-0000-0000-0000-000000000000"
	resource     = "https://outlook.office365.com"
	hush         = "hush-client-secret"
)

// inProcess is a server as azidentity's transport, without a network.
type inProcess struct{ http.Handler }

func (p inProcess) Do(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.TLS, in.Host = new(tls.ConnectionState), r.URL.Host
	if in.Body == nil {
		in.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, in)
	res := w.Result()
	res.Request = r
	return res, nil
}

// options returns azidentity's, for an authority.
func options(authority string, transport policy.Transporter) azcore.ClientOptions {
	return azcore.ClientOptions{
		Cloud:     cloud.Configuration{ActiveDirectoryAuthorityHost: authority},
		Transport: transport,
	}
}

func secretCredential(t *testing.T, s http.Handler, secret string) azcore.TokenCredential {
	t.Helper()
	c, err := azidentity.NewClientSecretCredential(organization, clientID, secret, &azidentity.ClientSecretCredentialOptions{
		ClientOptions: options("https://sandbox.test", inProcess{s}), DisableInstanceDiscovery: true})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// signIn returns a token that c gets.
func signIn(t *testing.T, c azcore.TokenCredential, claims ...string) azcore.AccessToken {
	t.Helper()
	o := policy.TokenRequestOptions{Scopes: []string{resource + "/.default"}, EnableCAE: true}
	if len(claims) > 0 {
		o.Claims = claims[0]
	}
	token, err := c.GetToken(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// use has s reply to a request with the token.
func use(t *testing.T, s *Server, token string) *httptest.ResponseRecorder {
	t.Helper()
	r := newRequest(t, path, envelope("Get-Mailbox ada"))
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// A token has what Entra ID's have, and is good as long as it says.
func TestSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		s := &Server{Tenant: sandbox.New(), RequireIssued: true, ClientSecret: hush, Organization: organization, TokenLifetime: 2 * time.Second}
		token := signIn(t, secretCredential(t, s, hush))
		if d := token.ExpiresOn.Sub(start); d != 2*time.Second {
			t.Errorf("expires after %v", d)
		}
		b, err := base64.RawURLEncoding.DecodeString(strings.Split(token.Token, ".")[1])
		if err != nil {
			t.Fatal(err)
		}
		claims := decode(t, string(b))
		for name, want := range map[string]any{
			"aud": resource, "iss": "https://sandbox.test/" + organization + "/v2.0", "tid": organization, "appid": clientID, "idtyp": "app",
			"iat": float64(start.Unix()), "nbf": float64(start.Unix()), "exp": float64(start.Unix() + 2),
		} {
			if claims[name] != want {
				t.Errorf("%s %v, want %v", name, claims[name], want)
			}
		}
		if roles := claims["roles"].([]any); len(roles) != 1 || roles[0] != "Exchange.ManageAsApp" || !tenant.IsGUID(claims["jti"].(string)) || !tenant.IsGUID(claims["wids"].([]any)[0].(string)) {
			t.Errorf("claims %v", claims)
		}

		time.Sleep(2*time.Second - time.Millisecond)
		if w := use(t, s, token.Token); w.Code != 200 {
			t.Errorf("%d before it expired", w.Code)
		}
		time.Sleep(time.Millisecond)
		if w := use(t, s, token.Token); w.Code != 401 || !strings.Contains(w.Header().Get("WWW-Authenticate"), `error="invalid_token", error_description="The access token has expired."`) {
			t.Errorf("%d %v after it expired", w.Code, w.Header())
		}
		again := signIn(t, secretCredential(t, s, hush))
		if w := use(t, s, again.Token); w.Code != 200 || again.Token == token.Token {
			t.Errorf("%d with another token", w.Code)
		}
		if c := s.Counts(); c.IssuedTokens != 2 || c.RefusedSignIns != 0 || c.RefusedTokens != 1 || c.Requests != 3 {
			t.Errorf("counts %+v", c)
		}
	})
}

// Two tokens of one instant are two: the sandbox can tell them apart.
func TestTokensDiffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{Tenant: sandbox.New()}
		one, two := signIn(t, secretCredential(t, s, "x")), signIn(t, secretCredential(t, s, "x"))
		if one.Token == two.Token {
			t.Error("one token twice")
		}
	})
}

// Which tokens are accepted.
func TestAccepts(t *testing.T) {
	other := &Server{Tenant: sandbox.New()}
	foreign := signIn(t, secretCredential(t, other, "x")).Token
	for _, test := range []struct {
		name                             string
		s                                *Server
		own, static, any, foreign, wrong int // statuses
	}{
		{"any", &Server{}, 200, 200, 200, 200, 401},
		{"token", &Server{Token: secret}, 200, 200, 401, 401, 401},
		{"issued", &Server{Token: secret, RequireIssued: true}, 200, 401, 401, 401, 401},
	} {
		test.s.Tenant = sandbox.New()
		own := signIn(t, secretCredential(t, test.s, "x")).Token
		wrong := &token{Tenant: strings.Replace(organization, "1", "9", 1), Own: ownClaims(useAccess)}
		refresh := &token{Tenant: organization, Own: ownClaims(useRefresh)}
		for _, try := range []struct {
			name, token string
			want        int
		}{{"own", own, test.own}, {"static", secret, test.static}, {"any", "x", test.any}, {"foreign", foreign, test.foreign},
			{"other tenant", test.s.access.sign(wrong), test.wrong}, {"refresh", test.s.access.sign(refresh), test.wrong},
			{"own and more", own + "x", test.any}} {
			if w := use(t, test.s, try.token); w.Code != try.want {
				t.Errorf("%s: %s token: %d, want %d", test.name, try.name, w.Code, try.want)
			}
		}
	}
}

func ownClaims(use string) own {
	return own{Use: use, Until: time.Now().Add(time.Hour).UnixMilli()}
}

// post asks for a token by hand.
func post(t *testing.T, s *Server, path, form string) (int, map[string]any) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "https://sandbox.test"+path, strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Code, decode(t, w.Body.String())
}

// Who gets no token is told why, as Entra ID does.
func TestSignInErrors(t *testing.T) {
	good := "grant_type=client_credentials&client_id=" + clientID + "&client_secret=" + hush + "&scope=" + url.QueryEscape(resource+"/.default")
	endpoint := "/" + organization + "/" + tokenPath
	for _, test := range []struct {
		name, path, form string
		status           int
		code             string
		number           float64
	}{
		{"good", endpoint, good, 200, "", 0},
		{"secret", endpoint, strings.Replace(good, hush, "other", 1), 401, "invalid_client", 7000215},
		{"no secret", endpoint, strings.Replace(good, "client_secret", "x", 1), 401, "invalid_client", 7000218},
		{"no client", endpoint, strings.Replace(good, "client_id", "x", 1), 400, "invalid_request", 900144},
		{"no grant", endpoint, strings.Replace(good, "grant_type", "x", 1), 400, "invalid_request", 900144},
		{"no scope", endpoint, strings.Replace(good, "scope", "x", 1), 400, "invalid_scope", 70011},
		{"two scopes", endpoint, good + "+" + resource + "/x", 400, "invalid_scope", 70011},
		{"not .default", endpoint, strings.Replace(good, ".default", "Exchange.Manage", 1), 400, "invalid_scope", 1002012},
		{"no slash", endpoint, strings.Replace(good, url.QueryEscape(resource+"/.default"), "x", 1), 400, "invalid_scope", 1002012},
		{"server itself", endpoint, strings.Replace(good, "outlook.office365.com", "sandbox.test", 1), 200, "", 0},
		{"double slash", endpoint, strings.Replace(good, ".default", "/.default", 1), 200, "", 0},
		{"resource", endpoint, strings.Replace(good, "outlook.office365", "graph.microsoft", 1), 400, "invalid_resource", 500011},
		{"host's start", endpoint, strings.Replace(good, "outlook.office365.com", "sandbox.tes", 1), 400, "invalid_resource", 500011},
		{"grant", endpoint, strings.Replace(good, "client_credentials", "password", 1), 400, "unsupported_grant_type", 70003},
		{"claims", endpoint, good + "&claims={", 400, "invalid_request", 9002341},
		{"nbf", endpoint, good + `&claims={"access_token":{"nbf":{"value":"x"}}}`, 400, "invalid_request", 9002341},
		{"empty", endpoint, "", 400, "invalid_request", 900144},
		{"no form", endpoint, "%zz", 400, "invalid_request", 900144},
		{"tenant", strings.Replace(endpoint, "1", "9", 1), good, 400, "invalid_request", 90002},
		{"domain", "/contoso.com/" + tokenPath, good, 400, "invalid_request", 90002},
		{"code", endpoint, "grant_type=device_code&device_code=x&client_id=x&scope=" + resource + "/x", 400, "bad_verification_code", 70000},
		{"refresh", endpoint, "grant_type=refresh_token&refresh_token=x&client_id=x&scope=" + resource + "/x", 400, "invalid_grant", 9002313},
	} {
		s := &Server{Tenant: sandbox.New(), ClientSecret: hush, Organization: organization}
		status, body := post(t, s, test.path, test.form)
		if status != test.status || body["error"] != any(test.code) && test.code != "" {
			t.Errorf("%s: %d %v, want %d %s", test.name, status, body, test.status, test.code)
			continue
		}
		if test.code != "" {
			description, _ := body["error_description"].(string)
			numbers, _ := body["error_codes"].([]any)
			if len(numbers) != 1 || numbers[0] != test.number || !strings.HasPrefix(description, fmt.Sprintf("AADSTS%.0f: ", test.number)) ||
				!tenant.IsGUID(body["trace_id"].(string)) || strings.Contains(description, hush) {
				t.Errorf("%s: %v", test.name, body)
			}
		}
		c := s.Counts()
		if ok := status == 200; ok != (c.IssuedTokens == 1) || ok == (c.RefusedSignIns > 0) || c.Requests != 0 {
			t.Errorf("%s: counts %+v", test.name, c)
		}
	}
}

// azidentity shows the words of the refusal, and does not ask again.
func TestWrongSecret(t *testing.T) {
	s := &Server{Tenant: sandbox.New(), ClientSecret: hush}
	_, err := secretCredential(t, s, "other").GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{resource + "/.default"}})
	if _, ok := errors.AsType[*azidentity.AuthenticationFailedError](err); !ok || !strings.Contains(err.Error(), "AADSTS7000215: Invalid client secret provided") {
		t.Errorf("%v", err)
	}
	if c := s.Counts(); c.RefusedSignIns != 1 || c.IssuedTokens != 0 {
		t.Errorf("counts %+v", c)
	}
}

// A busy directory is asked again.
func TestSignInFaults(t *testing.T) {
	for _, fault := range []string{faultToken429, faultToken503} {
		synctest.Test(t, func(t *testing.T) {
			s := &Server{Tenant: sandbox.New(), Faults: Faults{fault: 0.5}, RetryAfter: 7 * time.Second}
			statuses := map[int]int{}
			for range 100 {
				status, _ := post(t, s, "/"+organization+"/"+tokenPath, "grant_type=client_credentials&client_id=x&client_secret=x&scope="+resource+"/.default")
				statuses[status]++
			}
			bad := statuses[429] + statuses[503]
			if statuses[200] < 30 || bad < 30 || len(statuses) != 2 || s.Counts().Faults[fault] != bad {
				t.Errorf("statuses %v, counts %+v", statuses, s.Counts())
			}

			s = &Server{Tenant: sandbox.New(), Faults: Faults{fault: 1}, RetryAfter: 7 * time.Second}
			start := time.Now()
			_, err := secretCredential(t, s, "x").GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{resource + "/.default"}})
			if c := s.Counts(); err == nil || c.Faults[fault] != 4 || c.RefusedSignIns != 4 {
				t.Errorf("%v, counts %+v", err, c)
			}
			if d := time.Since(start); fault == faultToken429 && d != 21*time.Second {
				t.Errorf("waited %v, want three times 7s", d)
			}
			if w := use(t, s, "x"); w.Code != 200 || s.Counts().Faults[fault] != 4 {
				t.Errorf("a fault of sign-ins befell a cmdlet: %d", w.Code)
			}
		})
	}
}

package entra

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"rollcall/tenant"
)

const (
	contoso = "11111111-2222-3333-4444-555555555555"
	app     = "22222222-3333-4444-5555-666666666666"
	hunter  = "hunter2. of + length/"
)

// An authority is a fake of Entra ID.
type authority struct {
	t *testing.T

	mu    sync.Mutex
	forms []url.Values // of the requests for tokens
	reply func(n int, form url.Values, w http.ResponseWriter)
}

// issue answers with a token.
func issue(w http.ResponseWriter, token string, seconds int) {
	fmt.Fprintf(w, `{"token_type":"Bearer","access_token":%q,"expires_in":%d}`, token, seconds)
}

// issues answers the n-th request with the token tN, good for an hour.
func issues(n int, _ url.Values, w http.ResponseWriter) { issue(w, fmt.Sprintf("t%d", n), 3600) }

func (a *authority) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	base := "https://" + r.Host + "/" + strings.Split(r.URL.Path, "/")[1]
	w.Header().Set("Content-Type", "application/json")
	switch {
	case strings.HasSuffix(r.URL.Path, "/common/discovery/instance"):
		fmt.Fprintf(w, `{"tenant_discovery_endpoint":"%s/v2.0/.well-known/openid-configuration","metadata":[]}`, base)
	case strings.HasSuffix(r.URL.Path, "/.well-known/openid-configuration"):
		fmt.Fprintf(w, `{"issuer":"%s/v2.0","authorization_endpoint":"%[1]s/authorize","token_endpoint":"%[1]s/token"}`, base)
	case strings.HasSuffix(r.URL.Path, "/devicecode"):
		fmt.Fprint(w, `{"device_code":"device-code-of-length","user_code":"ABCD","verification_uri":"https://example.org","expires_in":900,"interval":5,"message":"Enter the code\nABCD"}`)
	case strings.HasSuffix(r.URL.Path, "/token"):
		r.ParseForm()
		a.forms = append(a.forms, r.PostForm)
		a.reply(len(a.forms), r.PostForm, w)
	default:
		a.t.Errorf("%s %s", r.Method, r.URL)
	}
}

// requests returns how many tokens were asked for.
func (a *authority) requests() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.forms)
}

// Do is a way to a without a socket.
func (a *authority) Do(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	resp := w.Result()
	resp.Request = r
	return resp, nil
}

// secretConfig signs in by a secret at a, without sockets.
func secretConfig(a *authority) Config {
	return Config{Method: Secret, Tenant: contoso, Client: app, Transport: a,
		Secret: hunter, Authority: "https://login.example"}
}

// newSource returns a Source of cfg.
func newSource(t *testing.T, cfg Config) *Source {
	t.Helper()
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// want checks that a call got token.
func want(t *testing.T, s *Source, refused, claims, token string) {
	t.Helper()
	if got, err := s.Token(t.Context(), refused, claims); err != nil || got != token {
		t.Errorf("Token(%q, %q) = %q, %v; want %q", refused, claims, got, err, token)
	}
}

// failed checks that a call fails with class, and returns the error.
func failed(t *testing.T, s *Source, refused string, class tenant.Class) *tenant.Error {
	t.Helper()
	got, err := s.Token(t.Context(), refused, "")
	e, ok := err.(*tenant.Error)
	if !ok {
		t.Fatalf("Token(%q) = %q, %v (%T); want a *tenant.Error", refused, got, err, err)
	}
	if e.Class != class {
		t.Errorf("error %v has class %v, want %v", err, e.Class, class)
	}
	return e
}

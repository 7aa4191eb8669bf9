package server

import (
	"encoding/base64"
	"encoding/json"
	"net/http/httptest"
	"regexp"
	"rollcall/tenant"
	"rollcall/tenant/sandbox"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

var claimsOf = regexp.MustCompile(`error="insufficient_claims", claims="([^"]+)"`)

// challenged returns the claims that a refusal asks for, or "".
func challenged(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	m := claimsOf.FindStringSubmatch(w.Header().Get("WWW-Authenticate"))
	if w.Code != 401 || m == nil {
		return ""
	}
	b, err := base64.StdEncoding.DecodeString(m[1])
	if err != nil || !json.Valid(b) {
		t.Fatalf("claims %q: %v", m[1], err)
	}
	return string(b)
}

// A token that expires early is refused until another one is used, and only it.
func TestExpiredFault(t *testing.T) {
	for _, s := range []*Server{{}, {RequireIssued: true}} {
		s.Tenant = sandbox.New()
		one, two := "one", "two"
		if s.RequireIssued {
			c := secretCredential(t, s, "x")
			one = signIn(t, c).Token
			two = signIn(t, secretCredential(t, s, "x")).Token
		}
		s.Faults = Faults{faultExpired: 1}
		r := newRequest(t, path, envelope("Set-UserBriefingConfig ada Enabled=false"))
		r.Header.Set("Authorization", "Bearer "+one)
		w := httptest.NewRecorder()
		if s.ServeHTTP(w, r); w.Code != 401 || challenged(t, w) != "" {
			t.Errorf("%d %v", w.Code, w.Header())
		}
		s.Faults = nil
		if run(t, s.Tenant, "Get-UserBriefingConfig ada")[0]["IsEnabled"] != true {
			t.Error("done for a token that had expired")
		}
		for token, want := range map[string]int{one: 401, two: 200} {
			if w := use(t, s, token); w.Code != want {
				t.Errorf("token one: %t: %d, want %d", token == one, w.Code, want)
			}
		}
		if c := s.Counts(); c.RefusedTokens != 2 || c.Faults[faultExpired] != 1 {
			t.Errorf("counts %+v", c)
		}
	}
}

// A challenge is met by a token that was asked for with its claims, and by no
// other; then any token is good again but the one that was challenged.
func TestClaimsFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{Tenant: sandbox.New(), RequireIssued: true}
		c := secretCredential(t, s, "x")
		first, bystander := signIn(t, c).Token, signIn(t, secretCredential(t, s, "x")).Token
		s.Faults = Faults{faultClaims: 1}
		claims := challenged(t, use(t, s, first))
		s.Faults = nil
		if claims == "" {
			t.Fatal("no challenge")
		}
		for _, token := range []string{first, bystander, signIn(t, c).Token, signIn(t, secretCredential(t, s, "x")).Token,
			signIn(t, c, `{"access_token":{"nbf":{"essential":true,"value":"1"}}}`).Token} {
			if got := challenged(t, use(t, s, token)); got != claims {
				t.Errorf("challenged with %q, want %q", got, claims)
			}
		}
		met := signIn(t, c, claims).Token
		for token, want := range map[string]int{met: 200, bystander: 200} {
			use(t, s, met)
			if w := use(t, s, token); w.Code != want {
				t.Errorf("%d with the challenge met, want %d", w.Code, want)
			}
		}
		if got := challenged(t, use(t, s, first)); got != claims {
			t.Errorf("the first token: challenged with %q", got)
		}

		// Another one in the same second has other claims, for the first token too.
		s.Faults = Faults{faultClaims: 1}
		again := challenged(t, use(t, s, met))
		if again == "" || again == claims {
			t.Errorf("challenged with %q after %q", again, claims)
		}
		for range 2 { // by two workers at once, say
			if got := s.access.challenge(bystander).nbf; got != s.access.required {
				t.Errorf("challenged anew with %d while %d was required", got, s.access.required)
			}
		}
		s.Faults = nil
		if got := challenged(t, use(t, s, first)); got != again {
			t.Errorf("the first token: challenged with %q, want %q", got, again)
		}
		if use(t, s, signIn(t, c, again).Token).Code != 200 {
			t.Error("refused with the second challenge met")
		}
	})
}

// A token from elsewhere can't be asked for with claims: it is refused once.
func TestClaimsFaultForeign(t *testing.T) {
	s := &Server{Tenant: sandbox.New(), Faults: Faults{faultClaims: 1}}
	if w := use(t, s, "x"); w.Code != 401 || challenged(t, w) != "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	s.Faults = nil
	if w := use(t, s, "x"); w.Code != 200 {
		t.Errorf("%d the second time", w.Code)
	}
}

// A mark is dropped once its token has expired anyway.
func TestMarksAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a access
		for range 5000 {
			a.expire(a.sign(&token{App: tenant.NewGUID(), Own: own{Use: useAccess, Until: time.Now().Add(time.Second).UnixMilli()}}))
			time.Sleep(10 * time.Millisecond)
		}
		if n := len(a.marks); n > 1000 {
			t.Errorf("%d marks of 100 tokens", n)
		}
	})
}

// No secret, assertion, code or token is in the log, be it good or refused.
func TestLogHasNoSecrets(t *testing.T) {
	core, logs := observer.New(zapcore.DebugLevel)
	s := &Server{Tenant: sandbox.New(), Log: zap.New(core), ClientSecret: hush, Token: secret, Faults: Faults{faultExpired: 0.3, faultClaims: 0.3}}
	words := []string{hush, secret}
	for _, word := range []string{hush, "wrong-hush"} {
		status, body := post(t, s, "/"+organization+"/"+tokenPath, "grant_type=client_credentials&client_id=x&client_secret="+word+"&scope="+resource+"/.default")
		words = append(words, word)
		if status == 200 {
			words = append(words, body["access_token"].(string))
		}
	}
	post(t, s, "/"+organization+"/"+tokenPath, "grant_type=client_credentials&client_id=x&client_assertion=an-assertion&client_assertion_type="+assertionType+"&scope="+resource+"/.default")
	_, body := post(t, s, "/"+organization+"/"+devicePath, "client_id=x&scope=offline_access+"+resource+"/x")
	code := body["device_code"].(string)
	_, body = post(t, s, "/"+organization+"/"+tokenPath, "grant_type=device_code&client_id=x&device_code="+code+"&scope=offline_access+"+resource+"/x")
	words = append(words, "an-assertion", code, body["access_token"].(string), body["refresh_token"].(string))
	post(t, s, "/"+organization+"/"+tokenPath, "grant_type=refresh_token&client_id=y&refresh_token="+body["refresh_token"].(string)+"&scope="+resource+"/x")
	for _, word := range words {
		for range 3 {
			use(t, s, word)
		}
		w, _ := serveBatch(t, s, word, batchOfParts(part{ID: "0", Headers: map[string]string{"Authorization": "Bearer " + word}}))
		if strings.Contains(w.Body.String(), word) {
			t.Errorf("replied with %q", word)
		}
	}
	if logs.FilterMessage("sign-in").Len() != 4 || logs.FilterMessage("sign-in refused").Len() != 2 {
		t.Errorf("logged %d sign-ins and %d refused", logs.FilterMessage("sign-in").Len(), logs.FilterMessage("sign-in refused").Len())
	}
	for _, e := range logs.All() {
		text, err := json.Marshal(e.ContextMap())
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range words {
			if strings.Contains(e.Message+string(text), word) {
				t.Errorf("logged %s %s", e.Message, text)
			}
		}
	}
}

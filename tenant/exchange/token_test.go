package exchange

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/tenant"
)

// tokens is a Token that has these, one after the other, and the last again
// and again. It notes what it was asked.
type tokens struct {
	have  []string
	err   error // instead of another
	asked []string
}

func (s *tokens) token(_ context.Context, refused, claims string) (string, error) {
	s.asked = append(s.asked, refused+" "+claims)
	if refused == "" {
		return s.have[0], nil
	}
	if s.err != nil {
		return "", s.err
	}
	if len(s.have) > 1 {
		s.have = s.have[1:]
	}
	return s.have[0], nil
}

// A token that is refused is asked for once more, with the claims that the
// tenant wants, and the same request made again.
func TestRefusedToken(t *testing.T) {
	const claims = `{"access_token":{"nbf":{"essential":true,"value":"1>2?3"}}}`
	std := base64.StdEncoding.EncodeToString([]byte(claims))
	for _, test := range []struct{ challenge, claims string }{
		{"", ""},
		{"Bearer", ""},
		{`Bearer realm="", authorization_uri="https://login.example/common", error="insufficient_claims", claims="` + std + `"`, claims},
		{`Bearer error="insufficient_claims", claims="` + strings.TrimRight(std, "=") + `"`, claims},
		{`bearer CLAIMS="` + base64.URLEncoding.EncodeToString([]byte(claims)) + `"`, claims},
		{`Bearer claims=` + base64.RawURLEncoding.EncodeToString([]byte(claims)) + `, error=insufficient_claims`, claims},
		{`Basic realm="a, Bearer claims=", Bearer claims = "` + std + `"`, claims},
		{"Negotiate YWJj==|Bearer claims=\"" + std + `"`, claims},
		{`Bearer claims="` + std, claims}, // never closed
		{`Digest claims="` + std + `"`, ""},
		{`Bearer error_description="claims=` + std + `"`, ""},
		{`Bearer claims="%%%"`, ""},
		{`Bearer claims=""`, ""},
		{`Bearer claims="` + base64.StdEncoding.EncodeToString([]byte(`["x"]`)) + `"`, ""},
		{`Bearer claims="` + base64.StdEncoding.EncodeToString([]byte(`null`)) + `"`, ""},
		{`Bearer claims="` + base64.StdEncoding.EncodeToString([]byte(`{"x":"`+strings.Repeat("x", 16<<10)+`"}`)) + `"`, ""},
	} {
		s := &tokens{have: []string{"old", "new"}}
		var bodies []string
		c := newClient(t, "", withTransport(func(r *http.Request) (*http.Response, error) {
			body, _ := io.ReadAll(r.Body)
			bodies = append(bodies, string(body))
			if r.Header.Get("Authorization") == "Bearer new" {
				return respond(200, `{"value":[{"A":"1"}]}`), nil
			}
			resp := respond(401, "")
			for v := range strings.SplitSeq(test.challenge, "|") {
				resp.Header.Add("WWW-Authenticate", v)
			}
			return resp, nil
		}), func(cfg *Config) { cfg.Token = s.token })
		objects, err := c.Run(t.Context(), set)
		if err != nil || len(objects) != 1 {
			t.Errorf("%s: Run = %v, %v", test.challenge, objects, err)
		}
		if want := []string{" ", "old " + test.claims}; !slices.Equal(s.asked, want) {
			t.Errorf("%s: Token was asked %q; want %q", test.challenge, s.asked, want)
		}
		if len(bodies) != 2 || bodies[0] != bodies[1] || bodies[0] == "" {
			t.Errorf("%s: bodies %q; want the same twice", test.challenge, bodies)
		}
	}
}

// A tenant that refuses two tokens, or one that there is no other for, may accept it a
// moment later. If it goes on refusing it, it refuses the caller. What keeps another
// from being had for the moment is no refusal.
func TestNoOtherToken(t *testing.T) {
	signIn := func(class tenant.Class) error {
		return &tenant.Error{Op: "sign in", Object: "to login.example", Class: class, Status: 503, RetryAfter: 9 * time.Second, Err: errors.New("busy")}
	}
	for _, test := range []struct {
		name     string
		tokens   tokens
		class    tenant.Class
		status   int
		text     string
		requests int // of the first call
	}{
		{"both refused", tokens{have: []string{"old", "new"}}, tenant.Unauthorized, 401, "no", 2},
		{"the same", tokens{have: []string{"old"}}, tenant.Unauthorized, 401, "no", 1},
		{"none", tokens{have: []string{"old"}, err: errors.New("there is no other")}, tenant.Unauthorized, 401, "no: token: there is no other", 1},
		{"refused", tokens{have: []string{"old"}, err: signIn(tenant.Unauthorized)}, tenant.Unauthorized, 401, "no: sign in to login.example: busy (HTTP 503)", 1},
		{"out of order", tokens{have: []string{"old"}, err: signIn(tenant.Unavailable)}, tenant.Unavailable, 0, "sign in to login.example: busy (HTTP 503)", 1},
		{"malformed", tokens{have: []string{"old", "n w"}}, tenant.Unauthorized, 401, "no: token: it has a space, or another character that no token has", 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := 0
			c := newClient(t, "", withTransport(func(r *http.Request) (*http.Response, error) {
				n++
				return respond(401, "no"), nil
			}), func(cfg *Config) { cfg.Token = test.tokens.token })
			_, err := c.Run(t.Context(), set)
			e := failed(t, err, tenant.Unavailable)
			if text := e.Err.Error(); !e.Unreachable || text != "no" && text != test.text || n != test.requests || len(test.tokens.asked) != 2 {
				t.Errorf("%s: at first %v, unreachable: %v, %d requests, asked %q", test.name, err, e.Unreachable, n, test.tokens.asked)
			}
			for range 3 {
				time.Sleep(2 * time.Second)
				_, err = c.Run(t.Context(), set)
			}
			e = failed(t, err, test.class)
			if got := e.Err.Error(); got != test.text && !(test.name == "malformed" && got == "token: it has a space, or another character that no token has") || e.Status != test.status && test.name != "malformed" {
				t.Errorf("%s: %q, status %d; want %q, %d", test.name, e.Err, e.Status, test.text, test.status)
			}
			if wait := e.RetryAfter; (test.class == tenant.Unavailable) != (wait == 9*time.Second) {
				t.Errorf("%s: RetryAfter %v", test.name, wait)
			}
		})
	}
}

// A token that is refused is refused for good when that has been so four times and for
// five seconds, or twice and for one if the tenant says that it is no good, and at once
// if it says itself that its time is over. A call that is accepted meanwhile, be it for
// another user, begins the count anew.
func TestTokenIsRefusedForGood(t *testing.T) {
	over := "e30." + base64.RawURLEncoding.EncodeToString([]byte(`{"exp":946684000}`)) + ".x" // the clock begins at 946684800
	soon := "e30." + base64.RawURLEncoding.EncodeToString([]byte(`{"exp":946684799}`)) + ".x"
	for _, test := range []struct {
		name, token, header string
		calls               string // at these seconds; of another user, who is accepted, if it is ahead of a +
		want                string // of each call
	}{
		{"empty", "t", "", "0 1 3 7", "-, -, -, !"},
		{"many at once", "t", "", "0 0 0 0 0 0 4 5", "-, -, -, -, -, -, -, !"},
		{"rare", "t", "", "0 100 200 300", "-, -, -, !"},
		{"one user", "t", "", "0 1 +2 3 7 +8 15 +15 16", "-, -, +, -, -, +, -, +, -"},
		{"expired", "t", `Bearer error="invalid_token", error_description="the token has expired"`, "0 0 1", "-, -, !"},
		{"invalid", "t", `Bearer error="invalid_token"`, "0 0.5 1.5", "-, -, !"},
		{"claims", "t", `Bearer error="insufficient_claims", claims="eyJhIjoxfQ=="`, "0 1", "-, !"},
		{"one user, said", "t", `Bearer error="invalid_token"`, "0 +1 2 +3 4", "-, +, -, +, -"},
		{"over", over, "", "0", "!"},
		{"over by a clock", soon, "", "0 1", "-, -"},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := newClient(t, "", withTransport(func(r *http.Request) (*http.Response, error) {
				if r.Header.Get("X-CmdletName") == get.Name {
					return respond(200, `{"value":[{"A":"1"}]}`), nil
				}
				resp := respond(401, "")
				resp.Header.Set("WWW-Authenticate", test.header)
				return resp, nil
			}), func(cfg *Config) {
				cfg.Token = func(context.Context, string, string) (string, error) { return test.token, nil }
			})
			began := time.Now()
			var got []string
			for at := range strings.FieldsSeq(test.calls) {
				seconds, _ := strconv.ParseFloat(at, 64)
				time.Sleep(time.Until(began.Add(time.Duration(seconds * float64(time.Second)))))
				cmdlet := set
				if at[0] == '+' {
					cmdlet = get
				}
				_, err := c.Run(t.Context(), cmdlet)
				e, _ := errors.AsType[*tenant.Error](err)
				switch {
				case err == nil:
					got = append(got, "+")
				case e.Class == tenant.Unavailable && e.Unreachable && e.Status == 401:
					got = append(got, "-")
				case e.Class == tenant.Unauthorized && !e.Unreachable:
					got = append(got, "!")
				default:
					t.Errorf("%s: %v", test.name, err)
				}
			}
			if got := strings.Join(got, ", "); got != test.want {
				t.Errorf("%s: %s; want %s", test.name, got, test.want)
			}
		})
	}
}

// A sign-in that fails ahead of a request is as transient as it says.
func TestSignInFails(t *testing.T) {
	for _, class := range []tenant.Class{tenant.Unavailable, tenant.Throttled, tenant.Unauthorized, tenant.Failed} {
		c := newClient(t, serveNothing(t), func(cfg *Config) {
			cfg.Token = func(context.Context, string, string) (string, error) {
				return "", fmt.Errorf("wrapped: %w", &tenant.Error{Op: "sign in", Object: "to x", Class: class, RetryAfter: time.Minute, Err: errors.New("no")})
			}
		})
		_, err := c.Run(t.Context(), set)
		e := failed(t, err, class)
		if got, want := err.Error(), "Set-CASMailbox ada@example.org: wrapped: sign in to x: no"; got != want || e.RetryAfter != time.Minute || e.Status != 0 {
			t.Errorf("%q, wait %v, status %d; want %q, 1m, 0", got, e.RetryAfter, e.Status, want)
		}
	}
}

// Each page may meet a token that was good for the one before, and a tenant
// that is busy under the status 401 has refused no token.
func TestRefusedBetweenPages(t *testing.T) {
	s := &tokens{have: []string{"t1", "t2", "t3"}}
	n := 0
	c := newClient(t, "", withTransport(func(r *http.Request) (*http.Response, error) {
		n++
		if want := "Bearer t" + map[int]string{1: "1", 2: "2", 3: "2", 4: "3"}[n]; r.Header.Get("Authorization") != want {
			t.Errorf("request %d with %s, want %s", n, r.Header.Get("Authorization"), want)
		}
		switch n {
		case 1, 3:
			return respond(401, ""), nil
		case 2:
			return respond(200, `{"value":[{"A":"1"}],"@odata.nextLink":"?page=2"}`), nil
		}
		return respond(200, `{"value":[{"A":"2"}]}`), nil
	}), func(cfg *Config) { cfg.Token = s.token })
	if objects, err := c.Run(t.Context(), get); err != nil || len(objects) != 2 || n != 4 {
		t.Errorf("Run = %v, %v after %d requests", objects, err, n)
	}

	s = &tokens{have: []string{"t1", "t2"}}
	c = newClient(t, "", withTransport(func(r *http.Request) (*http.Response, error) {
		return respond(401, "maximum number of concurrent requests"), nil
	}), func(cfg *Config) { cfg.Token = s.token })
	_, err := c.Run(t.Context(), get)
	failed(t, err, tenant.Throttled)
	if len(s.asked) != 1 {
		t.Errorf("Token was asked %q", s.asked)
	}
}

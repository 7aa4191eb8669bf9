package entra

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/tenant"
)

// By a secret, over TLS: the request is a client's for its own token, and is
// made once.
func TestSecret(t *testing.T) {
	a := &authority{t: t, reply: issues}
	srv := httptest.NewTLSServer(a)
	defer srv.Close()
	cfg := secretConfig(a)
	cfg.Transport = srv.Client()
	cfg.Authority = srv.URL
	s := newSource(t, cfg)
	if a.requests() != 0 {
		t.Error("New made a request")
	}
	want(t, s, "", "", "t1")
	want(t, s, "", "", "t1")
	form := a.forms[0]
	for name, value := range map[string]string{
		"grant_type": "client_credentials", "client_id": app, "client_secret": hunter,
		"scope": "https://outlook.office365.com/.default openid offline_access profile", "claims": `{"access_token":{"xms_cc":{"values":["CP1"]}}}`,
	} {
		if form.Get(name) != value {
			t.Errorf("%s is %q; want %q", name, form.Get(name), value)
		}
	}
	if a.requests() != 1 {
		t.Errorf("%d requests, want 1", a.requests())
	}
}

// A token is kept until five minutes ahead of its end, and one that is shorter
// not at all.
func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &authority{t: t, reply: issues}
		s := newSource(t, secretConfig(a))
		want(t, s, "", "", "t1")
		time.Sleep(55*time.Minute - 2*time.Second)
		want(t, s, "", "", "t1")
		time.Sleep(3 * time.Second)
		want(t, s, "", "", "t2")
	})
	a := &authority{t: t, reply: func(n int, _ url.Values, w http.ResponseWriter) { issue(w, fmt.Sprintf("t%d", n), 60) }}
	s := newSource(t, secretConfig(a))
	want(t, s, "", "", "t1")
	want(t, s, "", "", "t2")
}

// Entra ID may be away for the last minutes of a token, and is then asked no
// more than now and then.
func TestTokenOutlivesOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := false
		a := &authority{t: t, reply: func(n int, f url.Values, w http.ResponseWriter) {
			if down {
				w.WriteHeader(503)
			} else {
				issues(n, f, w)
			}
		}}
		s := newSource(t, secretConfig(a))
		want(t, s, "", "", "t1")
		down = true
		time.Sleep(56 * time.Minute)
		want(t, s, "", "", "t1")
		want(t, s, "", "", "t1")
		if a.requests() != 2 {
			t.Errorf("%d requests, want 2", a.requests())
		}
		failed(t, s, "t1", tenant.Unavailable)
		time.Sleep(3*time.Minute + 50*time.Second)
		want(t, s, "", "", "t1")
		time.Sleep(10 * time.Second)
		failed(t, s, "", tenant.Unavailable)
		down = false
		want(t, s, "", "", "t6")
		if a.requests() != 6 {
			t.Errorf("%d requests, want 6", a.requests())
		}
	})
}

// However many want a token at once, the first one or another, one request is
// made, and if that fails all of them are told.
func TestOneRequest(t *testing.T) {
	const n = 200
	for _, test := range []struct {
		name    string
		refused string
		status  int
	}{{"first", "", 200}, {"refused", "t1", 200}, {"failing", "t1", 503}} {
		synctest.Test(t, func(t *testing.T) {
			status := 200
			release := make(chan struct{})
			a := &authority{t: t}
			var held bool
			a.reply = func(n int, f url.Values, w http.ResponseWriter) {
				if held {
					<-release
				}
				if status != 200 {
					w.WriteHeader(status)
					return
				}
				issues(n, f, w)
			}
			s := newSource(t, secretConfig(a))
			before := 0
			if test.refused != "" {
				want(t, s, "", "", "t1")
				before = 1
			}
			held, status = true, test.status
			var wg sync.WaitGroup
			for range n {
				wg.Go(func() {
					got, err := s.Token(t.Context(), test.refused, "")
					if test.status == 200 && (err != nil || got != fmt.Sprintf("t%d", before+1)) || test.status != 200 && !errors.Is(err, tenant.Unavailable) {
						t.Errorf("%s: Token = %q, %v", test.name, got, err)
					}
				})
			}
			synctest.Wait() // all of them wait
			close(release)
			wg.Wait()
			if got := len(a.forms) - before; got != 1 {
				t.Errorf("%s: %d requests, want 1", test.name, got)
			}
		})
	}
}

// Who asks first and goes away takes nobody with it.
func TestLeaderLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := make(chan struct{})
		a := &authority{t: t, reply: issues}
		first := true
		cfg := secretConfig(a)
		cfg.Transport = transporter(func(r *http.Request) (*http.Response, error) {
			if first && strings.HasSuffix(r.URL.Path, "/token") {
				first = false
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			return a.Do(r)
		})
		s := newSource(t, cfg)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			defer close(gone)
			if _, err := s.Token(ctx, "", ""); err != context.Canceled {
				t.Errorf("Token of who left = %v", err)
			}
		}()
		synctest.Wait()
		impatient, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		if _, err := s.Token(impatient, "", ""); err != context.DeadlineExceeded {
			t.Errorf("Token of who does not wait = %v", err)
		}
		time.AfterFunc(time.Second, cancel)
		want(t, s, "", "", "t1")
		<-gone
	})
}

type transporter func(*http.Request) (*http.Response, error)

func (f transporter) Do(r *http.Request) (*http.Response, error) { return f(r) }

// A token that is refused is replaced past all caches, once; the claims of the
// challenge go along, and nothing in their place if there are none.
func TestRefused(t *testing.T) {
	a := &authority{t: t, reply: issues}
	s := newSource(t, secretConfig(a))
	want(t, s, "", "", "t1")
	want(t, s, "t1", "", "t2")
	want(t, s, "t1", "", "t2") // newer than the one refused
	want(t, s, "t0", `{"a":1}`, "t2")
	want(t, s, "", "", "t2")
	want(t, s, "t2", `{"access_token":{"nbf":{"essential":true,"value":"7"}}}`, "t3")
	want(t, s, "t3", `null`, "t4")
	want(t, s, "t4", `rubbish`, "t5")
	const capabilities = `{"access_token":{"xms_cc":{"values":["CP1"]}}}`
	for i, claims := range []string{capabilities, capabilities, `{"access_token":{"nbf":{"essential":true,"value":"7"},"xms_cc":{"values":["CP1"]}}}`, capabilities, capabilities} {
		if got := a.forms[i].Get("claims"); got != claims {
			t.Errorf("request %d has claims %s; want %s", i+1, got, claims)
		}
	}
}

// An authority that has nothing but the token that is refused has no other.
func TestSameTokenAgain(t *testing.T) {
	a := &authority{t: t, reply: func(_ int, _ url.Values, w http.ResponseWriter) { issue(w, "t1", 3600) }}
	s := newSource(t, secretConfig(a))
	want(t, s, "", "", "t1")
	e := failed(t, s, "t1", tenant.Unauthorized)
	if got := e.Error(); got != "sign in to login.example: the access token is not accepted, and there is no other to be had: sign in again" {
		t.Errorf("error %q", got)
	}
}

// A person signs in once. Their token is renewed without them, and a connection
// that is lost meanwhile does not bring the question up again; being refused
// does.
func TestDeviceCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mode := "up"
		a := &authority{t: t}
		a.reply = func(n int, f url.Values, w http.ResponseWriter) {
			switch {
			case mode == "down":
				w.WriteHeader(502)
			case mode == "revoked" && f.Get("grant_type") == "refresh_token":
				w.WriteHeader(400)
				fmt.Fprint(w, `{"error":"invalid_grant","error_description":"AADSTS50173: The provided grant has expired due to it being revoked. Trace ID: 1"}`)
			default:
				fmt.Fprintf(w, `{"token_type":"Bearer","access_token":"t%d","refresh_token":"r%[1]d","expires_in":3600,"scope":"https://outlook.office365.com/.default","client_info":"eyJ1aWQiOiJ1IiwidXRpZCI6InQifQ","id_token":"e30.eyJvaWQiOiJvIiwidGlkIjoidCIsInByZWZlcnJlZF91c2VybmFtZSI6ImFkYSJ9.c"}`, n)
			}
		}
		var shown []string
		cfg := secretConfig(a)
		cfg.Method, cfg.Client = DeviceCode, ""
		cfg.Prompt = func(text string) { shown = append(shown, text) }
		s := newSource(t, cfg)
		want(t, s, "", "", "t1")
		if a.forms[0].Get("client_id") != moduleClient {
			t.Errorf("form %v", a.forms[0])
		}
		want(t, s, "t1", "", "t2")
		time.Sleep(56 * time.Minute)
		want(t, s, "", "", "t3")
		mode = "down"
		failed(t, s, "t3", tenant.Unavailable)
		if len(shown) != 1 || shown[0] != "Enter the code ABCD" {
			t.Errorf("shown %q", shown)
		}
		mode = "revoked"
		want(t, s, "t3", `{"a":{}}`, "t6")
		if len(shown) != 2 {
			t.Errorf("shown %q", shown)
		}
	})
}

// An authority that is away while a person types the code does not cost the code.
func TestDeviceCodeOutlivesOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &authority{t: t, reply: func(n int, f url.Values, w http.ResponseWriter) {
			if n <= 3 {
				w.WriteHeader([]int{502, 503, 429}[n-1])
				return
			}
			issues(n, f, w)
		}}
		cfg := secretConfig(a)
		cfg.Method = DeviceCode
		codes := 0
		cfg.Prompt = func(string) { codes++ }
		want(t, newSource(t, cfg), "", "", "t4")
		if codes != 1 || a.requests() != 4 {
			t.Errorf("%d codes and %d requests, want 1 and 4", codes, a.requests())
		}
	})
}

// A token that is to be renewed well ahead of its end, and can't be, is not asked
// for again with each call.
func TestRenewalThatFailsIsNotTriedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &authority{t: t, reply: func(n int, _ url.Values, w http.ResponseWriter) {
			if n > 1 {
				w.WriteHeader(503)
				return
			}
			fmt.Fprint(w, `{"token_type":"Bearer","access_token":"t1","expires_in":36000,"refresh_in":60}`)
		}}
		s := newSource(t, secretConfig(a))
		want(t, s, "", "", "t1")
		time.Sleep(2 * time.Minute)
		for range 50 {
			want(t, s, "", "", "t1")
		}
		if n := a.requests(); n != 2 {
			t.Errorf("%d requests, want 2", n)
		}
		time.Sleep(respite + time.Second)
		want(t, s, "", "", "t1")
		if n := a.requests(); n != 3 {
			t.Errorf("%d requests, want 3", n)
		}
	})
}

// A code that nobody uses is said to be that.
func TestDeviceCodeNotUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &authority{t: t, reply: func(_ int, _ url.Values, w http.ResponseWriter) {
			w.WriteHeader(400)
			fmt.Fprint(w, `{"error":"authorization_pending","error_description":"AADSTS70016: Pending."}`)
		}}
		cfg := secretConfig(a)
		cfg.Method = DeviceCode
		cfg.Prompt = func(string) {}
		e := failed(t, newSource(t, cfg), "", tenant.Unauthorized)
		if e.Err.Error() != "nobody signed in while the code was good" {
			t.Errorf("error %v", e)
		}
	})
}

// What prints a Source prints no secret.
func TestSourceHidesSecret(t *testing.T) {
	a := &authority{t: t, reply: issues}
	s := newSource(t, secretConfig(a))
	want(t, s, "", "", "t1")
	const about = "secret at login.example"
	if got := fmt.Sprintf("%v/%+v/%s/%#v", s, s, s, s); got != strings.Join([]string{about, about, about, about}, "/") {
		t.Errorf("printed %q", got)
	}
}

// A request that is about to be made when another has just ended is not made: what
// that one got will do.
func TestSecondLook(t *testing.T) {
	a := &authority{t: t, reply: issues}
	s := newSource(t, secretConfig(a))
	want(t, s, "", "", "t1")
	for _, refused := range []string{"", "t0"} {
		if r := s.fetch(t.Context(), refused, ""); r.token != "t1" || r.err != nil || a.requests() != 1 {
			t.Errorf("refused %q: fetch = %+v with %d requests, want t1 with 1", refused, r, a.requests())
		}
	}
	if r := s.fetch(t.Context(), "t1", ""); r.token != "t2" || a.requests() != 2 {
		t.Errorf("refused t1: fetch = %+v with %d requests, want t2 with 2", r, a.requests())
	}
}

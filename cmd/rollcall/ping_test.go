package main

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const secretPath = "/0f2b3c4d-secret"

// roundTrips answers requests without a socket.
type roundTrips func(*http.Request) (*http.Response, error)

func (f roundTrips) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func reply(status int, header ...string) *http.Response {
	h := make(http.Header)
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader("x"))}
}

// Where a ping goes, and what may be a ping's URL at all. What is wrong is told
// without the path.
func TestPingURL(t *testing.T) {
	for text, want := range map[string]string{
		"https://hc-ping.com" + secretPath:              "https://hc-ping.com" + secretPath + "/start",
		"https://hc-ping.com/k" + secretPath + "?rid=1": "https://hc-ping.com/k" + secretPath + "/start?rid=1",
		"http://127.0.0.1:8000" + secretPath + "/":      "http://127.0.0.1:8000" + secretPath + "/start",
		"http://[::1]" + secretPath:                     "http://[::1]" + secretPath + "/start",
		"http://localhost" + secretPath:                 "http://localhost" + secretPath + "/start",
		"http://hc-ping.com" + secretPath:               "",
		"http://127.0.0.1.example" + secretPath:         "",
		"ftp://hc-ping.com" + secretPath:                "",
		"https://me:pw@hc-ping.com" + secretPath:        "",
		"https://hc-ping.com" + secretPath + "#x":       "",
		"hc-ping.com" + secretPath:                      "",
		"https://hc-ping.com%" + secretPath:             "",
		"https:" + secretPath:                           "",
		secretPath:                                      "",
	} {
		got := ""
		p, err := newPinger(text, roundTrips(func(r *http.Request) (*http.Response, error) {
			got = r.URL.String()
			return reply(200), nil
		}))
		if err == nil {
			err = p.ping(t.Context(), "start", "")
		}
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s: went to %q, want %q; error %v", text, got, want, err)
		}
		if err != nil && (strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "pw")) {
			t.Errorf("%s: error %v tells the path", text, err)
		}
	}
}

// A ping is tried twice, takes twenty-one seconds at most, goes to no other host,
// and whatever becomes of it, no error has the path.
func TestPingFailures(t *testing.T) {
	hangs := func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	for name, test := range map[string]struct {
		answer roundTrips
		calls  int
		ok     bool
		want   string
	}{
		"refused":   {func(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") }, 2, false, "ping hc.example: connection refused"},
		"not found": {func(*http.Request) (*http.Response, error) { return reply(404), nil }, 2, false, "ping hc.example: HTTP 404"},
		"hangs":     {hangs, 2, false, "ping hc.example: context deadline exceeded"},
		"to elsewhere": {func(*http.Request) (*http.Response, error) {
			return reply(307, "Location", "https://evil.example/x"), nil
		}, 2, false, "HTTP 307"},
		"to plain http": {func(*http.Request) (*http.Response, error) { return reply(307, "Location", "http://hc.example/x"), nil }, 2, false, "HTTP 307"},
		"at home": {func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/x" {
				return reply(200), nil
			}
			return reply(307, "Location", "/x"), nil
		}, 2, true, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			calls := 0
			p, err := newPinger("https://hc.example"+secretPath, roundTrips(func(r *http.Request) (*http.Response, error) {
				calls++
				if r.URL.Host != "hc.example" || r.URL.Scheme != "https" {
					t.Errorf("%s: went to %s", name, r.URL)
				}
				return test.answer(r)
			}))
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			err = p.ping(t.Context(), "", "body")
			if (err == nil) != test.ok || calls != test.calls {
				t.Errorf("%s: error %v after %d calls", name, err, calls)
			}
			if err != nil && (strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("%s: error %v, want %q", name, err, test.want)
			}
			if d := time.Since(start); d > 21*time.Second {
				t.Errorf("%s: took %v", name, d)
			}
		})
	}
}

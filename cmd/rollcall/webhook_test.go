package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/pipeline/results"
)

// A webhook is tried twice, takes twenty-one seconds at most, follows no redirect,
// and whatever becomes of it, no error has the path.
func TestWebhookFailures(t *testing.T) {
	for name, test := range map[string]struct {
		answer roundTrips
		want   string
	}{
		"refused": {func(*http.Request) (*http.Response, error) { return reply(403), nil }, "webhook hooks.example: HTTP 403"},
		"at home": {func(*http.Request) (*http.Response, error) { return reply(302, "Location", "/x"), nil }, "HTTP 302"},
		"to elsewhere": {func(*http.Request) (*http.Response, error) {
			return reply(307, "Location", "https://evil.example/x"), nil
		}, "HTTP 307"},
		"hangs": {func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}, "webhook hooks.example: context deadline exceeded"},
	} {
		synctest.Test(t, func(t *testing.T) {
			calls := 0
			w, err := newWebhook("https://hooks.example"+secretPath+"?sig=secret", "slack", roundTrips(func(r *http.Request) (*http.Response, error) {
				calls++
				if r.URL.Path != secretPath || r.URL.RawQuery != "sig=secret" || r.Method != "POST" {
					t.Errorf("%s: %s %s", name, r.Method, r.URL)
				}
				return test.answer(r)
			}))
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			err = w.send(t.Context(), new(results.Outcome))
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "secret") || calls != 2 {
				t.Errorf("%s: error %v after %d calls, want %q", name, err, calls, test.want)
			}
			if d := time.Since(start); d > 21*time.Second {
				t.Errorf("%s: took %v", name, d)
			}
		})
	}
}

// A webhook that has taken the message is not told again, and is told in JSON.
func TestWebhookIsToldOnce(t *testing.T) {
	for _, form := range webhookForms {
		var calls atomic.Int32
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			calls.Add(1)
			if got := r.Header.Get("Content-Type"); got != "application/json" {
				t.Errorf("%s: Content-Type %q", form, got)
			}
			w.WriteHeader(http.StatusAccepted) // as workflows answer
		}))
		w, err := newWebhook(s.URL+secretPath, form, nil)
		if err == nil {
			err = w.send(t.Context(), new(results.Outcome))
		}
		if err != nil || calls.Load() != 1 {
			t.Errorf("%s: %d calls, error %v", form, calls.Load(), err)
		}
		s.Close()
	}
}

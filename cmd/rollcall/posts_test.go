package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// The ping does not wait for a webhook that does not answer.
func TestPingIsNotKeptBackByAWebhook(t *testing.T) {
	pinged := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/webhook":
			select {
			case <-pinged:
			case <-r.Context().Done():
			}
		case "/ping":
			close(pinged)
		}
	}))
	defer s.Close()
	t.Chdir(t.TempDir())
	writeRoster(t, "users.csv", 1)
	_, stderr := rollcall(t, exitOK, "apply", "users.csv", "--privacy-mode", "opt-out", "--ping", s.URL+"/ping", "--webhook", s.URL+"/webhook")
	if strings.Contains(stderr, "warning") {
		t.Error(stderr)
	}
}

// Once a run is to stop at once, posts have a moment, and no more.
func TestHurried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, interrupt := context.WithCancel(t.Context())
		later, cancel := hurried(ctx)
		defer cancel()
		time.Sleep(time.Minute)
		if later.Err() != nil {
			t.Fatal("it ended without an interrupt")
		}
		began := time.Now()
		interrupt()
		<-later.Done()
		if took := time.Since(began); took != hurriedPost {
			t.Errorf("it took %v", took)
		}
	})
}

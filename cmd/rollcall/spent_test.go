package main

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"rollcall/tenant/sandbox"
	"rollcall/tenant/sandbox/server"
)

// A run makes no call between a reply that says that none is left and the reset.
func TestNoCallWhenNoneIsLeft(t *testing.T) {
	const reset = 300 * time.Millisecond
	service := &server.Server{Tenant: sandbox.New()}
	var mu sync.Mutex
	var spent, next time.Time // when none was left, and when the next call came
	n := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		n++
		switch now := time.Now(); n {
		case 4:
			w.Header().Set("Rate-Limit-Remaining", "1")
		case 5:
			w.Header().Set("Rate-Limit-Remaining", "0")
			w.Header().Set("Rate-Limit-Reset", "0.3")
			spent = now
		case 6:
			next = now
		}
		mu.Unlock()
		service.ServeHTTP(w, r)
	}))
	defer s.Close()
	defer service.Close()
	dir := t.TempDir()
	t.Setenv(tokenVariable, "token-8d2f")
	t.Setenv("XDG_STATE_HOME", dir)
	in := filepath.Join(dir, "users.csv")
	writeRoster(t, in, 6)
	rollcall(t, exitOK, "apply", in, "--noun", "CASMailbox", "--set", "PopEnabled=false", "-o", filepath.Join(dir, "results.csv"), "--quiet", "--yes",
		"--tenant", "exchange", "--endpoint", s.URL, "--organization", organization, "--workers", "1")
	if waited := next.Sub(spent); waited < reset {
		t.Errorf("the next call came after %v, want %v", waited, reset)
	}
}

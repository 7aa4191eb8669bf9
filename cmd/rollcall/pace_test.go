package main

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	"rollcall/tenant/sandbox"
	"rollcall/tenant/sandbox/server"
)

// Over real sockets too a run finds how many calls a second it may make, and says
// so.
func TestPaceIsFoundAndSaid(t *testing.T) {
	c := &counted{server: &server.Server{Tenant: sandbox.New(), Rate: 100, Burst: 10, RetryAfter: time.Second}}
	stderr := against(t, c, 120)
	if c.refused == 0 {
		t.Fatal("nothing was refused")
	}
	for _, want := range []string{`pause`, `; the tenant allowed about [0-9]+ a second\n`} {
		if !regexp.MustCompile(want).MatchString(stderr) {
			t.Errorf("stderr has no %s:\n%s", want, stderr)
		}
	}
}

// A counted server is a sandbox that remembers when requests came, and which it
// refused for being too many.
type counted struct {
	server *server.Server

	mu      sync.Mutex
	taken   []time.Time
	refused int
}

func (c *counted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	status := &statusWriter{ResponseWriter: w, status: http.StatusOK}
	c.server.ServeHTTP(status, r)
	c.mu.Lock()
	defer c.mu.Unlock()
	if status.status == http.StatusTooManyRequests {
		c.refused++
	} else {
		c.taken = append(c.taken, now)
	}
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// between counts the calls that were taken in [start+from, start+to).
func (c *counted) between(start time.Time, from, to time.Duration) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, at := range c.taken {
		if d := at.Sub(start); d >= from && d < to {
			n++
		}
	}
	return n
}

// against runs apply for so many users against server, and returns what it says.
func against(tb testing.TB, c *counted, users int, flags ...string) (stderr string) {
	tb.Helper()
	s := httptest.NewServer(c)
	defer s.Close()
	defer c.server.Close()
	return at(tb, s.URL, users, flags...)
}

// at is against, of a server that is there already.
func at(tb testing.TB, url string, users int, flags ...string) (stderr string) {
	tb.Helper()
	tb.Setenv(tokenVariable, "token-8d2f")
	dir := tb.TempDir()
	in := filepath.Join(dir, "users.csv")
	writeRoster(tb, in, users)
	_, stderr = rollcall(tb, exitOK, append([]string{"apply", in, "--privacy-mode", "opt-in",
		"-o", filepath.Join(dir, "results.csv"), "--yes",
		"--tenant", "exchange", "--endpoint", url, "--organization", organization}, flags...)...)
	return stderr
}

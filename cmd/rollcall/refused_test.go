package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rollcall/tenant/sandbox"
	"rollcall/tenant/sandbox/server"
)

// One token for all of a run, as --auth token has it, may be refused now and then: the
// run goes on. For one user it may be refused each time: that row fails. If it is
// refused to all, the run ends soon, and once: no row has failed, and with another
// token it goes on.
func TestRefusedTokens(t *testing.T) {
	t.Parallel()
	for _, noun := range []string{"MyAnalyticsFeatureConfig", "CASMailbox"} {
		for _, test := range []struct {
			name    string
			refuse  func(n int64, r *http.Request, body string) bool
			status  int
			applied int
			most    time.Duration
			retries string
		}{
			{"2%", func(n int64, _ *http.Request, _ string) bool { return n%50 == 7 }, exitOK, 1000, time.Minute, "5"},
			{"one user", func(_ int64, r *http.Request, body string) bool {
				return strings.Contains(r.URL.Path+body, "user0000007@")
			}, exitRows, 999, time.Minute, "2"},
			{"dead", func(int64, *http.Request, string) bool { return true }, exitError, 0, 20 * time.Second, "5"},
			{"revoked", func(n int64, _ *http.Request, _ string) bool { return n > 700 }, exitError, -1, 30 * time.Second, "5"},
		} {
			t.Run(noun+" "+test.name, func(t *testing.T) {
				t.Parallel()
				var n, refused atomic.Int64
				var mended atomic.Bool
				srv := &server.Server{Tenant: sandbox.New()}
				s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					body, _ := io.ReadAll(r.Body)
					r.Body = io.NopCloser(bytes.NewReader(body))
					if r.Header.Get("Authorization") != "" && !mended.Load() && test.refuse(n.Add(1), r, string(body)) {
						refused.Add(1)
						w.WriteHeader(http.StatusUnauthorized)
						return
					}
					srv.ServeHTTP(w, r)
				}))
				defer s.Close()
				dir := t.TempDir()
				in, out, token := filepath.Join(dir, "users.csv"), filepath.Join(dir, "results.csv"), filepath.Join(dir, "token")
				writeRoster(t, in, 1000)
				if err := os.WriteFile(token, []byte("token-8d2f"), 0o600); err != nil {
					t.Fatal(err)
				}
				set := "PrivacyMode=opt-out"
				if noun == "CASMailbox" {
					set = "PopEnabled=false"
				}
				args := []string{"apply", in, "--set", set, "--noun", noun, "-o", out, "--yes", "--auth", "token", "--token-file", token,
					"--tenant", "exchange", "--endpoint", s.URL, "--organization", organization, "--workers", "6", "--retries", test.retries}
				began := time.Now()
				_, stderr := rollcall(t, test.status, args...)
				if took := time.Since(began); took > test.most {
					t.Errorf("it took %v, want %v at most", took, test.most)
				}
				results, err := os.ReadFile(out)
				if err != nil && test.applied != 0 {
					t.Fatal(err)
				}
				if got := strings.Count(string(results), ",applied,"); got != test.applied && test.applied >= 0 {
					t.Errorf("%d rows are applied, want %d", got, test.applied)
				}
				if test.status != exitError {
					return
				}
				if strings.Contains(string(results), ",failed,") || strings.Count(stderr, "hint: the tenant does not accept the access token") != 1 {
					t.Errorf("%s\n%s", results, stderr)
				}
				if n := refused.Load(); n > 60 {
					t.Errorf("the token was refused %d times", n)
				}
				mended.Store(true)
				rollcall(t, exitOK, append(args, "--resume")...)
				if n := srv.Counts().UsersSet; n != 1000 {
					t.Errorf("%d users were set, want 1000", n)
				}
			})
		}
	}
}

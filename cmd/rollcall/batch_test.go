package main

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/tenant/sandbox"
	"rollcall/tenant/sandbox/server"
)

// A tenant that takes no batches ends the run at once, and the way out is named;
// the users are not said to be missing.
func TestNoBatches(t *testing.T) {
	sandboxed := &server.Server{Tenant: sandbox.New()}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/$batch") {
			http.NotFound(w, r)
			return
		}
		sandboxed.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	t.Setenv(tokenVariable, "token-8d2f")
	dir := t.TempDir()
	in, out := filepath.Join(dir, "users.csv"), filepath.Join(dir, "results.csv")
	writeRoster(t, in, 100)
	args := []string{"apply", in, "--noun", "CASMailbox", "--set", "PopEnabled=false", "-o", out, "--overwrite", "--yes",
		"--tenant", "exchange", "--endpoint", srv.URL, "--organization", organization, "--workers", "5", "--batch"}
	_, stderr := rollcall(t, exitError, append(args, "5")...)
	for _, want := range []string{"the tenant takes no batches", "hint: use --batch 1, which sends each call in its own request", "to go on: rollcall apply ", " --batch 5 --resume --batch 1\n"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("stderr has no %q:\n%s", want, stderr)
		}
	}
	if strings.Contains(stderr, "not-found") {
		t.Errorf("users are said to be missing:\n%s", stderr)
	}
	rollcall(t, exitOK, append(args, "1")...)
}

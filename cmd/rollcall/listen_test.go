package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// listen is a script's command: it serves HTTP until the script's end, sets PING
// to its address, and writes each request to a file.
func listen(ts *testscript.TestScript, _ bool, args []string) {
	name := ts.MkAbs(args[0])
	var mu sync.Mutex
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		body, _ := io.ReadAll(r.Body)
		f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer f.Close()
		fmt.Fprintf(f, "%s %s %s\n", r.Method, r.URL.Path, strings.ReplaceAll(string(body), "\n", "; "))
	}))
	ts.Defer(s.Close)
	ts.Setenv("PING", s.URL)
}

// pingServer returns the address of a server that calls first when it is first
// asked.
func pingServer(t *testing.T, first func()) string {
	var once sync.Once
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { once.Do(first) }))
	t.Cleanup(s.Close)
	return s.URL
}

// rollcallAtStart is like rollcall, with its log as JSON, and calls begun when the run
// begins: what it starts from is on record, and its first call waits for begun.
func rollcallAtStart(t *testing.T, status int, begun func(), args ...string) (stderr string) {
	t.Helper()
	errs := &startWriter{begun: begun}
	if got := run(append(args, "--log-format", "json"), nil, io.Discard, errs); got != status {
		t.Fatalf("rollcall %q: exit status %d, want %d\n%s", args, got, status, errs.writer)
	}
	if errs.begun != nil {
		t.Errorf("rollcall %q: no run has begun\n%s", args, errs.writer)
	}
	return strings.ReplaceAll(string(errs.writer), `\\`, `\`)
}

// A startWriter calls begun when the log says that the run begins.
type startWriter struct {
	writer
	begun func()
}

func (w *startWriter) Write(p []byte) (int, error) {
	if begun := w.begun; begun != nil && bytes.Contains(p, []byte(`"msg":"start"`)) {
		w.begun = nil
		begun()
	}
	return w.writer.Write(p)
}

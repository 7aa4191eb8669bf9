package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// A service is a fleet server or a worker, in a process of its own.
type service struct {
	cmd    *exec.Cmd
	url    string        // of a server
	health string        // of --metrics-listen
	gone   chan struct{} // closed when it has ended

	mu   sync.Mutex
	said bytes.Buffer // on standard error
}

func (s *service) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.said.Write(p)
}

func (s *service) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.said.String()
}

var (
	healthLine = regexp.MustCompile(`health\s+{"url": "(http://[^/]+)/healthz"}`)
	urlLine    = regexp.MustCompile(`fleet server on (\S+);`)
	workerLine = regexp.MustCompile(`rollcall: worker \S+ of `)
)

// startService starts cmd, which is fleet serve or fleet work, and returns when it can
// be used.
func startService(cmd *exec.Cmd) (*service, error) {
	s := &service{cmd: cmd, gone: make(chan struct{})}
	cmd.Stderr = s
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() { cmd.Wait(); close(s.gone) }()
	ready := urlLine
	if slices.Contains(cmd.Args, "work") {
		ready = workerLine
	}
	for {
		said := s.text()
		if m := ready.FindStringSubmatch(said); m != nil {
			if ready == urlLine {
				s.url = m[1]
			}
			if m := healthLine.FindStringSubmatch(said); m != nil {
				s.health = m[1]
			}
			return s, nil
		}
		select {
		case <-s.gone:
			return nil, fmt.Errorf("it ended: %s", s.text())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// end sends a signal and returns the exit status.
func (s *service) end(signal os.Signal) int {
	s.cmd.Process.Signal(signal)
	<-s.gone
	return s.cmd.ProcessState.ExitCode()
}

// newService starts fleet serve or fleet work for a test.
func newService(tb testing.TB, program, dir string, args ...string) *service {
	tb.Helper()
	cmd := exec.Command(program, append([]string{"fleet"}, args...)...)
	cmd.Dir = dir
	s, err := startService(cmd)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		s.cmd.Process.Kill()
		if tb.Failed() {
			tb.Logf("fleet %s said: %s", args[0], s.text())
		}
	})
	return s
}

// serviceEnvironment returns what a script's services have to know of its environment.
func serviceEnvironment(ts *testscript.TestScript) []string {
	env := environment(ts)
	for _, name := range []string{"ROLLCALL_SERVER", fleetTokenVariable, lockDirVariable, "XDG_STATE_HOME", "ROLLCALL_RATE"} {
		env = append(env, name+"="+ts.Getenv(name))
	}
	return env
}

// services are the services of a script, by name.
type services map[string]*service

// fleetService is a script's command: it starts fleet serve or fleet work under a name,
// and sets ROLLCALL_SERVER to the address of a server.
func fleetService(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: service NAME serve|work ARGS...")
	}
	program, err := exec.LookPath("rollcall")
	ts.Check(err)
	cmd := exec.Command(program, append([]string{"fleet"}, args[1:]...)...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = serviceEnvironment(ts)
	s, err := startService(cmd)
	ts.Check(err)
	ts.Defer(func() { s.cmd.Process.Kill() })
	ts.Value("services").(services)[args[0]] = s
	if s.url != "" {
		ts.Setenv("ROLLCALL_SERVER", s.url)
	}
}

// endService is a script's command: it ends a service with a signal, fails unless that
// exits with a status, and writes what it said to the file said.txt.
func endService(ts *testscript.TestScript, _ bool, args []string) {
	s := ts.Value("services").(services)[args[0]]
	signals := map[string]os.Signal{"INT": os.Interrupt, "TERM": syscall.SIGTERM, "KILL": os.Kill}
	status := s.end(signals[args[1]])
	ts.Logf("%s", s.text())
	ts.Check(os.WriteFile(ts.MkAbs("said.txt"), []byte(s.text()), 0o600))
	if want, err := strconv.Atoi(args[2]); err != nil || status != want {
		ts.Fatalf("exit status %d, want %s", status, args[2])
	}
}

// health is a script's command: it asks a service for a path, fails unless the answer
// has a status, and writes the answer to a file.
func health(ts *testscript.TestScript, _ bool, args []string) {
	s := ts.Value("services").(services)[args[0]]
	resp, err := http.Get(s.health + args[1])
	ts.Check(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	ts.Check(err)
	ts.Logf("%s\n%s", resp.Status, body)
	ts.Check(os.WriteFile(ts.MkAbs(args[3]), body, 0o600))
	if !strings.HasPrefix(resp.Status, args[2]) {
		ts.Fatalf("%s: %s, want %s", args[1], resp.Status, args[2])
	}
}

// said is a script's command: it waits until what a service has said matches a pattern.
func said(ts *testscript.TestScript, _ bool, args []string) {
	s := ts.Value("services").(services)[args[0]]
	pattern, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	waitUntil(ts, func() bool { return pattern.MatchString(s.text()) }, func() string { return s.text() })
}

// shown is a script's command: it runs a command again and again, until what that
// prints matches a pattern.
func shown(ts *testscript.TestScript, _ bool, args []string) {
	pattern, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	var out []byte
	waitUntil(ts, func() bool {
		cmd := exec.Command(args[1], args[2:]...)
		cmd.Path, err = exec.LookPath(args[1])
		ts.Check(err)
		cmd.Dir = ts.MkAbs(".")
		cmd.Env = serviceEnvironment(ts)
		out, _ = cmd.CombinedOutput()
		return pattern.Match(out)
	}, func() string { return string(out) })
}

// waitUntil waits until done returns true, a minute at most.
func waitUntil(ts *testscript.TestScript, done func() bool, last func() string) {
	for end := time.Now().Add(time.Minute); !done(); {
		if time.Now().After(end) {
			ts.Fatalf("not within a minute: %s", last())
		}
		<-time.After(20 * time.Millisecond)
	}
}

//go:build unix

package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/tenant/sandbox"
	"rollcall/tenant/sandbox/server"
)

// fleetTakeover is the takeover time of the fleets of these tests, the shortest there is.
const fleetTakeover = 5 * time.Second

// fleetToken is the token of the fleet servers of these tests.
const fleetToken = "fleet-token-5c1e"

// A machines is a fleet server, or a cluster of three, and workers: processes which
// share nothing but what goes over the server, not even the locks of a machine. The
// tenants are served by the test itself, which knows who called.
type machines struct {
	testing.TB
	program, dir string
	tenants      *calledTenants
	config       string // file with the profile of all tenants
	nodes        []*fleetNode
	peers        []string
	workers      int // started so far
}

// newMachines returns machines without any process.
func newMachines(t testing.TB, latency, jitter time.Duration) *machines {
	if testing.Short() {
		t.Skip("it takes a while")
	}
	m := &machines{TB: t, program: filepath.Join(t.TempDir(), "rollcall"), dir: t.TempDir()}
	buildProgram(t, m.program)
	m.tenants = &calledTenants{server: &server.Server{Tenant: sandbox.New(), Latency: latency, Jitter: jitter}, by: make(map[string]int), last: make(map[string]time.Time)}
	s := httptest.NewServer(m.tenants)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	m.config = filepath.Join(m.dir, "profiles.yaml")
	profile := fmt.Sprintf("profiles:\n  served: {tenant: exchange, endpoint: %q}\n", s.URL)
	if err := os.WriteFile(m.config, []byte(profile), 0o600); err != nil {
		t.Fatal(err)
	}
	return m
}

// calledTenants are tenants that know which worker called them, by its access token.
type calledTenants struct {
	server  *server.Server
	answers sync.RWMutex // held for writing, calls arrive and are not answered

	mu   sync.Mutex
	by   map[string]int // calls by access token
	last map[string]time.Time
}

func (c *calledTenants) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	c.mu.Lock()
	c.by[token]++
	c.last[token] = time.Now()
	c.mu.Unlock()
	c.answers.RLock()
	defer c.answers.RUnlock()
	c.server.ServeHTTP(w, r)
}

// calls returns how often a worker called, and when it did last.
func (c *calledTenants) calls(token string) (int, time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.by[token], c.last[token]
}

// all returns how often anybody called.
func (c *calledTenants) all() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range c.by {
		n += k
	}
	return n
}

// sets returns how many sets there were, and how many users have one.
func (c *calledTenants) sets() (sets, users int) {
	counts := c.server.Counts()
	return counts.Cmdlets["Set-MyAnalyticsFeatureConfig"], counts.UsersSet
}

// A process is one of the program, with what it said.
type process struct {
	*exec.Cmd
	said  *transcript
	ended chan struct{}
}

// A transcript is what a process has said so far.
type transcript struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (x *transcript) Write(p []byte) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.b.Write(p)
}

func (x *transcript) String() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.b.String()
}

// start starts the program with variables of its own.
func (m *machines) start(env []string, args ...string) *process {
	m.Helper()
	p := &process{Cmd: exec.Command(m.program, args...), said: new(transcript), ended: make(chan struct{})}
	p.Env = append(os.Environ(), append([]string{fleetTokenVariable + "=" + fleetToken}, env...)...)
	p.Stdout, p.Stderr = p.said, p.said
	if err := p.Start(); err != nil {
		m.Fatal(err)
	}
	go func() { p.Wait(); close(p.ended) }()
	m.Cleanup(func() { p.kill() })
	return p
}

// kill kills the process, stopped or not, and waits for its end.
func (p *process) kill() {
	p.Process.Kill()
	<-p.ended
}

// run runs a command of the program to its end, and returns what it printed.
func (m *machines) run(status int, args ...string) string {
	m.Helper()
	got, out := m.try(args...)
	if got != status {
		m.Fatalf("rollcall %s: exit status %d, want %d\n%s", strings.Join(args, " "), got, status, out)
	}
	return out
}

// try runs a command of the program to its end, and returns its exit status with what it
// printed or, if it failed, why.
func (m *machines) try(args ...string) (status int, out string) {
	cmd := exec.Command(m.program, args...)
	cmd.Env = append(os.Environ(), fleetTokenVariable+"="+fleetToken, "ROLLCALL_SERVER="+m.url(), "ROLLCALL_CONFIG="+m.config, tokenVariable+"=token-submit")
	var said bytes.Buffer
	cmd.Stderr = &said
	b, err := cmd.Output()
	if err != nil {
		return cmd.ProcessState.ExitCode(), string(b) + said.String()
	}
	return exitOK, string(b)
}

// A fleetNode is a fleet server, or a node of a cluster.
type fleetNode struct {
	number           int // from 1; 0 for a server that is no cluster
	store, at, probe string
	process          *process
}

// serve starts a fleet server, or a cluster of n nodes, and waits until it is ready.
func (m *machines) serve(n int) {
	m.Helper()
	for range n {
		m.peers = append(m.peers, freeAddress(m))
	}
	for i := range n {
		node := &fleetNode{number: i + 1, store: filepath.Join(m.dir, fmt.Sprintf("store%d", i+1)), at: freeAddress(m), probe: freeAddress(m)}
		if n == 1 {
			node.number, m.peers = 0, nil
		}
		m.nodes = append(m.nodes, node)
		m.startNode(node)
	}
	for _, node := range m.nodes {
		m.awaitNode(node)
	}
}

// startNode starts a node, for the first time or again.
func (m *machines) startNode(n *fleetNode) {
	m.Helper()
	args := []string{"fleet", "serve", "--store", n.store, "--listen", n.at, "--metrics-listen", n.probe}
	if n.number > 0 {
		args = append(args, "--node", fmt.Sprint(n.number), "--peers", strings.Join(m.peers, ","))
	}
	n.process = m.start(nil, args...)
}

// awaitNode waits until a node says that it is ready.
func (m *machines) awaitNode(n *fleetNode) {
	m.Helper()
	m.await(time.Minute, "a node is ready", n.process.said.String, func() bool {
		r, err := http.Get("http://" + n.probe + "/healthz")
		if err != nil {
			return false
		}
		r.Body.Close()
		return r.StatusCode == http.StatusOK
	})
}

// url returns where the nodes that were not killed are.
func (m *machines) url() string {
	var urls []string
	for _, n := range m.nodes {
		urls = append(urls, "nats://"+n.at)
	}
	return strings.Join(urls, ",")
}

// addresses have those that were returned by freeAddress.
var addresses sync.Map

// freeAddress returns an address that nobody listens on, that no other test has, and that
// no system gives out by itself.
func freeAddress(tb testing.TB) string {
	tb.Helper()
	for {
		at := fmt.Sprintf("127.0.0.1:%d", 10000+rand.IntN(4000))
		if _, taken := addresses.LoadOrStore(at, true); taken {
			continue
		}
		if l, err := net.Listen("tcp", at); err == nil {
			l.Close()
			return at
		}
	}
}

// await waits until something holds, and fails the test with what was said if that takes
// too long.
func (m *machines) await(most time.Duration, what string, said func() string, holds func() bool) {
	m.Helper()
	for end := time.Now().Add(most); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			m.Fatalf("not within %v: %s\n%s", most, what, said())
		}
	}
}

// A fleetMember is a worker in a process of its own.
type fleetMember struct {
	*process
	token, dir string
}

// work starts a worker with a directory, locks and an access token of its own.
func (m *machines) work(slots int) *fleetMember {
	m.Helper()
	m.workers++
	w := &fleetMember{token: fmt.Sprintf("token-of-worker-%d", m.workers), dir: filepath.Join(m.dir, fmt.Sprintf("worker%d", m.workers))}
	for _, dir := range []string{"jobs", "locks", "tmp"} {
		if err := os.MkdirAll(filepath.Join(w.dir, dir), 0o700); err != nil {
			m.Fatal(err)
		}
	}
	env := []string{tokenVariable + "=" + w.token, "ROLLCALL_LOCK_DIR=" + filepath.Join(w.dir, "locks"),
		"TMPDIR=" + filepath.Join(w.dir, "tmp"), "XDG_STATE_HOME=" + filepath.Join(w.dir, "state"), "ROLLCALL_SERVER=" + m.url()}
	w.process = m.start(env, "fleet", "work", "--slots", fmt.Sprint(slots), "--dir", filepath.Join(w.dir, "jobs"), "--config", m.config)
	return w
}

// lose kills a worker, and its disk is lost.
func (m *machines) lose(w *fleetMember) {
	m.Helper()
	w.kill()
	if err := os.RemoveAll(w.dir); err != nil {
		m.Fatal(err)
	}
}

//go:build unix

package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"rollcall/report"
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
	server *server.Server

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

// freeAddress returns an address that nobody listens on.
func freeAddress(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
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

// A machinesFleet is a fleet that the machines work on.
type machinesFleet struct {
	id                      string
	tenants, users, workers int // workers: calls of a tenant at once
}

// submit submits a fleet whose tenants have that many users each.
func (m *machines) submit(name string, tenants, users, parallel, workers int) *machinesFleet {
	m.Helper()
	f := &machinesFleet{tenants: tenants, users: users, workers: workers}
	file := m.write(name, f, parallel)
	f.id = strings.TrimSpace(m.run(exitOK, "fleet", "submit", file, "--yes"))
	return f
}

// write writes the file of a fleet, and its rosters.
func (m *machines) write(name string, f *machinesFleet, parallel int) (file string) {
	m.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "name: %s\nrun: apply\nparallel: %d\ntakeover: %v\nflags: {privacy-mode: opt-out, read-first: true, workers: %d}\ntenants:\n",
		name, parallel, fleetTakeover, f.workers)
	for i := range f.tenants {
		fmt.Fprintf(&b, "  - {name: t%d, profile: served, roster: %s-t%d.csv, flags: {organization: %s-t%d.com}}\n", i, name, i, name, i)
		r := "UserPrincipalName\n"
		for k := range f.users {
			r += fmt.Sprintf("user%d@%s-t%d.com\n", k, name, i)
		}
		if err := os.WriteFile(filepath.Join(m.dir, fmt.Sprintf("%s-t%d.csv", name, i)), []byte(r), 0o600); err != nil {
			m.Fatal(err)
		}
	}
	file = filepath.Join(m.dir, name+".yaml")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		m.Fatal(err)
	}
	return file
}

// status returns how far a fleet is.
func (m *machines) status(f *machinesFleet) report.FleetStatus {
	m.Helper()
	var s report.FleetStatus
	m.decode(m.run(exitOK, "fleet", "status", f.id, "--json"), &s)
	return s
}

// finish waits for the end of a fleet.
func (m *machines) finish(f *machinesFleet, most time.Duration) {
	m.Helper()
	last := "nothing"
	m.await(most, "the fleet ends", func() string { return last }, func() bool {
		var s report.FleetStatus
		var status int
		if status, last = m.try("fleet", "status", f.id, "--json"); status != exitOK {
			return false // nodes that have to find a leader first do not answer
		}
		m.decode(last, &s)
		return s.Ended()
	})
}

// resultsOf returns the directory for the results of a fleet.
func (m *machines) resultsOf(f *machinesFleet) string { return filepath.Join(m.dir, "results-"+f.id) }

// check checks the results of a fleet that has ended: each row has one record, with the
// value from before the first set.
func (m *machines) check(f *machinesFleet) {
	m.Helper()
	name, _, _ := strings.Cut(f.id, "-")
	dir := m.resultsOf(f)
	m.run(exitOK, "fleet", "results", f.id, "-o", dir)
	for i := range f.tenants {
		b, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("t%d.csv", i)))
		if err != nil {
			m.Fatal(err)
		}
		records, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
		if err != nil || len(records) != f.users+1 {
			m.Fatalf("t%d: %d records, %v; want %d and a header", i, len(records), err, f.users)
		}
		for k, r := range records[1:] {
			got, want := strings.Join(r[:6], ","), fmt.Sprintf("%d,user%d@%s-t%d.com,applied,opt-out,opt-out,opt-in", k+2, k, name, i)
			if got != want {
				m.Errorf("t%d: record %d is %s, want %s", i, k, got, want)
			}
		}
	}
	if b, err := os.ReadFile(filepath.Join(dir, "all.csv")); err != nil || bytes.Count(b, []byte("\n")) != f.tenants*f.users+1 {
		m.Errorf("all.csv has %d lines, %v", bytes.Count(b, []byte("\n")), err)
	}
}

// checkSets checks that all users of f, the only fleet, have their set, and that no more
// rows were set again than were in progress when tenants were taken over.
func (m *machines) checkSets(f *machinesFleet, takeovers int) {
	m.Helper()
	sets, users := m.tenants.sets()
	if want := f.tenants * f.users; users != want || sets > want+takeovers*f.workers {
		m.Errorf("%d sets of %d users after %d takeovers; want %d users and at most %d sets", sets, users, takeovers, want, want+takeovers*f.workers)
	}
	m.Logf("%d sets of %d users", sets, users)
}

// takeovers returns how often tenants were taken by a worker that did not finish them.
func (m *machines) takeovers(f *machinesFleet) (n int) {
	m.Helper()
	for _, t := range m.status(f).Tenants {
		n += int(t.Epoch) - 1
	}
	return n
}

// running waits until a worker is in the midst of a number of tenants.
func (m *machines) running(w *fleetMember, calls int) {
	m.Helper()
	m.await(time.Minute, "a worker works", w.said.String, func() bool {
		n, _ := m.tenants.calls(w.token)
		return n >= calls
	})
}

// Workers are killed at random instants, with their disks, and others come: the fleet
// ends with one record for each row, with the value from before the first set, and not
// more is done again than was in progress. TORTURE is how many kills there are to be.
func TestMachinesKilled(t *testing.T) {
	t.Parallel()
	most := 3
	if n, err := strconv.Atoi(os.Getenv("TORTURE")); err == nil {
		most = n
	}
	rnd := rand.New(rand.NewPCG(18, uint64(time.Now().UnixNano())))
	for kills := 0; kills < most && !t.Failed(); {
		n := min(most-kills, 12)
		kills += n
		m := newMachines(t, 5*time.Millisecond, 20*time.Millisecond)
		m.serve(1)
		f := m.submit("nightly", 6+4*n, 40, 6+n, 4)
		var workers []*fleetMember
		for range 3 {
			workers = append(workers, m.work(2))
		}
		for range n {
			i := rnd.IntN(len(workers))
			m.running(workers[i], 20+rnd.IntN(150))
			m.lose(workers[i])
			workers[i] = m.work(2)
		}
		m.finish(f, 5*time.Minute)
		m.check(f)
		m.checkSets(f, m.takeovers(f))
	}
}

// A server that is killed and comes back, soon or after longer than the takeover time,
// loses nothing. While it is away for so long nobody calls a tenant, since nobody knows
// to whom it belongs.
func TestMachinesServerKilled(t *testing.T) {
	t.Parallel()
	m := newMachines(t, 20*time.Millisecond, 20*time.Millisecond)
	m.serve(1)
	f := m.submit("nightly", 4, 160, 4, 4)
	a, b := m.work(2), m.work(2)
	m.running(a, 20)
	m.running(b, 20)

	m.nodes[0].process.kill()
	time.Sleep(fleetTakeover / 5)
	m.startNode(m.nodes[0])
	before, _ := m.tenants.sets()
	m.await(time.Minute, "sets after the server is back", func() string { return a.said.String() + b.said.String() }, func() bool {
		n, _ := m.tenants.sets()
		return n > before+50
	})
	if n := m.takeovers(f); n != 0 {
		t.Errorf("%d tenants changed hands while the server was away for a moment", n)
	}

	m.nodes[0].process.kill()
	time.Sleep(fleetTakeover + fleetTakeover/5)
	calls := m.tenants.all()
	time.Sleep(time.Second)
	if more := m.tenants.all() - calls; more > 0 {
		t.Errorf("%d calls after the leases were over", more)
	}
	m.startNode(m.nodes[0])
	m.awaitNode(m.nodes[0])
	m.await(fleetTakeover*3/2, "work goes on when the server is back", func() string { return a.said.String() + b.said.String() }, func() bool {
		return m.tenants.all() > calls
	})
	m.finish(f, time.Minute)
	m.check(f)
	m.checkSets(f, m.takeovers(f))
}

// long skips a test that takes minutes, unless long ones are asked for.
func long(t *testing.T) {
	if os.Getenv("LONG") == "" && os.Getenv("TORTURE") == "" {
		t.Skip("it takes a minute or two: LONG=1")
	}
}

// Of three nodes one is killed for good, with a worker, and the fleet goes on. Another
// that comes with an empty disk has all that the first had.
func TestMachinesNodeLost(t *testing.T) {
	long(t)
	t.Parallel()
	m := newMachines(t, 10*time.Millisecond, 20*time.Millisecond)
	m.serve(3)
	f := m.submit("nightly", 6, 60, 6, 4)
	a, b := m.work(3), m.work(3)
	m.running(a, 20)
	m.running(b, 20)
	order := rand.Perm(3)
	m.loseNode(m.nodes[order[0]])
	m.lose(a)
	killed := time.Now()
	m.finish(f, 2*time.Minute)
	t.Logf("ended %v after the kill", time.Since(killed).Round(time.Second))
	m.check(f)
	m.checkSets(f, m.takeovers(f))

	m.startNode(m.nodes[order[0]])
	m.awaitNode(m.nodes[order[0]])
	time.Sleep(15 * time.Second) // it gets what it missed
	m.loseNode(m.nodes[order[1]])
	if err := os.RemoveAll(m.resultsOf(f)); err != nil {
		t.Fatal(err)
	}
	m.finish(f, time.Minute)
	m.check(f)
}

// loseNode kills a node, and its disk is lost.
func (m *machines) loseNode(n *fleetNode) {
	m.Helper()
	n.process.kill()
	if err := os.RemoveAll(n.store); err != nil {
		m.Fatal(err)
	}
}

// Of two workers, one submitted fleet of a schedule has each row done once; while it has
// not ended the schedule skips its time, and says so.
func TestMachinesSchedule(t *testing.T) {
	long(t)
	t.Parallel()
	m := newMachines(t, 50*time.Millisecond, 0)
	m.serve(1)
	f := &machinesFleet{tenants: 2, users: 200, workers: 2}
	file := m.write("nightly", f, 2)
	m.work(1)
	m.work(1)
	m.run(exitOK, "fleet", "schedule", file, "--cron", "* * * * *", "--yes")
	var list struct{ Fleets []report.FleetStatus }
	m.await(90*time.Second, "the schedule submits a fleet", func() string { return fmt.Sprint(list) }, func() bool {
		m.decode(m.run(exitOK, "fleet", "status", "--json"), &list)
		return len(list.Fleets) > 0
	})
	f.id = list.Fleets[0].ID
	m.run(exitOK, "fleet", "pause", f.id)
	var schedules struct{ Schedules []report.FleetSchedule }
	m.await(90*time.Second, "the schedule skips its time", func() string { return fmt.Sprint(schedules) }, func() bool {
		m.decode(m.run(exitOK, "fleet", "schedule", "list", "--json"), &schedules)
		return schedules.Schedules[0].LastResult != f.id
	})
	m.run(exitOK, "fleet", "schedule", "remove", "nightly")
	if got := schedules.Schedules[0].LastResult; !strings.Contains(got, "skipped") || !strings.Contains(got, f.id) {
		t.Errorf("the schedule says %q", got)
	}
	if m.decode(m.run(exitOK, "fleet", "status", "--json"), &list); len(list.Fleets) != 1 {
		t.Errorf("there are %d fleets, want 1", len(list.Fleets))
	}
	m.run(exitOK, "fleet", "continue", f.id)
	m.finish(f, time.Minute)
	m.check(f)
	m.checkSets(f, 0)
}

// decode decodes what a command printed as JSON.
func (m *machines) decode(text string, v any) {
	m.Helper()
	if err := json.Unmarshal([]byte(text), v); err != nil {
		m.Fatalf("%v\n%s", err, text)
	}
}

// A worker that is stopped for longer than the takeover time, and goes on when another
// has its tenants, calls them no more and changes nothing in their results.
func TestMachinesZombie(t *testing.T) {
	t.Parallel()
	m := newMachines(t, 20*time.Millisecond, 20*time.Millisecond)
	m.serve(1)
	f := m.submit("nightly", 4, 200, 4, 16)
	zombie := m.work(4)
	m.running(zombie, 200)
	if err := zombie.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond) // what it has sent arrives
	before, _ := m.tenants.calls(zombie.token)
	m.work(4)
	m.await(time.Minute, "another worker has all tenants", zombie.said.String, func() bool { return m.takeovers(f) == f.tenants })
	zombie.Process.Signal(syscall.SIGCONT)
	m.finish(f, time.Minute)
	time.Sleep(time.Second)
	m.check(f)
	m.checkSets(f, f.tenants)
	// A call may have been stopped between its last look at the lease and its way out.
	if after, _ := m.tenants.calls(zombie.token); after > before+1 {
		t.Errorf("%d calls by a worker that had lost its tenants", after-before)
	}
	if n := m.takeovers(f); n != f.tenants {
		t.Errorf("%d takeovers, want %d", n, f.tenants)
	}

	// It is not lost itself: it works on what comes next.
	next := m.submit("next", 6, 3, 6, 4)
	m.finish(next, time.Minute)
	if after, _ := m.tenants.calls(zombie.token); after <= before+1 {
		t.Errorf("the worker does nothing more:\n%s", zombie.said)
	}
}

// What is kept by a server has rosters and results, and no secret: not of the fleet, not
// of a tenant.
func TestMachinesStoreHoldsNoSecret(t *testing.T) {
	t.Parallel()
	m := newMachines(t, 0, 0)
	m.serve(1)
	f := m.submit("nightly", 2, 20, 2, 4)
	w := m.work(2)
	m.finish(f, time.Minute)
	m.check(f)
	m.nodes[0].process.kill()
	found := make(map[string]bool)
	secrets := []string{fleetToken, w.token, "token-submit"}
	err := filepath.WalkDir(m.nodes[0].store, func(name string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(name)
		for _, text := range append(secrets, "user7@nightly-t1.com", "opt-out") {
			if bytes.Contains(b, []byte(text)) {
				found[text] = true
			}
		}
		if info, err := d.Info(); err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range secrets {
		if found[secret] {
			t.Errorf("the store has %s", secret)
		}
	}
	if !found["user7@nightly-t1.com"] || !found["opt-out"] {
		t.Error("the store can't be read by this test: it does not have what it must have")
	}
	err = filepath.WalkDir(w.dir, func(name string, d os.DirEntry, err error) error {
		if err == nil && strings.Contains(name, ".csv") {
			t.Errorf("the worker has left %s", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

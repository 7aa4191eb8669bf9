//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"rollcall/report"
)

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

	killed := time.Now()
	m.nodes[0].process.kill()
	time.Sleep(fleetTakeover / 5)
	m.startNode(m.nodes[0])
	m.awaitNode(m.nodes[0])
	soon := time.Since(killed) < fleetTakeover/2 // a machine that is busy may take longer
	before, _ := m.tenants.sets()
	m.await(time.Minute, "sets after the server is back", func() string { return a.said.String() + b.said.String() }, func() bool {
		n, _ := m.tenants.sets()
		return n > before+50
	})
	if n := m.takeovers(f); n != 0 && soon {
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
	// It is stopped when all its calls wait for their answers: none is on its way out,
	// between the last look at the lease and the connection.
	m.tenants.answers.Lock()
	before := m.settled(zombie)
	err := zombie.Process.Signal(syscall.SIGSTOP)
	m.tenants.answers.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	m.work(4)
	m.await(time.Minute, "another worker has all tenants", zombie.said.String, func() bool { return m.takeovers(f) == f.tenants })
	zombie.Process.Signal(syscall.SIGCONT)
	m.finish(f, time.Minute)
	time.Sleep(time.Second)
	m.check(f)
	m.checkSets(f, f.tenants)
	if after, _ := m.tenants.calls(zombie.token); after != before {
		t.Errorf("%d calls by a worker that had lost its tenants", after-before)
	}
	if n := m.takeovers(f); n != f.tenants {
		t.Errorf("%d takeovers, want %d", n, f.tenants)
	}

	// It is not lost itself: it works on what comes next.
	next := m.submit("next", 6, 3, 6, 4)
	m.finish(next, time.Minute)
	if after, _ := m.tenants.calls(zombie.token); after == before {
		t.Errorf("the worker does nothing more:\n%s", zombie.said)
	}
}

// settled returns how often a worker has called when it calls no more, since none of its
// calls is answered.
func (m *machines) settled(w *fleetMember) int {
	m.Helper()
	m.await(time.Minute, "the worker waits for answers", w.said.String, func() bool {
		_, last := m.tenants.calls(w.token)
		return time.Since(last) > 500*time.Millisecond
	})
	calls, _ := m.tenants.calls(w.token)
	return calls
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

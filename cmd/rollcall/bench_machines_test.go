//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A tenant whose journal goes to a server, too, costs what it costs with the local
// journal alone: the same fleet on a server and a worker, by the one of fleet run, one
// after the other and in turns. What it takes to submit, and to see that it has ended, is
// part of it.
func BenchmarkMachinesJournal(b *testing.B) {
	const users = 3000
	var remote, local time.Duration
	for i := range 2 * b.N {
		run := []func(){
			func() { remote += timeMachines(b, users) },
			func() { local += timeLocal(b, users) },
		}
		run[i%2]()
		run[1-i%2]()
	}
	b.ReportMetric(remote.Seconds()/local.Seconds(), "x-local(goal<=1.10)")
	b.ReportMetric(remote.Seconds()/float64(2*b.N), "s/fleet")
	b.ReportMetric(0, "ns/op")
}

// journalWorkers is how many calls the tenant of the benchmark has at once.
const journalWorkers = 16

func timeMachines(b *testing.B, users int) time.Duration {
	m := newMachines(b, 20*time.Millisecond, 0)
	m.serve(1)
	w := m.work(1)
	m.running(w, 0)
	f := &machinesFleet{tenants: 1, users: users, workers: journalWorkers}
	file := m.write("nightly", f, 1)
	start := time.Now()
	m.run(exitOK, "fleet", "submit", file, "--yes", "--wait", "--quiet")
	took := time.Since(start)
	w.kill()
	m.nodes[0].process.kill()
	return took
}

func timeLocal(b *testing.B, users int) time.Duration {
	m := newMachines(b, 20*time.Millisecond, 0)
	f := &machinesFleet{tenants: 1, users: users, workers: journalWorkers}
	file := m.write("nightly", f, 1)
	start := time.Now()
	m.run(exitOK, "fleet", "run", file, "--results", filepath.Join(m.dir, "results"), "--yes", "--quiet")
	return time.Since(start)
}

// The time from the kill of a worker to the first call of the one that takes over, beyond
// the takeover time of the fleet.
func BenchmarkMachinesTakeover(b *testing.B) {
	var over time.Duration
	worst := -fleetTakeover
	for range b.N {
		m := newMachines(b, 20*time.Millisecond, 0)
		m.serve(1)
		f := m.submit("nightly", 1, 500, 1, 4)
		a := m.work(1)
		m.running(a, 50)
		other := m.work(1)
		time.Sleep(time.Second) // it is there when the first is killed
		m.lose(a)
		killed := time.Now()
		m.running(other, 1)
		took := time.Since(killed) - fleetTakeover
		over, worst = over+took, max(worst, took)
		m.finish(f, time.Minute)
		m.check(f)
		other.kill()
		m.nodes[0].process.kill()
	}
	b.ReportMetric(over.Seconds()/float64(b.N), "s-beyond-takeover")
	b.ReportMetric(worst.Seconds(), "s-worst(goal<=2)")
	b.ReportMetric(0, "ns/op")
}

// A thousand tenants are submitted, and wait for workers: the time of the first, and the
// memory of a server that has them.
func BenchmarkMachinesThousand(b *testing.B) {
	var took time.Duration
	var resident float64
	for range b.N {
		m := newMachines(b, 0, 0)
		m.serve(1)
		f := &machinesFleet{tenants: 1000, users: 10, workers: 4}
		file := m.write("nightly", f, 20)
		start := time.Now()
		f.id = strings.TrimSpace(m.run(exitOK, "fleet", "submit", file, "--yes"))
		took += time.Since(start)
		if s := m.status(f); s.Count["waiting"] != f.tenants {
			b.Fatalf("the fleet is %+v", s.Count)
		}
		time.Sleep(5 * time.Second)
		resident = max(resident, residentMB(b, m.nodes[0].process.Cmd))
		m.nodes[0].process.kill()
	}
	b.ReportMetric(took.Seconds()/float64(b.N), "s/submit(goal<=5)")
	b.ReportMetric(resident, "MB-server(goal<=60)")
	b.ReportMetric(0, "ns/op")
}

// residentMB returns how much memory a process has.
func residentMB(b *testing.B, cmd *exec.Cmd) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
	if err != nil {
		b.Skip("the memory of a process is not to be had here")
	}
	_, line, _ := strings.Cut(string(text), "VmRSS:")
	kB, err := strconv.ParseFloat(strings.Fields(line)[0], 64)
	if err != nil {
		b.Fatal(err)
	}
	return kB / 1024
}

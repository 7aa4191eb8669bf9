//go:build unix

package work

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"rollcall/pipeline/fleet/queue"
	"rollcall/pipeline/job"
)

// TestMain runs the tests, or a Worker in a process of its own, until SIGTERM.
func TestMain(m *testing.M) {
	if os.Getenv("WORK_URL") == "" {
		flag.Set("test.parallel", "16") // most of them wait
		os.Exit(m.Run())
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	term, end := signal.NotifyContext(ctx, syscall.SIGTERM)
	defer end()
	q, err := queue.Connect(ctx, queue.Options{URL: os.Getenv("WORK_URL"), Name: os.Getenv("WORK_NAME")})
	if err == nil {
		slots, _ := strconv.Atoi(os.Getenv("WORK_SLOTS"))
		dir := os.Getenv("WORK_DIR")
		w := newWorker(q, os.Getenv("WORK_NAME"), slots, os.Getenv("WORK_ENDPOINT"), dir)
		if os.Getenv("WORK_WIDE") != "" {
			w.widely()
		}
		w.noting(func() { appendTo(filepath.Join(dir, callsName), ".") })
		err = w.Run(ctx, term.Done())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// many is how many calls a Worker that works widely makes at once.
const many = 32

// widely has the Worker make many calls at once.
func (w *Worker) widely() {
	prepare := w.Prepare
	w.Prepare = func(j queue.Job, dir string) (job.Options, error) {
		o, err := prepare(j, dir)
		o.Workers = many
		return o, err
	}
}

// callsName is a file with a byte for each call that a process made.
const callsName = "calls"

func appendTo(name, text string) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err == nil {
		_, err = f.WriteString(text)
		f.Close()
	}
	if err != nil {
		panic(err)
	}
}

// calls returns how many calls the process made.
func (p *process) calls(t *testing.T) int {
	t.Helper()
	return len(content(t, p.dir, callsName))
}

// A process has a Worker, and a directory that is lost with it.
type process struct {
	*exec.Cmd
	dir string
}

func (w *world) process(name string, slots int, env ...string) *process {
	w.t.Helper()
	dir, err := os.MkdirTemp(w.t.TempDir(), "")
	check(w.t, err)
	p := &process{exec.Command(os.Args[0]), dir}
	p.Env = append(append(os.Environ(), env...), "WORK_URL="+w.server.URL(), "WORK_NAME="+name, "WORK_ENDPOINT="+w.endpoint, "WORK_DIR="+dir, fmt.Sprint("WORK_SLOTS=", slots))
	p.Stdout, p.Stderr = os.Stderr, os.Stderr
	check(w.t, p.Start())
	w.t.Cleanup(p.kill)
	return p
}

// atWork waits until the process has its directory, and minds signals.
func (p *process) atWork(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if found, _ := filepath.Glob(filepath.Join(p.dir, "work", workDirPattern)); found != nil {
			return
		}
		if time.Now().After(end) {
			t.Fatal("a Worker does not begin")
		}
	}
}

// kill ends the process without a goodbye, and removes all that it had on the disk.
func (p *process) kill() {
	if p.ProcessState != nil {
		return
	}
	p.Process.Kill()
	p.Wait()
	os.RemoveAll(p.dir)
}

// Whatever Workers are killed at random instants, and their directories lost, each row
// has one record, as runs by themselves have it, with the value from before the first set;
// every user is set, and no more often than the rows in progress at the kills allow.
func TestKilled(t *testing.T) {
	t.Parallel()
	const tenants, n, slots, at, seed = 8, 80, 2, 3, 18
	kills := 8
	if s := os.Getenv("TORTURE"); s != "" {
		kills, _ = strconv.Atoi(s)
	}
	rnd := rand.New(rand.NewPCG(seed, 1))
	for killed := 0; killed < kills && !t.Failed(); {
		w := newWorld(t, slowly/2)
		id := w.submit(tenants, n, nil)
		var all []*process
		started := 0
		start := func() *process {
			started++
			return w.process(fmt.Sprint("w", started), slots)
		}
		for range at {
			all = append(all, start())
		}
		mine := 0
		for ; killed < kills && !ended(w.state(id)); killed++ {
			time.Sleep(time.Duration(rnd.IntN(900)) * time.Millisecond)
			i := rnd.IntN(at)
			all[i].kill()
			mine++
			all[i] = start()
		}
		w.until(id, "all ended", ended)
		for _, p := range all {
			p.atWork(t)
			p.Process.Signal(syscall.SIGTERM)
			if err := p.Wait(); err != nil {
				t.Errorf("a Worker: %v", err)
			}
			if left, _ := filepath.Glob(filepath.Join(p.dir, "work", workDirPattern)); left != nil {
				t.Errorf("it left %q", left)
			}
		}
		w.isWhole(id, tenants, n)
		sets, got := w.sets()
		if most := tenants*users(n) + mine*slots*workers; got != tenants*users(n) || sets > most {
			t.Errorf("%d sets of %d users, want %d and at most %d sets", sets, got, tenants*users(n), most)
		}
		t.Logf("%d kills, %d sets of %d users", mine, sets, got)
	}
}

// A process that is stopped for longer than its lease, while another does its job, makes
// no call when it goes on, and what it has changes nothing.
func TestZombie(t *testing.T) {
	t.Parallel()
	const n = 1000
	w := newWorld(t, 3*slowly)
	id := w.submit(1, n, nil)
	a := w.process("a", 1, "WORK_WIDE=yes") // the more calls at once, the sooner after the stop is the next
	w.atWork(id, "t0")
	check(t, a.Process.Signal(syscall.SIGSTOP))
	time.Sleep(100 * time.Millisecond) // until it has stopped
	before := a.calls(t)
	b := w.worker("b", 1)
	b.widely()
	defer w.start(b)()
	w.until(id, "taken over", func(s *queue.FleetState) bool { return s.Jobs[0].Worker == "b" })
	check(t, a.Process.Signal(syscall.SIGCONT))
	w.until(id, "all ended", ended)
	if after := a.calls(t); after != before {
		t.Errorf("it made %d calls after its lease", after-before)
	}
	w.isWhole(id, 1, n)
	if sets, got := w.sets(); got != users(n) || sets > got+many {
		t.Errorf("%d sets of %d users, want %d and at most %d", sets, got, users(n), many)
	}
	check(t, a.Process.Signal(syscall.SIGTERM))
	check(t, a.Wait())
}

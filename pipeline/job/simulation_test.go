package job

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/pipeline"
	"rollcall/pipeline/results"
	"rollcall/tenant"
	"rollcall/tenant/connect"
	"rollcall/tenant/sandbox"
)

var (
	firstSeed = flag.Uint64("seed", 0, "the first `SEED` of TestSimulation")
	seeds     = flag.Int("seeds", 0, "how many seeds TestSimulation tries; 0 is as many as CI has time for")
)

// TestSimulation makes jobs from seeds, in virtual time, on a tenant that fails,
// loses replies and may be away for minutes. Each is stopped, cut off and killed at random instants, and gone on
// with until it is complete or, in one of three seeds, given up. Then it is undone, by
// jobs that meet with the same. What a kill leaves is what the files had at that
// instant, and a process that is dead sends nothing.
//
// What the tenant has counts: a complete run has one record for each row, each says
// what is so, and after the undo every user is as before the first job.
func TestSimulation(t *testing.T) {
	n := 50
	switch {
	case os.Getenv("LONG") != "":
		n = 300
	case *seeds > 0:
		n = *seeds
	case testing.Short():
		n = 20
	}
	for i := range n {
		seed := *firstSeed + uint64(i)
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			defer func() {
				if t.Failed() {
					t.Logf("again: go test ./pipeline/job -run TestSimulation -seed %d -seeds 1 -count 20", seed)
				}
			}()
			synctest.Test(t, func(t *testing.T) { simulate(t, seed, dir) })
		})
	}
}

// A world is a tenant, and a folder with what jobs have left.
type world struct {
	t      *testing.T
	chance *rand.Rand
	dir    string
	users  int
	tenant *sandbox.Tenant
	faults float64 // share of calls that fail
	wait   time.Duration
	outage [2]time.Time // from and to; zero for none

	mu   sync.Mutex
	dead bool // so is the job at hand
}

func simulate(t *testing.T, seed uint64, dir string) {
	chance := rand.New(rand.NewPCG(seed, 3))
	w := &world{t: t, chance: chance, dir: dir, users: 1 + chance.IntN(40), tenant: sandbox.New(),
		faults: []float64{0, 0.05, 0.2}[chance.IntN(3)], wait: time.Duration(chance.IntN(200)) * time.Millisecond}
	w.populate()
	was := w.states()

	apply := optOut(t, nil, w.users)
	apply.Results, apply.ReadFirst, apply.Retries = filepath.Join(dir, "results.csv"), true, 50
	complete := w.finish(apply, chance.IntN(3) > 0)
	past, err := results.ReadPast(apply.Results)
	if errors.Is(err, os.ErrNotExist) && !complete {
		return // it was killed ahead of all
	}
	if err != nil || past.Doubts != nil || complete && (!past.Complete() || past.Counts.AsWanted() != true) {
		t.Fatalf("complete %t: the files have %+v, %v", complete, past, err)
	}
	if now := w.states(); complete {
		for i := range now {
			if now[i]["PrivacyMode"] != "opt-out" {
				t.Errorf("user %d has %v, and its record says otherwise", i, now[i])
			}
		}
	}
	if past.Counts.Done()+past.Counts.InProgress == 0 {
		w.check(was) // there is nothing to undo
		return
	}
	undo := apply
	undo.Undo, undo.Wanted, undo.Roster, undo.Results = true, Wanted{}, apply.Results, filepath.Join(dir, "undone.csv")
	w.finish(undo, true)
	w.check(was)
}

// check fails the test unless every user is as they were.
func (w *world) check(was []map[string]string) {
	for i, now := range w.states() {
		for _, name := range []string{"PrivacyMode", "IsDashboardEnabled", "IsAddInEnabled", "IsDigestEmailEnabled"} {
			if now[name] != was[i][name] {
				w.t.Errorf("user %d has %s %v in the end, and had %v", i, name, now[name], was[i][name])
			}
		}
	}
}

// finish makes jobs that are interrupted, and then, if it is to the end, one that is
// left alone. It reports whether the job is complete.
func (w *world) finish(o Options, toTheEnd bool) (complete bool) {
	o.Resume, o.Workers, o.Open = true, 1+w.chance.IntN(6), w.open
	if w.chance.IntN(3) == 0 {
		from := time.Now().Add(time.Duration(w.chance.Float64() * float64(time.Duration(w.users)*w.wait)))
		w.outage = [2]time.Time{from, from.Add(time.Duration(w.chance.Float64() * float64(10*time.Minute)))}
	}
	for range w.chance.IntN(6) {
		if w.interrupted(o) == nil {
			complete = true
		}
	}
	if !toTheEnd {
		return complete
	}
	time.Sleep(time.Until(w.outage[1])) // a job gives up on a tenant that has never answered
	got, err := o.Run(w.t.Context(), nil)
	if err != nil || got.Rows.Failed() > 0 {
		w.t.Fatalf("a job that was left alone came to %+v: %v", got.Rows, err)
	}
	return true
}

// interrupted makes a job that something happens to.
func (w *world) interrupted(o Options) error {
	ctx, cancel := context.WithCancelCause(w.t.Context())
	defer cancel(nil)
	stop := make(chan struct{})
	h := &hooks{world: w, cancel: cancel, at: -1}
	after := time.Duration(w.chance.Float64() * w.chance.Float64() * float64(time.Duration(w.users)*w.wait/2+time.Second))
	var timer *time.Timer
	switch w.chance.IntN(4) {
	case 0:
		timer = time.AfterFunc(after, func() { close(stop) })
	case 1:
		timer = time.AfterFunc(after, func() { cancel(errors.New("enough")) })
	case 2:
		h.at = w.chance.IntN(1 + 4*w.users)
	case 3:
		timer = time.AfterFunc(after, func() { h.mu.Lock(); h.at = h.seen; h.mu.Unlock() })
	}
	if timer != nil {
		defer timer.Stop()
	}
	o.Outputs = []Output{h}
	_, err := o.Run(ctx, stop)
	if h.remains != nil {
		w.restore(h.remains)
		w.mu.Lock()
		w.dead = false
		w.mu.Unlock()
		return errors.New("killed")
	}
	if _, gaveUp := errors.AsType[*GuardError](err); err != nil && !errors.Is(err, ErrInterrupted) && !(gaveUp && !w.outage[0].IsZero()) {
		w.t.Fatalf("the job ended with %v", err)
	}
	return err
}

// hooks are an Output that kills its job at one of the instants in which something is
// recorded.
type hooks struct {
	*world
	cancel  context.CancelCauseFunc
	at      int // which of them; -1 for none
	seen    int
	remains map[string][]byte
}

var errKilled = errors.New("killed")

func (h *hooks) hook() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.dead {
		return errKilled
	}
	if h.seen++; h.at >= 0 && h.seen > h.at {
		h.dead, h.remains = true, h.snapshot()
		h.cancel(errKilled)
		return errKilled
	}
	return nil
}

func (h *hooks) Open(Plan) error                   { return nil }
func (h *hooks) Begin(*pipeline.Run) error         { return nil }
func (h *hooks) Record(*pipeline.Result) error     { return h.hook() }
func (h *hooks) Flush() error                      { return h.hook() }
func (h *hooks) End(*results.Outcome, error) error { return nil }

// snapshot returns what the folder has.
func (w *world) snapshot() map[string][]byte {
	files := make(map[string][]byte)
	entries, err := os.ReadDir(w.dir)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range entries {
		if b, err := os.ReadFile(filepath.Join(w.dir, e.Name())); err == nil {
			files[e.Name()] = b
		}
	}
	return files
}

func (w *world) restore(files map[string][]byte) {
	for name := range w.snapshot() {
		if files[name] == nil {
			os.Remove(filepath.Join(w.dir, name))
		}
	}
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(w.dir, name), b, 0o600); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) open(connect.Settings, connect.Options) (*connect.Tenant, error) {
	return &connect.Tenant{Runner: w, Name: "world"}, nil
}

// Run runs a cmdlet, unless it fails or the job that sent it is dead.
func (w *world) Run(ctx context.Context, c tenant.Cmdlet) ([]tenant.Object, error) {
	select {
	case <-time.After(w.wait):
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead {
		return nil, errKilled
	}
	if now := time.Now(); !now.Before(w.outage[0]) && now.Before(w.outage[1]) {
		return nil, &tenant.Error{Op: c.Name, Object: c.Identity, Class: tenant.Unavailable, Unreachable: true, Err: errors.New("connection refused")}
	}
	lost := &tenant.Error{Op: c.Name, Object: c.Identity, Status: 503, Class: tenant.Unavailable, Err: errors.New("busy")}
	fails := w.chance.Float64() < w.faults
	if fails && w.chance.IntN(2) == 0 {
		return nil, lost // ahead of the cmdlet
	}
	objects, err := w.tenant.Run(ctx, c)
	if fails {
		return nil, lost
	}
	return objects, err
}

func user(i int) string { return fmt.Sprintf("user%d@contoso.com", i) }

// populate has users of all kinds.
func (w *world) populate() {
	setting, err := tenant.LookupSetting(DefaultNoun)
	if err != nil {
		w.t.Fatal(err)
	}
	for i := range w.users {
		set := func(name string, value any) {
			for _, c := range setting.Set([]tenant.Want{{Property: name, Value: value}}) {
				c.Identity = user(i)
				if _, err := w.tenant.Run(context.Background(), c); err != nil {
					w.t.Fatal(err)
				}
			}
		}
		if w.chance.IntN(3) == 0 {
			set("PrivacyMode", "opt-out")
		}
		if w.chance.IntN(3) == 0 {
			set("IsAddInEnabled", w.chance.IntN(2) == 0)
		}
	}
}

// states returns what the tenant has of all users.
func (w *world) states() (all []map[string]string) {
	for i := range w.users {
		objects, err := w.tenant.Run(context.Background(), tenant.Cmdlet{Name: "Get-MyAnalyticsFeatureConfig", Identity: user(i)})
		if err != nil {
			w.t.Fatal(err)
		}
		state := make(map[string]string)
		for name, value := range objects[0] {
			state[name] = tenant.Text(value)
		}
		all = append(all, state)
	}
	return all
}

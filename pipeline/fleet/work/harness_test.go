package work

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/pipeline"
	"rollcall/pipeline/fleet"
	"rollcall/pipeline/fleet/queue"
	"rollcall/pipeline/job"
	"rollcall/pipeline/results"
	"rollcall/tenant/connect"
	"rollcall/tenant/sandbox"
	"rollcall/tenant/sandbox/server"
)

const (
	workers  = 4 // of each job
	takeover = 4 * time.Second
	token    = "token-5e1f-of-a-profile"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A world is a queue, and the tenants that its jobs are on: one server that keeps an
// account of what it was asked.
type world struct {
	t        *testing.T
	store    string
	server   *queue.Server
	queue    *queue.Queue
	tenants  *server.Server
	endpoint string
}

func newWorld(t *testing.T, latency time.Duration) *world {
	t.Helper()
	w := &world{t: t, store: filepath.Join(t.TempDir(), "store"), tenants: &server.Server{Tenant: sandbox.New(), Token: token, Latency: latency, Jitter: latency}}
	s := httptest.NewServer(w.tenants)
	t.Cleanup(func() { w.tenants.Close(); s.Close() })
	w.endpoint = s.URL
	var err error
	w.server, err = queue.Serve(t.Context(), queue.ServerOptions{Dir: w.store, Listen: "127.0.0.1:0"})
	check(t, err)
	t.Cleanup(w.server.Close)
	w.queue = w.connect()
	return w
}

// connect returns a client of its own.
func (w *world) connect() *queue.Queue {
	w.t.Helper()
	q, err := queue.Connect(w.t.Context(), queue.Options{URL: w.server.URL(), Name: "test"})
	check(w.t, err)
	w.t.Cleanup(q.Close)
	return q
}

// roster returns a roster of n users of a tenant, of which one can't be used and one is
// there twice.
func roster(tenant string, n int) []byte {
	var b bytes.Buffer
	b.WriteString("UserPrincipalName,City\n")
	for k := range n {
		switch k {
		case 7:
			b.WriteString("no upn,\"Nice, \"\"Alpes\"\"\"\n")
		case 9:
			fmt.Fprintf(&b, "user8@%s.com,=again\n", tenant)
		default:
			fmt.Fprintf(&b, "user%d@%s.com,City %d\n", k, tenant, k)
		}
	}
	return b.Bytes()
}

// users is how many users of a roster of n rows are to be set.
func users(n int) int { return n - 2 }

// submit submits a fleet of so many tenants called t0 and on, with n rows each. Change
// may change what is submitted.
func (w *world) submit(tenants, n int, change func(f *queue.Fleet, jobs []queue.Job)) (id string) {
	w.t.Helper()
	f := queue.Fleet{ID: "nightly-1", Name: "nightly", Run: "apply", By: "ada", Parallel: 20, Takeover: takeover, Submitted: time.Now().UTC(), Tenants: tenants}
	jobs := make([]queue.Job, tenants)
	for i := range jobs {
		name := fmt.Sprintf("t%d", i)
		b := roster(name, n)
		sum := sha256.Sum256(b)
		hash := hex.EncodeToString(sum[:])
		check(w.t, w.queue.Put(w.t.Context(), queue.RosterName(hash), bytes.NewReader(b)))
		jobs[i] = queue.Job{Fleet: f.ID, Tenant: name, Key: "key-" + name, Holds: "it of " + name, Run: "apply", Profile: "known", Index: i,
			Roster: "rosters/" + name + ".csv", RosterSHA256: hash, Files: []queue.File{{Name: name + ".csv", SHA256: hash, Size: int64(len(b))}}, Rows: n}
	}
	if change != nil {
		change(&f, jobs)
	}
	check(w.t, w.queue.Submit(w.t.Context(), f, jobs))
	return f.ID
}

// settings are those of a tenant.
func settings(endpoint, tenant string) connect.Settings {
	return connect.Settings{Tenant: connect.Exchange, Organization: tenant + ".com", Endpoint: endpoint, Auth: "token", Token: token, Timeout: 30 * time.Second, Batch: 1}
}

// options are those of the job of a tenant.
func options(endpoint, tenant, lockDir string) job.Options {
	return job.Options{ReadFirst: true, Wanted: job.Wanted{Sets: []string{"PrivacyMode=opt-out"}}, Settings: settings(endpoint, tenant),
		Workers: workers, Retries: 3, RowTimeout: time.Hour, VerifyTimeout: 10 * time.Second, LockDir: lockDir, Command: "test",
		Sign: func(o *results.Outcome, err error) {
			o.Exit = exitOf(err)
			if err == nil && o.Rows.Failed() > 0 {
				o.Exit = 3
			}
		}}
}

// exitOf is the policy of the tests.
func exitOf(err error) int {
	_, guard := errors.AsType[*job.GuardError](err)
	switch {
	case err == nil:
		return 0
	case guard:
		return 5
	case errors.Is(err, job.ErrInterrupted), errors.Is(err, ErrDrained):
		return 130
	}
	return 1
}

// worker returns a Worker of a client of its own, with directories of its own. It knows
// one profile.
func (w *world) worker(name string, slots int) *Worker {
	w.t.Helper()
	return newWorker(w.connect(), name, slots, w.endpoint, w.t.TempDir())
}

func newWorker(q *queue.Queue, name string, slots int, endpoint, dir string) *Worker {
	return &Worker{Queue: q, Name: name, Slots: slots, Dir: filepath.Join(dir, "work"), Remote: true,
		Prepare: func(j queue.Job, _ string) (job.Options, error) {
			if j.Profile != "known" {
				return job.Options{}, fmt.Errorf("profile %q: %w", j.Profile, ErrUnknownProfile)
			}
			o := options(endpoint, j.Tenant, filepath.Join(dir, "locks"))
			if j.Run == "undo" {
				o.Undo, o.ReadFirst, o.Wanted = true, false, job.Wanted{}
			}
			for _, f := range j.Flags {
				switch f.Name {
				case "limit":
					o.Guards.Limit = 10
				}
			}
			return o, os.MkdirAll(o.LockDir, 0o700)
		},
		Exit: func(err error) (int, string) { return exitOf(err), err.Error() },
	}
}

// start has workers at work, until stop is called or the test ends.
func (w *world) start(all ...*Worker) (stop func()) {
	drain := make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	var gone sync.WaitGroup
	for _, one := range all {
		gone.Go(func() {
			if err := one.Run(ctx, drain); err != nil {
				w.t.Errorf("worker %s: %v", one.Name, err)
			}
			if left, _ := filepath.Glob(filepath.Join(one.Dir, workDirPattern)); left != nil {
				w.t.Errorf("worker %s left %q", one.Name, left)
			}
		})
	}
	stop = sync.OnceFunc(func() { close(drain); gone.Wait(); cancel() })
	w.t.Cleanup(stop)
	return stop
}

// state returns how far a fleet is.
func (w *world) state(id string) *queue.FleetState {
	w.t.Helper()
	s, err := w.queue.State(w.t.Context(), id)
	check(w.t, err)
	return s
}

// until waits for a condition of a fleet.
func (w *world) until(id, what string, ok func(*queue.FleetState) bool) *queue.FleetState {
	w.t.Helper()
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		s := w.state(id)
		if ok(s) {
			return s
		}
		if time.Now().After(end) {
			w.t.Fatalf("never: %s; it is %+v", what, s.Jobs)
		}
	}
}

// ended reports whether all tenants have an outcome.
func ended(s *queue.FleetState) bool {
	return !slices.ContainsFunc(s.Jobs, func(t queue.TenantState) bool { return t.State != queue.Ended })
}

// count returns a condition: so many tenants are in a state.
func count(n int, state string) func(*queue.FleetState) bool {
	return func(s *queue.FleetState) bool {
		return len(slices.DeleteFunc(slices.Clone(s.Jobs), func(t queue.TenantState) bool { return t.State != state })) == n
	}
}

// recorded returns how many rows of a tenant were recorded, as its worker said.
func recorded(s *queue.FleetState, tenant string) int {
	r, err := RecordOf(s)
	if err != nil {
		return -1
	}
	return r.Tenant(tenant).Rows.Recorded
}

// download returns the record and the directory of the results of a fleet.
func (w *world) download(id string) (*fleet.Record, string) {
	w.t.Helper()
	dir := w.t.TempDir()
	r, err := Results(w.t.Context(), w.queue, w.state(id), dir)
	check(w.t, err)
	return r, dir
}

// stable reads a results file and clears what differs between two runs: times and
// attempts.
func stable(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	check(t, err)
	rows, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	check(t, err)
	attempts, finished := slices.Index(rows[0], "Attempts"), slices.Index(rows[0], "FinishedAt")
	for _, row := range rows[1:] {
		row[attempts], row[finished] = "", ""
	}
	var out bytes.Buffer
	csv.NewWriter(&out).WriteAll(rows)
	return out.String()
}

// alone returns what a run by itself leaves of a tenant with n rows, on another server.
func alone(t *testing.T, tenant string, n int) string {
	t.Helper()
	s := httptest.NewServer(&server.Server{Tenant: sandbox.New(), Token: token})
	defer s.Close()
	dir := t.TempDir()
	o := options(s.URL, tenant, dir)
	o.Roster, o.Results = filepath.Join(dir, "roster.csv"), filepath.Join(dir, "results.csv")
	check(t, os.WriteFile(o.Roster, roster(tenant, n), 0o600))
	if _, err := o.Run(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return stable(t, o.Results)
}

// sets returns how often users were set, and how many users were.
func (w *world) sets() (sets, users int) {
	c := w.tenants.Counts()
	return c.Cmdlets["Set-MyAnalyticsFeatureConfig"], c.UsersSet
}

// isWhole checks that the results of all tenants of a fleet are complete, and those of
// runs by themselves.
func (w *world) isWhole(id string, tenants, n int) {
	w.t.Helper()
	r, dir := w.download(id)
	if len(r.Tenants) != tenants || r.Rows.Recorded != tenants*n {
		w.t.Errorf("it has %+v of %d tenants", r.Rows, len(r.Tenants))
	}
	for _, t := range r.Tenants {
		if t.State != results.Complete || t.Exit == nil || *t.Exit != 3 || t.Reason != fmt.Sprintf("1 of %s failed", pipeline.Plural(n, "row")) {
			w.t.Errorf("%s is %+v", t.Name, t.Outcome)
			continue
		}
		if got, want := stable(w.t, filepath.Join(dir, t.Results)), alone(w.t, t.Name, n); got != want {
			w.t.Errorf("%s has\n%s\nand alone it has\n%s", t.Name, got, want)
		}
		if strings.Count(content(w.t, dir, t.Name+".csv.json"), `"outcome": "complete"`) != 1 {
			w.t.Errorf("%s: its summary is %s", t.Name, content(w.t, dir, t.Name+".csv.json"))
		}
		if _, err := os.Stat(filepath.Join(dir, t.Name+".csv.journal")); err == nil {
			w.t.Errorf("%s: there is a journal", t.Name)
		}
	}
	if got := strings.Count(content(w.t, dir, "all.csv"), "\n"); got != tenants*n+1 {
		w.t.Errorf("all.csv has %d lines", got)
	}
}

// content returns the content of a file that has to be there.
func content(t *testing.T, dir, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	check(t, err)
	return string(b)
}

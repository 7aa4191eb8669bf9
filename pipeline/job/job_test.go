package job

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
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

// A ledger is a sandbox tenant that takes its time, and keeps an account of what it
// was asked.
type ledger struct {
	*sandbox.Tenant
	wait time.Duration

	mu   sync.Mutex
	sets map[string]int // by user
}

func newLedger(wait time.Duration) *ledger {
	return &ledger{Tenant: sandbox.New(), wait: wait, sets: make(map[string]int)}
}

func (l *ledger) Run(ctx context.Context, c tenant.Cmdlet) ([]tenant.Object, error) {
	select {
	case <-time.After(l.wait):
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if !c.Reads() {
		l.mu.Lock()
		l.sets[c.Identity]++
		l.mu.Unlock()
	}
	return l.Tenant.Run(ctx, c)
}

// open is the Opener of a job on l.
func (l *ledger) open(connect.Settings, connect.Options) (*connect.Tenant, error) {
	return &connect.Tenant{Runner: l, Name: "ledger"}, nil
}

// writeRoster writes a roster of n users to a file of its own.
func writeRoster(t *testing.T, n int) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("UserPrincipalName\n")
	for i := range n {
		fmt.Fprintf(&b, "user%d@contoso.com\n", i)
	}
	name := filepath.Join(t.TempDir(), "users.csv")
	if err := os.WriteFile(name, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func optOut(t *testing.T, l *ledger, users int) Options {
	return Options{Roster: writeRoster(t, users), Wanted: Wanted{Sets: []string{"PrivacyMode=opt-out"}}, Open: l.open,
		Workers: 4, Retries: 3, RowTimeout: time.Hour, VerifyTimeout: time.Minute, LockDir: t.TempDir(),
		Results: filepath.Join(t.TempDir(), "results.csv")}
}

// A job that is run again with the same options after its context has ended, or it
// was stopped, goes on where it was: after the last run each row has one record, and
// each user was set, not more often than there were runs that were cut short.
func TestRunAgain(t *testing.T) {
	const users, runs = 300, 10
	for seed := range uint64(6) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			l := newLedger(50 * time.Millisecond)
			o := optOut(t, l, users)
			o.Resume, o.ReadFirst = true, seed%2 == 0
			cuts := 0
			for i := range runs {
				ctx, cancel := context.WithCancelCause(t.Context())
				stop := make(chan struct{})
				cut := time.AfterFunc(time.Duration(r.IntN(1200))*time.Millisecond, func() {
					if r.IntN(2) == 0 {
						close(stop)
					} else {
						cancel(errors.New("enough"))
					}
				})
				if i == runs-1 {
					cut.Stop()
				}
				got, err := o.Run(ctx, stop)
				cut.Stop()
				cancel(nil)
				switch {
				case errors.Is(err, ErrInterrupted):
					cuts++
					if got.Ending != results.Interrupted {
						t.Errorf("seed %d: interrupted, and it ended %s", seed, got.Ending)
					}
				case err != nil:
					t.Fatalf("seed %d, run %d: %v", seed, i, err)
				case got.Rows.Recorded != users || got.Ending != results.Complete:
					t.Errorf("seed %d: it came to its end with %+v, %s", seed, got.Rows, got.Ending)
				}
				if err := got.Rows.Check(); err != nil {
					t.Errorf("seed %d: %v", seed, err)
				}
			}
			if cuts < 2 {
				t.Errorf("seed %d: %d runs were cut short, want more", seed, cuts)
			}
			for i := range users {
				if n := l.sets[fmt.Sprintf("user%d@contoso.com", i)]; n < 1 || n > 1+cuts {
					t.Errorf("seed %d: user %d was set %d times in %d runs that were cut short", seed, i, n, cuts)
				}
			}
			past, err := results.ReadPast(o.Results)
			if err != nil || !past.Complete() || past.Counts.ByStatus[pipeline.Applied] != users || past.Doubts != nil {
				t.Errorf("seed %d: the file has %+v, %v, %v", seed, past.Counts, past.Doubts, err)
			}
		})
	}
}

// A writer is a tenant that counts what it is asked to write.
type writer struct{ writes int }

func (w *writer) Run(_ context.Context, c tenant.Cmdlet) ([]tenant.Object, error) {
	if !c.Reads() {
		w.writes++
	}
	return nil, nil
}

// What an audit holds of a tenant can't write, whatever the run may try.
func TestAuditHoldsAReadOnlyTenant(t *testing.T) {
	for _, audit := range []bool{true, false} {
		w := new(writer)
		j := &job{Options: Options{Audit: audit}, Plan: Plan{Tenant: &connect.Tenant{Runner: w}}, from: &results.Resumption{}}
		if err := j.prepare(); err != nil {
			t.Fatal(err)
		}
		_, err := j.run.Tenant.Run(t.Context(), tenant.Cmdlet{Name: "Set-Mailbox", Identity: "ada@contoso.com"})
		if refused := errors.Is(err, tenant.ErrReadOnly); refused != audit || w.writes == 1 == audit {
			t.Errorf("audit %t: refused %t, %d writes", audit, refused, w.writes)
		}
	}
}

// A watcher is an Output that fails where it is told to, and an Observer of
// warnings.
type watcher struct {
	fail   map[string]error
	rows   int
	ended  *results.Outcome
	warned []string
}

func (w *watcher) Open(Plan) error               { return w.fail["open"] }
func (w *watcher) Begin(*pipeline.Run)           {}
func (w *watcher) Record(*pipeline.Result) error { w.rows++; return w.fail["record"] }
func (w *watcher) Flush() error                  { return nil }
func (w *watcher) End(o *results.Outcome) error  { w.ended = o; return w.fail["end"] }
func (w *watcher) Observe(e Event) {
	if e, ok := e.(Warning); ok {
		w.warned = append(w.warned, e.Text)
	}
}

// A saved tenant is one that may not be saved in the end.
type saved struct {
	*ledger
	err error
}

func (s saved) Save() error { return s.err }

// Whatever fails, the job says so, whoever is told of its end is told what is so,
// and the results say what was done.
func TestEndIsToldWhateverHappens(t *testing.T) {
	broken := errors.New("broken")
	for _, test := range []struct {
		name  string
		fail  string // of the watcher
		save  error  // of the tenant
		stop  bool
		limit int

		want   error
		guard  bool
		ending string
		rows   int
	}{
		{name: "all well", ending: results.Complete, rows: 5},
		{name: "output that can't be opened", fail: "open", want: broken, ending: results.Errored},
		{name: "output that can't be written", fail: "record", want: broken, ending: results.Errored, rows: 1},
		{name: "output that can't be ended", fail: "end", want: broken, ending: results.Errored, rows: 5},
		{name: "tenant that can't be saved", save: broken, want: broken, ending: results.Errored, rows: 5},
		{name: "guard", limit: 2, guard: true, ending: results.Guarded, rows: 2},
		{name: "guard, and a tenant that can't be saved", limit: 2, save: broken, want: broken, ending: results.Errored, rows: 2},
		{name: "interrupt", stop: true, want: ErrInterrupted, ending: results.Interrupted},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLedger(time.Millisecond)
				w := &watcher{fail: map[string]error{test.fail: broken}}
				o := optOut(t, l, 5)
				o.Outputs, o.Observers, o.Guards.Limit = []Output{w}, []Observer{w}, test.limit
				o.Workers = 1
				o.Open = func(connect.Settings, connect.Options) (*connect.Tenant, error) {
					return &connect.Tenant{Runner: saved{l, test.save}, Name: "ledger"}, nil
				}
				stop := make(chan struct{})
				if test.stop {
					close(stop)
				}
				got, err := o.Run(t.Context(), stop)
				_, guard := errors.AsType[*GuardError](err)
				if guard != test.guard || !guard && !errors.Is(err, test.want) || test.want == nil && !guard && err != nil {
					t.Errorf("error %v, want %v, guard %t", err, test.want, test.guard)
				}
				if got.Ending != test.ending || w.rows != test.rows || (got.Reason == "") != (err == nil) {
					t.Errorf("%s: %q, %d rows told; want %s, %d", got.Ending, got.Reason, w.rows, test.ending, test.rows)
				}
				if (w.ended != nil) != (test.rows > 0) || w.ended != nil && w.ended.Rows != got.Rows {
					t.Errorf("the output was told of %+v, the outcome is %+v", w.ended, got)
				}
				past, perr := results.ReadPast(o.Results)
				switch {
				case test.rows == 0:
					if !errors.Is(perr, os.ErrNotExist) {
						t.Errorf("a job that did nothing left %+v, %v", past, perr)
					}
				case perr != nil || past.Counts.Done() < len(l.sets) || past.Counts.Done() != got.Rows.Done():
					t.Errorf("the file has %+v, %v; %d users were set, and the outcome says %+v", past, perr, len(l.sets), got.Rows)
				}
			})
		})
	}
}

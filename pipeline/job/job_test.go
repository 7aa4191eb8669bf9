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
	t.Helper()
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

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

// A bucket is a tenant that allows so many calls a second and refuses others for a
// second.
type bucket struct {
	*ledger
	rate, burst float64

	mu      sync.Mutex
	tokens  float64
	last    time.Time
	refused int
}

func (b *bucket) Run(ctx context.Context, c tenant.Cmdlet) ([]tenant.Object, error) {
	b.mu.Lock()
	now := time.Now()
	b.tokens = min(b.burst, b.tokens+b.rate*now.Sub(b.last).Seconds())
	b.last = now
	if b.tokens < 1 {
		b.refused++
		b.mu.Unlock()
		return nil, &tenant.Error{Op: c.Name, Object: c.Identity, Status: 429, Class: tenant.Throttled, RetryAfter: time.Second, Err: errors.New("busy")}
	}
	b.tokens--
	b.mu.Unlock()
	return b.ledger.Run(ctx, c)
}

// The second job on a tenant begins at the pace that the first one found, and is
// refused less; a file of no use costs nothing but that.
func TestPaceIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		state := filepath.Join(t.TempDir(), "state")
		night := func() (refused int, took time.Duration) {
			b := &bucket{ledger: newLedger(10 * time.Millisecond), rate: 50, burst: 5, tokens: 5, last: time.Now()}
			o := optOut(t, b.ledger, 1000)
			o.StateDir, o.Workers = state, 8
			o.Open = func(connect.Settings, connect.Options) (*connect.Tenant, error) {
				return &connect.Tenant{Runner: b, Name: "bucket", Real: true}, nil
			}
			got, err := o.Run(t.Context(), nil)
			if err != nil || got.Rows.ByStatus[pipeline.Applied] != 1000 {
				t.Fatalf("%+v, %v", got.Rows, err)
			}
			return b.refused, got.Working
		}
		first, cold := night()
		second, warm := night()
		if first == 0 || second >= first || warm > cold {
			t.Errorf("refused %d and %d times, in %v and %v", first, second, cold, warm)
		}
		files, err := os.ReadDir(state)
		if err != nil || len(files) != 1 {
			t.Fatalf("%v, %v", files, err)
		}
		if err := os.WriteFile(filepath.Join(state, files[0].Name()), []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		if third, _ := night(); third < second {
			t.Errorf("refused %d times with nothing to recall, and %d with", third, second)
		}
	})
}

package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/tenant"
)

// A fakeLog is a ResultLog that makes nothing safe before it has to.
type fakeLog struct {
	mu    sync.Mutex
	added []string // UPNs
	safe  int
	wait  time.Duration
	err   error
}

func (l *fakeLog) add(r *Result) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.added = append(l.added, r.Row.UPN)
}

func (l *fakeLog) Finished(r *Result) { l.add(r) }
func (l *fakeLog) Accepted(r *Result) { l.add(r) }

func (l *fakeLog) Added() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.added)
}

func (l *fakeLog) Commit(n int) error {
	time.Sleep(l.wait)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.safe = max(l.safe, n)
	}
	return l.err
}

// An unknownSets is a tenant that counts the users whose set it has accepted and whose
// result is not safe.
type unknownSets struct {
	*fake
	log *fakeLog

	mu   sync.Mutex
	set  map[string]bool
	most int
}

func (u *unknownSets) Run(ctx context.Context, c tenant.Cmdlet) ([]tenant.Object, error) {
	objects, err := u.fake.Run(ctx, c)
	if err != nil || c.Reads() {
		return objects, err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.log.mu.Lock()
	defer u.log.mu.Unlock()
	u.set[c.Identity] = true
	for _, upn := range u.log.added[:u.log.safe] {
		delete(u.set, upn)
	}
	u.most = max(u.most, len(u.set))
	return objects, nil
}

// However long rows wait for another try or to be shown as set, at no instant are more
// users set, of whom the log has nothing, than the run has workers. In the end the log has
// every row.
func TestSetsUnknownToTheLog(t *testing.T) {
	for seed := range uint64(150) {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rnd := rand.New(rand.NewPCG(seed, 7))
				n, workers, rate := rnd.IntN(200), 1+rnd.IntN(5), rnd.Float64()*0.4
				f := newFake()
				f.lag = time.Duration(rnd.IntN(3)) * time.Second
				draw := func() float64 { f.mu.Lock(); defer f.mu.Unlock(); return rnd.Float64() }
				f.latency = func(tenant.Cmdlet) time.Duration { return time.Duration(draw() * float64(100*time.Millisecond)) }
				f.fault = func(tenant.Cmdlet, int) error {
					switch x := draw(); {
					case x < rate:
						return fail(tenant.Unavailable)
					case x < rate*1.05:
						return fail(tenant.Throttled)
					}
					return nil
				}
				log := &fakeLog{wait: time.Duration(rnd.IntN(30)) * time.Millisecond}
				u := &unknownSets{fake: f, log: log, set: make(map[string]bool)}
				run := optOut(t, f, workers)
				run.Tenant, run.ResultLog = u, log
				run.Retries, run.RowTimeout, run.ReadFirst = 100, 0, rnd.IntN(4) == 0
				if err := run.Do(t.Context(), &users{n: n, broken: map[int]bool{3: true}}, &list{}); err != nil {
					t.Fatal(err)
				}
				if u.most > workers {
					t.Errorf("%d users were set and unknown to the log, with %d workers", u.most, workers)
				}
				rows := make(map[string]bool)
				for _, upn := range log.added {
					rows[upn] = true
				}
				if len(rows) != n {
					t.Errorf("the log has %d rows, want %d", len(rows), n)
				}
			})
		})
	}
}

// Once the log has failed, a run sends no set, not even one that had to wait for nothing
// else, and it ends with the error of the log.
func TestNoSetAfterTheLogFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.latency = func(tenant.Cmdlet) time.Duration { return 10 * time.Millisecond }
		broken := errors.New("broken")
		log := &fakeLog{}
		run := optOut(t, f, 4)
		run.ResultLog = log
		var failed time.Time
		time.AfterFunc(time.Second+time.Millisecond, func() {
			log.mu.Lock()
			log.err, failed = broken, time.Now()
			log.mu.Unlock()
		})
		if err := run.Do(t.Context(), &users{n: 1000}, &list{}); !errors.Is(err, broken) {
			t.Errorf("Do() = %v, want %v", err, broken)
		}
		for _, c := range f.calls {
			if c.cmdlet[:4] == "Set-" && c.at.After(failed) {
				t.Errorf("a set %v after the log had failed", c.at.Sub(failed))
			}
		}
	})
}

// Who waits for the log keeps no other call of the tenant waiting, nor does the end of
// the log.
func TestCommitHoldsNoTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &waitingLog{fakeLog: fakeLog{wait: time.Second}, failAt: 20}
		run := optOut(t, newFake(), 1)
		run.ResultLog, log.underWay = log, run.Limiter.UnderWay
		if err := run.Do(t.Context(), &users{n: 100}, &list{}); !errors.Is(err, errLogFull) {
			t.Errorf("Do() = %v, want %v", err, errLogFull)
		}
		if log.held != 0 || run.Limiter.UnderWay() != 0 {
			t.Errorf("%d turns were held while the log was waited for, %d in the end", log.held, run.Limiter.UnderWay())
		}
	})
}

var errLogFull = errors.New("the log is full")

// A waitingLog notes how many turns of the Limiter are held while it is waited for, and
// fails at some time.
type waitingLog struct {
	fakeLog
	underWay func() int64
	failAt   int
	held     int64
}

func (l *waitingLog) Commit(n int) error {
	l.held = max(l.held, l.underWay())
	if n >= l.failAt {
		return errLogFull
	}
	return l.fakeLog.Commit(n)
}

package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"

	"rollcall/pipeline/pace"
	"rollcall/pipeline/roster"
	"rollcall/tenant"
)

// A fake is a tenant of users with a privacy mode, who all begin opted in. It
// remembers when it was called and by how many at once.
type fake struct {
	latency func(c tenant.Cmdlet) time.Duration // nil for none
	lag     time.Duration                       // for which reads show what was before a set
	fault   func(c tenant.Cmdlet, n int) error  // of the nth call for the user, from 0; nil for none
	after   bool                                // faults come after the change was made

	faults atomic.Int64 // there were

	mu     sync.Mutex
	modes  map[string]string
	shows  map[string]string // before the last set, until
	until  map[string]time.Time
	calls  []call
	counts map[string]int
	now    int
	most   int // calls at once
}

type call struct {
	at     time.Time
	cmdlet string
	upn    string
}

func newFake() *fake {
	return &fake{modes: make(map[string]string), shows: make(map[string]string),
		until: make(map[string]time.Time), counts: make(map[string]int)}
}

func (f *fake) Run(ctx context.Context, c tenant.Cmdlet) ([]tenant.Object, error) {
	f.mu.Lock()
	f.calls = append(f.calls, call{time.Now(), c.Name, c.Identity})
	n := f.counts[c.Identity]
	f.counts[c.Identity]++
	f.now++
	f.most = max(f.most, f.now)
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.now--
		f.mu.Unlock()
	}()
	if f.latency != nil {
		if err := sleep(ctx, f.latency(c), nil); err != nil {
			return nil, err
		}
	}
	var err error
	if f.fault != nil {
		err = f.fault(c, n)
	}
	if err != nil {
		f.faults.Add(1)
	}
	if err != nil && !f.after {
		return nil, err
	}
	objects := f.do(c)
	if err != nil {
		return nil, err
	}
	return objects, nil
}

func (f *fake) do(c tenant.Cmdlet) []tenant.Object {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !c.Reads() {
		f.shows[c.Identity], f.until[c.Identity] = f.mode(c.Identity), time.Now().Add(f.lag)
		f.modes[c.Identity] = c.Parameters[0].Value.(string)
		return nil
	}
	mode := f.mode(c.Identity)
	if time.Now().Before(f.until[c.Identity]) {
		mode = f.shows[c.Identity]
	}
	return []tenant.Object{{"UserId": c.Identity, "PrivacyMode": mode}}
}

func (f *fake) mode(upn string) string {
	if m, ok := f.modes[upn]; ok {
		return m
	}
	return "opt-in"
}

// writes returns how many sets f was asked to run.
func (f *fake) writes() int {
	n := 0
	for _, c := range f.calls {
		if strings.HasPrefix(c.cmdlet, "Set-") {
			n++
		}
	}
	return n
}

// fail returns an error of a class, as a tenant would.
func fail(class tenant.Class) *tenant.Error {
	return &tenant.Error{Op: "Do-It", Object: "someone", Class: class, Err: errors.New("no")}
}

// users are rows of n users. A row whose index is in broken can't be used.
type users struct {
	n, read int
	broken  map[int]bool
}

func (u *users) Read(row *roster.Row) error {
	if u.read == u.n {
		return io.EOF
	}
	*row = roster.Row{Line: u.read + 2, UPN: upn(u.read)}
	if u.broken[u.read] {
		row.Verdict, row.Reason = roster.Invalid, "has no domain"
	}
	u.read++
	return nil
}

func upn(i int) string { return fmt.Sprintf("user%d@contoso.com", i) }

// A list is a Recorder that keeps what it is told.
type list struct {
	results []Result
	flushed int                 // how many results there were at the last Flush
	record  func(*Result) error // called first; nil for nothing
	flush   func()
}

func (l *list) Record(r *Result) error {
	if l.record != nil {
		if err := l.record(r); err != nil {
			return err
		}
	}
	kept := *r
	kept.Values, kept.Moved = append([]Value(nil), r.Values...), append([]Value(nil), r.Moved...)
	l.results = append(l.results, kept)
	return nil
}

func (l *list) Flush() error {
	l.flushed = len(l.results)
	if l.flush != nil {
		l.flush()
	}
	return nil
}

// statuses counts results by status.
func (l *list) statuses() map[Status]int {
	m := make(map[Status]int)
	for _, r := range l.results {
		m[r.Status]++
	}
	return m
}

// checkStatuses fails the test unless there are as many results of each status
// as want says.
func (l *list) checkStatuses(t *testing.T, want map[Status]int) {
	t.Helper()
	if got := l.statuses(); !maps.Equal(got, want) {
		t.Errorf("statuses %v, want %v", got, want)
	}
}

// checkPrefix fails the test unless the results are those of the first rows, in
// order.
func (l *list) checkPrefix(t *testing.T) {
	t.Helper()
	for i, r := range l.results {
		if r.Row.Line != i+2 || r.Row.UPN != upn(i) {
			t.Fatalf("result %d is of line %d, %s; want line %d, %s", i, r.Row.Line, r.Row.UPN, i+2, upn(i))
		}
	}
}

// optOut returns a run that opts users of a tenant out, with defaults as the
// program has them.
func optOut(t *testing.T, on tenant.Runner, workers int) *Run {
	t.Helper()
	return &Run{
		Tenant:        on,
		Change:        change(t, "PrivacyMode=opt-out"),
		Limiter:       pace.New(0),
		Workers:       workers,
		Retries:       5,
		Outages:       true,
		RowTimeout:    30 * time.Minute,
		VerifyTimeout: 30 * time.Second,
		Log:           zap.NewNop(),
	}
}

// change returns a change of MyAnalyticsFeatureConfig that takes no column.
func change(t *testing.T, assignments ...string) *Change {
	t.Helper()
	setting, err := tenant.LookupSetting("MyAnalyticsFeatureConfig")
	if err != nil {
		t.Fatal(err)
	}
	c := &Change{Setting: setting}
	for _, a := range assignments {
		if err := c.Assign(a); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Bind(nil); err != nil {
		t.Fatal(err)
	}
	return c
}

// A runnerFunc is a Runner.
type runnerFunc func(context.Context, tenant.Cmdlet) ([]tenant.Object, error)

func (f runnerFunc) Run(ctx context.Context, c tenant.Cmdlet) ([]tenant.Object, error) {
	return f(ctx, c)
}

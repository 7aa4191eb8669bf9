package job

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/tenant"
	"rollcall/tenant/connect"
	"rollcall/tenant/sandbox"
)

var errFenced = errors.New("another machine has the job")

// A fakeLog is a log that all machines see.
type fakeLog struct{ messages [][]byte }

func (l *fakeLog) all() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, m := range l.messages {
			if !yield(m, nil) {
				return
			}
		}
	}
}

// A slowTenant takes its time, fails some calls, shows a set only after a while, and keeps an
// account of the sets.
type slowTenant struct {
	*sandbox.Tenant
	wait, stale time.Duration
	faults      float64 // share of the calls that fail, without an effect

	mu    sync.Mutex
	sets  map[string]int
	shown map[string]staleObject
}

type staleObject struct {
	objects []tenant.Object
	till    time.Time
}

func newSlowTenant(wait, stale time.Duration) *slowTenant {
	return &slowTenant{Tenant: sandbox.New(), wait: wait, stale: stale, sets: make(map[string]int), shown: make(map[string]staleObject)}
}

// A machine runs one job. When it is dead, nothing that it does has an effect.
type machine struct {
	tenant *slowTenant
	log    *fakeLog
	chance *rand.Rand
	delay  time.Duration // of the log

	mu       sync.Mutex
	dead     bool
	fenced   bool // the log refuses what it appends
	refused  bool // the log has refused something
	busy     bool // in Append
	problems []string
}

func (m *machine) open(connect.Settings, connect.Options) (*connect.Tenant, error) {
	return &connect.Tenant{Runner: m, Name: "slow"}, nil
}

// pause waits for half of d on the average, and reports whether the machine is dead then.
func (m *machine) pause(ctx context.Context, d time.Duration) bool {
	m.mu.Lock()
	d = time.Duration(m.chance.Float64() * float64(d))
	m.mu.Unlock()
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.dead
}

func (m *machine) Append(message []byte) error {
	m.mu.Lock()
	switch {
	case m.dead:
	case m.busy:
		m.problems = append(m.problems, "two Appends at once")
	case m.refused:
		m.problems = append(m.problems, "an Append after one was refused")
	case len(message) > 256<<10:
		m.problems = append(m.problems, fmt.Sprintf("a message of %d bytes", len(message)))
	}
	m.busy = true
	m.mu.Unlock()
	dead := m.pause(context.Background(), m.delay)
	m.mu.Lock()
	if m.fenced && !dead {
		m.refused, m.busy = true, false
		m.mu.Unlock()
		return errFenced
	}
	if !dead {
		m.log.messages = append(m.log.messages, bytes.Clone(message))
	}
	m.mu.Unlock()
	dead = m.pause(context.Background(), m.delay)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.busy = false
	if dead {
		return errKilled
	}
	return nil
}

func (m *machine) Run(ctx context.Context, c tenant.Cmdlet) ([]tenant.Object, error) {
	m.mu.Lock()
	if m.refused && !c.Reads() {
		m.problems = append(m.problems, "a set after an Append was refused")
	}
	m.mu.Unlock()
	if m.pause(ctx, m.tenant.wait) {
		return nil, errKilled
	}
	m.mu.Lock()
	fails := m.chance.Float64() < m.tenant.faults
	m.mu.Unlock()
	if fails {
		return nil, &tenant.Error{Op: c.Name, Object: c.Identity, Status: 503, Class: tenant.Unavailable, Err: errors.New("busy")}
	}
	objects, err := m.tenant.run(c)
	if m.pause(ctx, m.tenant.wait) {
		return nil, errKilled
	}
	return objects, err
}

func (s *slowTenant) run(c tenant.Cmdlet) ([]tenant.Object, error) {
	if strings.HasPrefix(c.Identity, "gone") {
		return nil, &tenant.Error{Op: c.Name, Object: c.Identity, Status: 404, Class: tenant.NotFound, Err: errors.New("no such user")}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.shown[c.Identity]; c.Reads() && time.Now().Before(old.till) {
		return old.objects, nil
	}
	if !c.Reads() {
		s.sets[c.Identity]++
		if s.stale > 0 && s.sets[c.Identity] == 1 {
			old, err := s.Tenant.Run(context.Background(), tenant.Cmdlet{Name: "Get-MyAnalyticsFeatureConfig", Identity: c.Identity})
			if err != nil {
				return nil, err
			}
			s.shown[c.Identity] = staleObject{[]tenant.Object{maps.Clone(old[0])}, time.Now().Add(s.stale)}
		}
	}
	return s.Tenant.Run(context.Background(), c)
}

func (s *slowTenant) total() (n int) {
	for _, sets := range s.sets {
		n += sets
	}
	return n
}

type logFunc func([]byte) error

func (f logFunc) Append(m []byte) error { return f(m) }

type observerFunc func(Event)

func (f observerFunc) Observe(e Event) { f(e) }

// remoteRoster writes a roster with users, some who are gone, and rows that can't be used.
func remoteRoster(t *testing.T, users int) string {
	var b strings.Builder
	b.WriteString("UserPrincipalName,Name\n")
	for i := range users {
		fmt.Fprintf(&b, "user%d@contoso.com,%d\n", i, i)
		switch i % 9 {
		case 3:
			fmt.Fprintf(&b, "gone%d@contoso.com,\n", i)
		case 5:
			b.WriteString("nobody,\n")
		case 7:
			fmt.Fprintf(&b, "user%d@contoso.com,again\n", i)
		}
	}
	name := filepath.Join(t.TempDir(), "users.csv")
	if err := os.WriteFile(name, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// on returns o as a job on m, in an empty directory.
func (m *machine) on(t *testing.T, o Options) Options {
	o.Open, o.Resume, o.LockDir = m.open, true, t.TempDir()
	o.Results = filepath.Join(t.TempDir(), "results.csv")
	o.Remote = &Remote{Log: m, Messages: m.log.all()}
	return o
}

// records returns the records of a results file. Without times, what depends on how often a
// row was begun is left out.
func records(t *testing.T, name string, times bool) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	all, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, rec := range all[1:] {
		for i, column := range all[0] {
			if !times && (column == "Attempts" || column == "FinishedAt") {
				rec[i] = ""
			}
		}
	}
	for _, rec := range all {
		lines = append(lines, strings.Join(rec, ","))
	}
	return strings.Join(lines, "\n") + "\n"
}

// difference returns the first lines that are not the same.
func difference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("the results have\n%s\nwant\n%s", g[i], w[i])
		}
	}
	return fmt.Sprintf("the results have %d lines, want %d", len(g), len(w))
}

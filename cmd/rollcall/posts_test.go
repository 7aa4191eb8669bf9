package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"rollcall/pipeline"
	"rollcall/pipeline/job"
	"rollcall/pipeline/results"
	"rollcall/report"
)

// The ping does not wait for a webhook that does not answer.
func TestPingIsNotKeptBackByAWebhook(t *testing.T) {
	pinged := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/webhook":
			select {
			case <-pinged:
			case <-r.Context().Done():
			}
		case "/ping":
			close(pinged)
		}
	}))
	defer s.Close()
	t.Chdir(t.TempDir())
	writeRoster(t, "users.csv", 1)
	_, stderr := rollcall(t, exitOK, "apply", "users.csv", "--privacy-mode", "opt-out", "--ping", s.URL+"/ping", "--webhook", s.URL+"/webhook")
	if strings.Contains(stderr, "warning") {
		t.Error(stderr)
	}
}

// Once a run is to stop at once, posts have a moment, and no more.
func TestHurried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, interrupt := context.WithCancel(t.Context())
		later, cancel := hurried(ctx)
		defer cancel()
		time.Sleep(time.Minute)
		if later.Err() != nil {
			t.Fatal("it ended without an interrupt")
		}
		began := time.Now()
		interrupt()
		<-later.Done()
		if took := time.Since(began); took != hurriedPost {
			t.Errorf("it took %v", took)
		}
	})
}

// A monitored is an execution whose monitoring services never answer.
type monitored struct {
	*execution
	said bytes.Buffer

	mu   sync.Mutex
	went []string // paths of the posts
}

func hungServices(t *testing.T) *monitored {
	m := new(monitored)
	hangs := roundTrips(func(r *http.Request) (*http.Response, error) {
		m.mu.Lock()
		m.went = append(m.went, r.URL.Path)
		m.mu.Unlock()
		<-r.Context().Done()
		return nil, r.Context().Err()
	})
	ping, err := newPinger("https://hc.example/ping", hangs)
	if err != nil {
		t.Fatal(err)
	}
	webhook, err := newWebhook("https://hooks.example/webhook", "json", hangs)
	if err != nil {
		t.Fatal(err)
	}
	nop := zap.NewNop()
	m.execution = &execution{
		app:        &app{console: report.NewConsole(&m.said)},
		interrupts: newInterrupts(time.Minute),
		monitor:    &monitor{flags: new(monitorFlags), ping: ping, webhook: webhook, fileLog: nop, events: nop, unwatch: func() {}},
	}
	go m.interrupts.listen(m.app.console)
	return m
}

// run makes a run that takes so long, and returns how long the start held it up and how
// long it took from its end to that of the command.
func (m *monitored) run(t *testing.T, working time.Duration) (start, end time.Duration) {
	began := time.Now()
	m.monitor.begin(m.execution, job.Started{Plan: new(job.Plan), Run: new(pipeline.Run), Outcome: new(results.Outcome)})
	start = time.Since(began)
	time.Sleep(working)
	over := time.Now()
	if err := m.monitor.conclude(m.execution, new(results.Outcome), nil); err != nil {
		t.Error(err)
	}
	m.monitor.close()
	m.interrupts.end()
	return start, time.Since(over)
}

// A service that does not answer does not hold up the start of a run, and its end only
// for a time. An interrupt during that time ends it, be it the first or the second; one
// before the end of the run has stopped that, and the outcome is sent all the same.
func TestHungServices(t *testing.T) {
	const (
		tried  = 2*postTimeout + postWait
		begins = time.Second
	)
	for _, test := range []struct {
		name       string
		working    time.Duration
		interrupts []time.Duration // after the start
		end        time.Duration
		startLost  string
	}{
		{"short run", begins, nil, hurriedPost + tried, "no answer within 3s of the end of the run"},
		{"long run", time.Hour, nil, tried, "context deadline exceeded"},
		{"interrupt after the run", begins, []time.Duration{2 * time.Second}, time.Second, "interrupted"},
		{"interrupt before its end", begins, []time.Duration{begins / 2}, hurriedPost + tried, "no answer within 3s of the end of the run"},
		{"a second one after it", begins, []time.Duration{begins / 2, 2 * time.Second}, time.Second, "interrupted"},
		{"a second one before it", begins, []time.Duration{begins / 3, begins / 2}, hurriedPost, "interrupted"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := hungServices(t)
				for _, after := range test.interrupts {
					time.AfterFunc(after, func() { m.interrupts.in <- os.Interrupt })
				}
				start, end := m.run(t, test.working)
				if start != 0 || end != test.end {
					t.Errorf("it held up the start for %v, the end for %v; want 0s and %v", start, end, test.end)
				}
				if want := "rollcall: warning: ping hc.example: " + test.startLost; !strings.HasPrefix(m.said.String(), want) {
					t.Errorf("said %q, want %q first", &m.said, want)
				}
				if n := strings.Count(m.said.String(), "\n"); n != 3 || strings.Count(m.said.String(), "warning: webhook hooks.example: ") != 1 {
					t.Errorf("said %q, want two warnings of pings and one of the webhook", &m.said)
				}
				first, last := slices.Index(m.went, "/ping/start"), slices.Index(m.went, "/ping")
				if first != 0 || last < first || slices.Contains(m.went[last:], "/ping/start") || !slices.Contains(m.went, "/webhook") {
					t.Errorf("posts went to %v", m.went)
				}
			})
		})
	}
}

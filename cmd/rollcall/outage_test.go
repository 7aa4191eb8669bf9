package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"rollcall/pipeline"
	"rollcall/pipeline/pace"
	"rollcall/tenant"
	"rollcall/tenant/connect"
	"rollcall/tenant/exchange"
	"rollcall/tenant/rest"
	"rollcall/tenant/sandbox"
	"rollcall/tenant/sandbox/server"
)

// A way is the network to a sandbox: it can be cut.
type way struct {
	server  *server.Server
	address string

	mu   sync.Mutex
	http *http.Server
}

func newWay(t *testing.T) *way {
	w := &way{server: &server.Server{Tenant: sandbox.New(), Latency: 2 * time.Millisecond}, address: "127.0.0.1:0"}
	if runtime.GOOS == "linux" {
		w.address = "127.0.0.7:0" // while the port is closed, no connection of another test takes it
	}
	w.open(t, w.server)
	t.Cleanup(func() { w.close(); w.server.Close() })
	return w
}

// open has h answer at the address.
func (w *way) open(t *testing.T, h http.Handler) {
	l, err := net.Listen("tcp", w.address)
	for range 100 { // somebody may have the port for a moment
		if err == nil {
			break
		}
		time.Sleep(100 * time.Millisecond)
		l, err = net.Listen("tcp", w.address)
	}
	if err != nil {
		t.Error(err)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.address = l.Addr().String()
	w.http = &http.Server{Handler: h}
	go w.http.Serve(l)
}

// close has connections reset, and refused from here on.
func (w *way) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.http.Close()
}

// cut cuts the way in the manner of kind for a while, soon after a run has begun to
// set users.
func (w *way) cut(t *testing.T, kind string, length time.Duration) {
	for w.server.Counts().UsersSet < 100 {
		time.Sleep(10 * time.Millisecond)
	}
	w.close()
	if kind == "black hole" {
		hole, stop := context.WithCancel(context.Background())
		w.open(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			select {
			case <-r.Context().Done():
			case <-hole.Done():
			}
			panic(http.ErrAbortHandler)
		}))
		defer w.open(t, w.server)
		defer w.close()
		defer stop()
	} else {
		defer w.open(t, w.server)
	}
	time.Sleep(length)
}

// A cut of the network costs no row, over real sockets: the run waits, says so, goes on
// by itself, and says for how long it had no tenant.
func TestOutageOverSockets(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"refused", "black hole"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newWay(t)
			dir := t.TempDir()
			in, summary, token := filepath.Join(dir, "users.csv"), filepath.Join(dir, "summary.json"), filepath.Join(dir, "token")
			if err := os.WriteFile(token, []byte("token-8d2f"), 0o600); err != nil {
				t.Fatal(err)
			}
			writeRoster(t, in, 1000)
			var cut sync.WaitGroup
			cut.Go(func() { w.cut(t, kind, 4*time.Second) })
			_, stderr := rollcall(t, exitOK, "apply", in, "--privacy-mode", "opt-out", "-o", filepath.Join(dir, "results.csv"), "--yes", "--auth", "token", "--token-file", token, "--noun", "MyAnalyticsFeatureConfig",
				"--tenant", "exchange", "--endpoint", "http://"+w.address, "--organization", organization, "--workers", "8", "--timeout", "1s", "--summary-json", summary)
			cut.Wait()
			if !regexp.MustCompile(`(?s)\toutage\t\{"since": ".*\toutage over\t\{"seconds": [3-9].*outage for [3-9]`).MatchString(stderr) {
				t.Errorf("the outage is not said:\n%s", stderr)
			}
			var got struct {
				Rows  struct{ Failed, Recorded int }
				Calls struct {
					Outage float64 `json:"outage_seconds"`
				}
			}
			b, err := os.ReadFile(summary)
			if err == nil {
				err = json.Unmarshal(b, &got)
			}
			if err != nil || got.Rows.Failed != 0 || got.Rows.Recorded != 1000 || got.Calls.Outage < 3 || got.Calls.Outage > 15 {
				t.Errorf("summary %+v, %v", got, err)
			}
			if n := w.server.Counts().UsersSet; n != 1000 {
				t.Errorf("%d users were set, want 1000", n)
			}
		})
	}
}

// A name that is not found for a while is an outage too.
func TestOutageOfNames(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(&server.Server{Tenant: sandbox.New(), Latency: time.Millisecond})
	defer s.Close()
	var found atomic.Bool
	found.Store(true)
	transport := rest.NewTransport(8)
	transport.DisableKeepAlives = true // a name is looked up for each connection
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		if !found.Load() {
			return nil, &net.OpError{Op: "dial", Net: network, Err: &net.DNSError{Err: "no such host", Name: "localhost", IsNotFound: true}}
		}
		var d net.Dialer
		return d.DialContext(ctx, network, s.Listener.Addr().String())
	}
	client, err := exchange.New(exchange.Config{Config: rest.Config{Endpoint: "http://localhost", Transport: transport,
		Token: func(context.Context, string, string) (string, error) { return "t", nil }, Organization: organization}})
	if err != nil {
		t.Fatal(err)
	}
	setting, _ := tenant.LookupSetting("CASMailbox")
	change := &pipeline.Change{Setting: setting}
	if err := change.Assign("PopEnabled=false"); err != nil {
		t.Fatal(err)
	}
	if err := change.Bind(func(string) (int, error) { return 0, errors.New("no column") }); err != nil {
		t.Fatal(err)
	}
	run := &pipeline.Run{Tenant: client, Change: change, Limiter: pace.New(0), Workers: 8, Retries: 1, RowTimeout: time.Hour, Outages: true, Log: zap.NewNop()}
	time.AfterFunc(200*time.Millisecond, func() { found.Store(false) })
	time.AfterFunc(3*time.Second, func() { found.Store(true) })
	users := &userRows{}
	for i := range 2000 {
		users.upns = append(users.upns, fmt.Sprintf("user%d@contoso.com", i))
	}
	var summary pipeline.Counts
	if err := run.Do(t.Context(), users, &summary); err != nil || summary.ByStatus[pipeline.Applied] != 2000 {
		t.Errorf("%v, %v", err, &summary)
	}
	if _, total := run.Outage(); total < 2*time.Second {
		t.Errorf("an outage of %v, want nearly 3s", total)
	}
}

// A runner is a tenant.
type runner func(context.Context, tenant.Cmdlet) ([]tenant.Object, error)

func (f runner) Run(ctx context.Context, c tenant.Cmdlet) ([]tenant.Object, error) { return f(ctx, c) }

// An interrupt in an outage says no number of rows that the summary contradicts: rows that
// wait for their first call are in the hands of workers, and not attempted.
func TestInterruptInAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		setting, err := tenant.LookupSetting("MyAnalyticsFeatureConfig")
		if err != nil {
			t.Fatal(err)
		}
		change := &pipeline.Change{Setting: setting}
		if err := change.Assign("PrivacyMode=opt-out"); err != nil {
			t.Fatal(err)
		}
		if err := change.Bind(nil); err != nil {
			t.Fatal(err)
		}
		away := runner(func(context.Context, tenant.Cmdlet) ([]tenant.Object, error) {
			return nil, &tenant.Error{Class: tenant.Unavailable, Unreachable: true, Err: errors.New("connection refused")}
		})
		stop := make(chan struct{})
		run := &pipeline.Run{Tenant: away, Change: change, Limiter: pace.New(0), Workers: 4, Retries: 5, RowTimeout: time.Hour, Outages: true, Stop: stop, Log: zap.NewNop()}
		users := &userRows{}
		for i := range 30 {
			users.upns = append(users.upns, fmt.Sprintf("user%d@contoso.com", i))
		}
		said, held := "", int64(0)
		time.AfterFunc(10*time.Second, func() {
			said, held = new(execution).stopping(run), run.Stats.InProgress()
			close(stop)
		})
		counts := new(pipeline.Counts)
		if err := run.Do(t.Context(), users, counts); err != nil {
			t.Fatal(err)
		}
		if held == int64(run.Counts.InProgress) {
			t.Fatalf("each of %d rows has made a call: nothing is tested", held)
		}
		since, rest, ok := strings.Cut(said, ": ")
		if !ok || !strings.HasPrefix(since, "the tenant can't be reached since ") || rest != "leaving the rows in progress without a result" {
			t.Errorf("said %q", said)
		}
	})
}

// Who could not sign in because nothing answered learns how to go on, with exit 1: there
// was no run that a guard could stop.
func TestUnansweredSignInIsExplained(t *testing.T) {
	err := explain(fmt.Errorf("%w: nothing was changed", &connect.UnansweredError{After: time.Minute, Err: errors.New("no answer")}), "")
	if statusOf(err) != exitError || message(err) != "no answer (gave up after 1m0s): nothing was changed" || !strings.Contains(hint(err), "the same command begins again") {
		t.Errorf("exit %d, %q, hint %q", statusOf(err), message(err), hint(err))
	}
}

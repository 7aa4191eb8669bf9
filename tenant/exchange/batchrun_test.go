package exchange

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"rollcall/pipeline"
	"rollcall/pipeline/pace"
	"rollcall/pipeline/roster"
	"rollcall/tenant"
	"rollcall/tenant/sandbox"
	"rollcall/tenant/sandbox/server"
)

// A batch is, but for what differs each time, this.
func TestBatchText(t *testing.T) {
	var head http.Header
	var url, text string
	b := newBatcher(t, fake(func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		head, url, text = r.Header, r.Method+" "+r.URL.String(), string(body)
		return response(200, nil, `{"responses":[{"id":"0","status":204},{"id":"1","status":204}]}`), err
	}), 2)
	b.send(t.Context(), []*part{{call: call{cmdlet: set}}, {call: call{cmdlet: get.For("bob")}}})
	const wantURL = "POST https://outlook.office365.com/adminapi/beta/11111111-2222-3333-4444-555555555555/$batch"
	if url != wantURL {
		t.Errorf("sent to %s, want %s", url, wantURL)
	}
	part := func(id, cmdlet, body string) string {
		return `{"id":"` + id + `","method":"POST","url":"https://outlook.office365.com/adminapi/beta/11111111-2222-3333-4444-555555555555/InvokeCommand",` +
			`"headers":{"X-CmdletName":"` + cmdlet + `","X-AnchorMailbox":"APP:SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}@11111111-2222-3333-4444-555555555555",` +
			`"Authorization":"Bearer a-token-of-no-form","Prefer":"odata.maxpagesize=1000;odata.continue-on-error","Content-Type":"application/json","Accept":"application/json"},` +
			`"body":{"CmdletInput":{"CmdletName":"` + cmdlet + `","Parameters":{` + body + `}}}}`
	}
	want := `{"requests":[` +
		part("0", "Set-CASMailbox", `"Identity":"ada@example.org","PopEnabled":false,"ImapEnabled":true,"MaxSize":12.50,"Policy":null,"Note":"\u003c\"é\"\u003e"`) + `,` +
		part("1", "Get-CASMailbox", `"Identity":"bob"`) + `]}`
	if text != want {
		t.Errorf("sent\n%s, want\n%s", text, want)
	}
	for name, want := range map[string]string{
		"Authorization": "^Bearer a-token-of-no-form$", "Prefer": "^odata.continue-on-error$", "Content-Type": "^application/json; charset=utf-8$",
		"X-Cmdletname": "^$", "X-Anchormailbox": "^APP:", "Client-Request-Id": "^[0-9a-f-]{36}$",
	} {
		if got := head.Get(name); !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("header %s is %q, want %s", name, got, want)
		}
	}
}

// A token that is refused for the batch is replaced once, in its parts too.
func TestBatchToken(t *testing.T) {
	tr := &partial{status: 200, text: all}
	b := newBatcher(t, fake(func(r *http.Request) (*http.Response, error) {
		if r.Header.Get("Authorization") == "Bearer old" {
			return response(401, nil, "expired"), nil
		}
		return tr.RoundTrip(r)
	}), 3, func(cfg *Config) {
		cfg.Token = func(_ context.Context, refused, _ string) (string, error) {
			return map[string]string{"": "old", "old": "fresh"}[refused], nil
		}
	})
	for user, got := range together(b, three...) {
		if got != user {
			t.Errorf("%s got %s", user, got)
		}
	}
	if !slices.Equal(tr.tokens, []string{"fresh"}) {
		t.Errorf("the tenant saw tokens %q", tr.tokens)
	}
}

// A cmdlet waits for company no longer than it is told to, and not at all if
// nobody is left to come; without company it is sent as a Client sends it.
func TestBatchWaits(t *testing.T) {
	for _, test := range []struct {
		size, callers, users int
		wait                 time.Duration
		batches, alone       int
	}{
		{10, 1, 1, 0, 0, 1},
		{1, 3, 3, 0, 0, 3},
		{10, 4, 1, 5 * time.Millisecond, 0, 1},
		{10, 4, 3, 5 * time.Millisecond, 1, 0},
		{10, 3, 3, 0, 1, 0},
		{3, 10, 3, 0, 1, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			tr := &partial{status: 200, text: all}
			b := newBatcher(t, tr, 1)
			b.cfg = BatchConfig{Size: test.size, Callers: test.callers, Wait: 5 * time.Millisecond}
			start := time.Now()
			for user, got := range together(b, three[:test.users]...) {
				if strings.TrimSuffix(got, " alone") != user {
					t.Errorf("%+v: %s got %s", test, user, got)
				}
			}
			if d := time.Since(start); d != test.wait || tr.batches != test.batches || len(tr.alone) != test.alone {
				t.Errorf("%+v: took %v, %d batches, alone %q", test, d, tr.batches, tr.alone)
			}
		})
	}
}

// Who goes away, before the batch leaves or after, takes nobody along; when all
// have gone the request ends, and Close finds nothing left.
func TestBatchCallersGoAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := &partial{status: 200, text: all}
		begun, ended := 0, 0
		b := newBatcher(t, fake(func(r *http.Request) (*http.Response, error) {
			begun++
			select {
			case <-time.After(time.Second):
				return tr.RoundTrip(r)
			case <-r.Context().Done():
				ended++
				return nil, r.Context().Err()
			}
		}), 10)
		b.cfg.Wait = 5 * time.Millisecond
		run := func(user string, after time.Duration) <-chan string {
			came := make(chan string, 1)
			ctx, cancel := context.WithTimeout(t.Context(), after)
			go func() {
				defer cancel()
				objects, err := b.Run(ctx, get.For(user))
				if errors.Is(err, context.DeadlineExceeded) {
					came <- "gone"
					return
				}
				came <- outcomeOf(objects, err)
			}()
			return came
		}
		// Eve goes before the batch leaves, and is not in it; Dan goes after.
		eve, dan, ada, bob := run("eve", time.Millisecond), run("dan", 100*time.Millisecond), run("ada", time.Hour), run("bob", time.Hour)
		if got := []string{<-eve, <-dan, <-ada, <-bob}; !slices.Equal(got, []string{"gone", "gone", "ada", "bob"}) {
			t.Errorf("got %q", got)
		}
		slices.Sort(tr.users)
		if !slices.Equal(tr.users, []string{"ada", "bob", "dan"}) {
			t.Errorf("the batch had %q", tr.users)
		}
		if begun != 1 || ended != 0 {
			t.Errorf("%d requests, %d of them ended early", begun, ended)
		}
		start := time.Now()
		ada, bob = run("ada", 100*time.Millisecond), run("bob", 200*time.Millisecond)
		if got := []string{<-ada, <-bob}; !slices.Equal(got, []string{"gone", "gone"}) {
			t.Errorf("got %q", got)
		}
		b.Close()
		if d := time.Since(start); d != 200*time.Millisecond || begun != 2 || ended != 1 {
			t.Errorf("after %v %d requests, %d of them ended early", d, begun, ended)
		}
	})
}

// What is left of a batch that all have left does not make the next one leave early.
func TestBatchLeftByAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := &partial{status: 200, text: all}
		b := newBatcher(t, tr, 10)
		b.cfg.Wait = 5 * time.Millisecond
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := b.Run(ctx, get.For("eve")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("eve got %v", err)
		}
		if got := together(b, "ada", "bob"); got["ada"] != "ada" || got["bob"] != "bob" || tr.batches != 1 {
			t.Errorf("got %v in %d batches", got, tr.batches)
		}
		if d := time.Since(start); d != 6*time.Millisecond {
			t.Errorf("took %v, want 1ms and then 5ms", d)
		}
	})
}

// handler is a [http.RoundTripper] that asks h, and counts the parts.
type handler struct {
	h    http.Handler
	t    *testing.T
	mu   sync.Mutex
	most int // parts in a batch
	many int // batches
}

func (h *handler) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if n := strings.Count(string(body), `"method":"POST"`); n > 0 {
		h.mu.Lock()
		h.most, h.many = max(h.most, n), h.many+1
		h.mu.Unlock()
	}
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host = "", ""
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	w := httptest.NewRecorder()
	defer func() {
		if recover() != nil { // http.ErrAbortHandler
			resp, err = nil, errors.New("connection reset")
		}
	}()
	h.h.ServeHTTP(w, r)
	resp = w.Result()
	if n := resp.ContentLength; n > int64(w.Body.Len()) {
		resp.Body = io.NopCloser(io.MultiReader(w.Body, broken{}))
	}
	return resp, nil
}

// Many callers at once, some of whom go away, with all the faults there are:
// each gets its own user's value or an error of its own.
func TestBatchGivesEachItsOwn(t *testing.T) {
	faults, err := server.ParseFaults("503:0.05,reset:0.05,html:0.05,transient400:0.05,errors200:0.05,lost:0.05,truncated:0.05,paged:0.1,expired:0.02")
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(4) {
		h := &handler{t: t, h: &server.Server{Tenant: sandbox.New(), Faults: faults, Seed: seed, Rate: 20_000, Burst: 500}}
		size := []int{2, 3, 7, 10}[seed]
		c := newClient(t, "http://127.0.0.1", func(cfg *Config) {
			cfg.Transport = h
			n := 0
			var mu sync.Mutex
			cfg.Token = func(_ context.Context, refused, _ string) (string, error) {
				mu.Lock()
				defer mu.Unlock()
				if refused == fmt.Sprint("token", n) {
					n++
				}
				return fmt.Sprint("token", n), nil
			}
		})
		b := NewBatcher(c, BatchConfig{Size: size, Callers: 24, Wait: time.Millisecond})
		var good, bad int
		var mu sync.Mutex
		var g sync.WaitGroup
		for i := range 24 {
			g.Go(func() {
				r := rand.New(rand.NewPCG(seed, uint64(i)))
				for j := range 40 {
					user := fmt.Sprintf("user%d-%d@example.org", i, j)
					ctx, cancel := context.WithCancel(t.Context())
					if r.IntN(10) == 0 {
						time.AfterFunc(time.Duration(r.IntN(2000))*time.Microsecond, cancel)
					}
					objects, err := b.Run(ctx, tenant.Cmdlet{Name: "Get-MyAnalyticsFeatureConfig", Identity: user})
					cancel()
					mu.Lock()
					switch {
					case err != nil:
						bad++
						if !strings.HasPrefix(err.Error(), "Get-MyAnalyticsFeatureConfig "+user+": ") {
							t.Errorf("%s got the error %v", user, err)
						}
					case len(objects) != 1 || objects[0]["UserId"] != user:
						t.Errorf("%s got %v", user, objects)
					default:
						good++
					}
					mu.Unlock()
				}
			})
		}
		g.Wait()
		b.Close()
		if h.most > size || h.many == 0 || good < 300 || bad < 50 {
			t.Errorf("seed %d: %d batches of %d parts at most, %d good and %d bad", seed, h.many, h.most, good, bad)
		}
	}
}

// rows are so many users.
type rows int

func (r *rows) Read(row *roster.Row) error {
	if *r == 0 {
		return io.EOF
	}
	*r--
	*row = roster.Row{UPN: fmt.Sprintf("user%d@example.org", *r), Line: int(*r)}
	return nil
}

type recorder func(*pipeline.Result)

func (f recorder) Record(r *pipeline.Result) error { f(r); return nil }
func (recorder) Flush() error                      { return nil }

// In a run the rate counts cmdlets, however they are sent; a part that is
// throttled holds back all calls for as long as it says, and is the only one that
// is tried again.
func TestBatchInARun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := &server.Server{Tenant: sandbox.New()}
		h := &handler{t: t, h: srv}
		throttled := false
		var calls []time.Duration // when each cmdlet was sent
		start := time.Now()
		var mu sync.Mutex
		tr := fake(func(r *http.Request) (*http.Response, error) {
			mu.Lock()
			defer mu.Unlock()
			body, _ := io.ReadAll(r.Body)
			for range strings.Count(string(body), `"CmdletInput"`) {
				calls = append(calls, time.Since(start))
			}
			r.Body = io.NopCloser(strings.NewReader(string(body)))
			resp, err := h.RoundTrip(r)
			if batch, _ := io.ReadAll(resp.Body); !throttled && strings.Contains(string(batch), `"status":200`) {
				throttled = true
				text := strings.Replace(string(batch), `"status":200,"headers":{`, `"status":429,"headers":{"Retry-After":"60",`, 1)
				resp.Body = io.NopCloser(strings.NewReader(text))
			} else {
				resp.Body = io.NopCloser(strings.NewReader(string(batch)))
			}
			return resp, err
		})
		c := newClient(t, "http://127.0.0.1", func(cfg *Config) { cfg.Transport = tr })
		b := NewBatcher(c, BatchConfig{Size: 10, Callers: 20, Wait: 50 * time.Millisecond})
		defer b.Close()
		setting, err := tenant.LookupSetting("MyAnalyticsFeatureConfig")
		if err != nil {
			t.Fatal(err)
		}
		change := &pipeline.Change{Setting: setting}
		if err := errors.Join(change.Assign("PrivacyMode=opt-out"), change.Bind(nil)); err != nil {
			t.Fatal(err)
		}
		run := &pipeline.Run{Tenant: b, Change: change, Limiter: pace.New(100), Workers: 20, Retries: 5, Log: zap.NewNop()}
		n, attempts := rows(50), 0
		if err := run.Do(t.Context(), &n, recorder(func(r *pipeline.Result) {
			attempts += r.Attempts
			if r.Status != pipeline.Applied {
				t.Errorf("line %d: %v: %v", r.Row.Line, r.Status, r.Err)
			}
		})); err != nil {
			t.Fatal(err)
		}
		if attempts != 101 || len(calls) != 101 || h.many < 10 || h.most > 10 {
			t.Errorf("%d attempts, %d calls, %d batches of %d parts at most; want 101, and most of them in batches", attempts, len(calls), h.many, h.most)
		}
		for i, at := range calls {
			// The batch that was throttled, and those that were being gathered then.
			if i >= 20 && at < time.Minute {
				t.Errorf("call %d after %v, in the pause", i, at)
			}
		}
		// A hundred calls beyond the pause take a second, less what came ahead, and
		// as long as it takes to find the pace again.
		if d := time.Since(start); d < time.Minute+750*time.Millisecond || d > time.Minute+20*time.Second {
			t.Errorf("the run took %v", d)
		}
	})
}

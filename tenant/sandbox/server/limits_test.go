package server

import (
	"context"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/tenant/sandbox"
)

// The limit lets through what it should, and says no more than it was told to.
func TestRate(t *testing.T) {
	for _, test := range []struct {
		retryAfter time.Duration
		header     string
	}{{0, ""}, {2 * time.Second, "2"}, {250 * time.Millisecond, "0.25"}} {
		synctest.Test(t, func(t *testing.T) {
			s := &Server{Tenant: sandbox.New(), Rate: 10, Burst: 3, RetryAfter: test.retryAfter}
			ok := 0
			for range 200 { // ten seconds of twenty requests
				w := serve(t, s, "Get-Mailbox ada")
				switch {
				case w.Code == 200:
					ok++
				case w.Code != 429 || w.Header().Get("Retry-After") != test.header:
					t.Fatalf("%d, Retry-After %q; want 429, %q", w.Code, w.Header().Get("Retry-After"), test.header)
				}
				time.Sleep(50 * time.Millisecond)
			}
			if ok < 101 || ok > 103 {
				t.Errorf("%d requests let through in 10s, want 10 a second and a burst of 3", ok)
			}
			if c := s.Counts(); c.Throttled != 200-ok || c.Requests != 200 || c.Cmdlets["Get-Mailbox"] != ok {
				t.Errorf("counts %+v with %d let through", c, ok)
			}
		})
	}
}

// Who makes no call when none is left, until the reset, is never refused.
func TestShowRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{Tenant: sandbox.New(), Rate: 4, Burst: 3, ShowRate: true}
		var left []string
		for range 6 {
			w := serve(t, s, "Get-Mailbox ada")
			if w.Code != 200 {
				t.Fatalf("status %d after %v were left", w.Code, left)
			}
			left = append(left, w.Header().Get("Rate-Limit-Remaining"))
			reset, err := time.ParseDuration(w.Header().Get("Rate-Limit-Reset") + "s")
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(reset)
		}
		if want := []string{"2", "1", "0", "0", "0", "0"}; !slices.Equal(left, want) {
			t.Errorf("left %v, want %v", left, want)
		}
	})
}

func TestBurstOfASecond(t *testing.T) {
	for r, want := range map[float64]int{7: 7, 0.1: 1} {
		synctest.Test(t, func(t *testing.T) {
			s := &Server{Tenant: sandbox.New(), Rate: r}
			ok := 0
			for range 20 {
				if serve(t, s, "Get-Mailbox ada").Code == 200 {
					ok++
				}
			}
			if ok != want {
				t.Errorf("rate %v: burst of %d, want %d", r, ok, want)
			}
		})
	}
}

func TestMaxConcurrent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{Tenant: sandbox.New(), MaxConcurrent: 3, Latency: time.Second}
		replies := make(chan *httptest.ResponseRecorder, 5)
		for range 5 {
			go func() { replies <- serve(t, s, "Get-Mailbox ada") }()
		}
		statuses := map[int]int{}
		for range 5 {
			w := <-replies
			statuses[w.Code]++
			if w.Code == 429 && (!strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") ||
				w.Body.String() != "You have reached the maximum number of concurrent requests per tenant. Please wait and try again") {
				t.Errorf("%v %s", w.Header(), w.Body)
			}
		}
		if statuses[200] != 3 || statuses[429] != 2 {
			t.Errorf("statuses %v, want 3 of 200 and 2 of 429", statuses)
		}
		if w := serve(t, s, "Get-Mailbox ada"); w.Code != 200 {
			t.Errorf("%d when all was quiet again", w.Code)
		}
		if c := s.Counts(); c.TooMany != 2 || c.MostAtOnce < 4 || c.MostAtOnce > 5 {
			t.Errorf("counts %+v", c)
		}
	})
}

// A reply takes Latency at least, and at most Jitter more; and the two ends of
// that are both met.
func TestLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{Tenant: sandbox.New(), Latency: 100 * time.Millisecond, Jitter: 50 * time.Millisecond}
		least, most := time.Hour, time.Duration(0)
		for range 200 {
			start := time.Now()
			serve(t, s, "Get-Mailbox ada")
			d := time.Since(start)
			least, most = min(least, d), max(most, d)
		}
		if least < 100*time.Millisecond || least > 105*time.Millisecond || most < 145*time.Millisecond || most > 150*time.Millisecond {
			t.Errorf("replies took %v to %v, want 100ms to 150ms", least, most)
		}
	})
}

// A client that goes away is not waited for, and what it asked is not done.
func TestGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, s := range []*Server{
			{Tenant: sandbox.New(), Latency: time.Hour},
			{Tenant: sandbox.New(), Faults: Faults{faultHang: 1}},
		} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			start := time.Now()
			r := newRequest(t, path, envelope("Set-UserBriefingConfig ada Enabled=false")).WithContext(ctx)
			func() {
				defer func() { recover() }() // no connection to cut
				s.ServeHTTP(httptest.NewRecorder(), r)
			}()
			if d := time.Since(start); d != time.Minute {
				t.Errorf("took %v after the client had gone", d-time.Minute)
			}
			if run(t, s.Tenant, "Get-UserBriefingConfig ada")[0]["IsEnabled"] != true {
				t.Error("done for a client that had gone")
			}
		}
	})
}

// Close ends all waits, those begun later too.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{Tenant: sandbox.New(), Latency: time.Hour}
		time.AfterFunc(time.Second, func() { s.Close() })
		start := time.Now()
		for range 2 {
			if w := serve(t, s, "Get-Mailbox ada"); w.Code != 200 {
				t.Errorf("status %d", w.Code)
			}
		}
		if d := time.Since(start); d != time.Second {
			t.Errorf("replied after %v, want 1s", d)
		}
		s.Close() // twice is once
	})
}

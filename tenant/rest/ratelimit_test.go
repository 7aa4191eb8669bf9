package rest

import (
	"cmp"
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"rollcall/tenant"
)

func TestUntilReset(t *testing.T) {
	now := time.Date(2026, 11, 29, 4, 30, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"":     0,
		"soon": 0,
		"-5":   0,
		"0":    0,
		"30":   30 * time.Second,
		" 1.5": 1500 * time.Millisecond,
		"599":  599 * time.Second,
		"601":  0,
		"1e9":  0,

		"1795926645":                    45 * time.Second,
		"1795926500":                    0,
		"99999999999":                   0,
		"2026-11-29T04:30:20.25Z":       20250 * time.Millisecond,
		"2026-11-29T05:31:00+01:00":     time.Minute,
		"2026-11-29T03:00:00Z":          0,
		"2026-11-30T03:00:00Z":          0,
		"Sun, 29 Nov 2026 04:30:07 GMT": 7 * time.Second,
	} {
		if got := untilReset(text, now); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// None left is believed once after each reply that had some left.
func TestSpent(t *testing.T) {
	replies := []struct {
		remaining, reset string
		want             time.Duration
		status           int // 0 for 200
	}{
		{remaining: "0", reset: "30"}, // a service that always says so would be asked once in half a minute
		{remaining: "2", reset: "30"},
		{remaining: "1", reset: "30"},
		{remaining: "0", reset: "30", want: 30 * time.Second},
		{remaining: "0", reset: "29"},
		{remaining: "", reset: "29"},
		{remaining: "1", reset: "30"},
		{remaining: "", reset: "30"},
		{remaining: "0", reset: "never"},
		{remaining: "0", reset: "9", status: 429}, // a refusal, which has its own Retry-After
		{remaining: "-1", reset: "7", want: 7 * time.Second},
		{remaining: "many", reset: "7"},
		{remaining: "0", reset: "7"},
	}
	var next int
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reply := replies[next]
		if reply.remaining != "" {
			w.Header().Set("Rate-Limit-Remaining", reply.remaining)
			w.Header().Set("Rate-Limit-Reset", reply.reset)
		}
		w.WriteHeader(cmp.Or(reply.status, 200))
	}))
	defer server.Close()
	var got []time.Duration
	c, err := New(Config{
		Endpoint: server.URL, Organization: "contoso.onmicrosoft.com",
		Token: func(context.Context, string, string) (string, error) { return "token-8d2f", nil },
		Spent: func(wait time.Duration) { got = append(got, wait) },
	}, func(r *Reply) *tenant.Error { return r.Fault(Message{}) })
	if err != nil {
		t.Fatal(err)
	}
	for i, reply := range replies {
		next, got = i, nil
		r, err := c.Send(t.Context(), func(ctx context.Context, _ string) *http.Request {
			req, _ := http.NewRequestWithContext(ctx, "GET", server.URL, nil)
			return req
		}, 100)
		if err != nil {
			t.Fatal(err)
		}
		r.Release()
		var want []time.Duration
		if reply.want > 0 {
			want = append(want, reply.want)
		}
		if !slices.Equal(got, want) {
			t.Errorf("reply %d, remaining %q, reset %q: told %v, want %v", i, reply.remaining, reply.reset, got, want)
		}
	}
}

package queue

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// consumers returns how many consumers the server has for a stream.
func consumers(t *testing.T, q *Queue, stream string) int {
	t.Helper()
	s, err := q.js.Stream(t.Context(), stream)
	check(t, err)
	return s.CachedInfo().State.Consumers
}

// Reading leaves nothing on the server, read whole or cut short: a log can be read more
// often than the server lets a stream have consumers.
func TestLogReadOften(t *testing.T) {
	s := serve(t, ServerOptions{})
	q := dialed(t, Options{URL: s.URL()})
	l := openLog(t, q)
	for i := range 3 {
		check(t, l.Append(fmt.Append(nil, i)))
	}
	l = openLog(t, q)
	for range 1100 {
		if got := fmt.Sprint(content(t, l)); got != "[0 1 2]" {
			t.Fatalf("it has %s", got)
		}
	}
	for range 10 {
		for range l.Messages() {
			break
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended, err := q.OpenLog(ctx, "nightly-1", "contoso")
	check(t, err)
	for _, err := range ended.Messages() {
		if err != nil {
			break
		}
		cancel()
	}
	if n := consumers(t, q, journalStream); n != 0 {
		t.Errorf("%d consumers are left", n)
	}
}

// What is asked of the buckets leaves nothing on the server, either.
func TestNoConsumerStays(t *testing.T) {
	s := serve(t, ServerOptions{})
	q := dialed(t, Options{URL: s.URL()})
	check(t, q.Submit(t.Context(), Fleet{ID: "f-1", Name: "f", Parallel: 1, Takeover: time.Second}, []Job{{Tenant: "t", Key: "k"}}))
	buckets := []string{"jobs", "fleets", "outcomes", "schedules"}
	before := make(map[string]int) // those of the server itself
	for _, b := range buckets {
		before[b] = consumers(t, q, "KV_"+b)
	}
	for range 20 {
		_, err := q.State(t.Context(), "f-1")
		check(t, err)
		_, err = q.Fleets(t.Context())
		check(t, err)
		v, err := q.Watch(t.Context())
		check(t, err)
		v.Close()
	}
	for _, b := range buckets {
		waitFor(t, func() bool { return consumers(t, q, "KV_"+b) <= before[b] })
	}
}

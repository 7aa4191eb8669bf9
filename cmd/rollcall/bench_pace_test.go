package main

import (
	"net/http/httptest"
	"slices"
	"strconv"
	"testing"
	"time"

	"rollcall/tenant/sandbox"
	"rollcall/tenant/sandbox/server"
)

// How much of a limit that it has to find out a run of 4,000 calls uses, over real
// sockets, and how many of its calls are refused: cold, and warm, when it knows the
// pace that the first one found. The time is that from the first call for a row to the
// last. [pace.BenchmarkFamily] has these tenants and more in virtual time.
func BenchmarkPaceFound(b *testing.B) {
	const limit, calls = 200, 4000
	for _, latency := range []time.Duration{10 * time.Millisecond, 500 * time.Millisecond, 2 * time.Second} {
		b.Run(latency.String(), func(b *testing.B) {
			workers := strconv.Itoa(max(64, int(2*limit*latency.Seconds())))
			var used, refused [2]float64
			for b.Loop() {
				b.Setenv("XDG_STATE_HOME", b.TempDir())
				s := &server.Server{Tenant: sandbox.New(), Rate: limit, Burst: 20, RetryAfter: time.Second, Latency: latency}
				http := httptest.NewServer(nil)
				for i := range used {
					c := &counted{server: s}
					http.Config.Handler = c
					at(b, http.URL, calls/2, "--workers", workers, "--quiet")
					// The first call is the check of the tenant, which the others wait for.
					slices.SortFunc(c.taken, time.Time.Compare)
					used[i] += calls / (limit * c.taken[len(c.taken)-1].Sub(c.taken[1]).Seconds())
					refused[i] += float64(c.refused) / float64(c.refused+len(c.taken))
					time.Sleep(time.Second) // the burst is full again
				}
				http.Close()
			}
			b.ReportMetric(0, "ns/op")
			for i, how := range []string{"cold(goal>=90)", "warm(goal>=97)"} {
				b.ReportMetric(100*used[i]/float64(b.N), "%-of-limit-"+how)
			}
			b.ReportMetric(100*refused[0]/float64(b.N), "%-throttled-cold(goal<=0.5)")
		})
	}
}

// How --rate is kept: the share of it over ten seconds of a run, and how many calls
// more than it are in any one second.
func BenchmarkRate(b *testing.B) {
	for _, rate := range []int{50, 150, 200} {
		b.Run(strconv.Itoa(rate), func(b *testing.B) {
			const seconds = 11
			var share, most float64
			for b.Loop() {
				c := &counted{server: &server.Server{Tenant: sandbox.New()}}
				against(b, c, rate*seconds/2, "--rate", strconv.Itoa(rate), "--workers", "16", "--quiet")
				first := c.taken[0] // which has waited for its time
				share += float64(c.between(first, time.Nanosecond, 10*time.Second+time.Nanosecond)) / 10 / float64(rate)
				for _, at := range c.taken {
					from := at.Sub(first)
					most = max(most, float64(c.between(first, from, from+time.Second))/float64(rate))
				}
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(100*share/float64(b.N), "%-of-rate(goal=99..100)")
			b.ReportMetric(100*most, "%-in-a-second(goal<=101+1call)")
		})
	}
}

// How many times faster sixteen workers are than a loop that takes one user at a
// time, where a call takes 50 ms.
func BenchmarkSequential(b *testing.B) {
	const users, latency = 800, 50 * time.Millisecond
	var ours, loop time.Duration
	for b.Loop() {
		slow := func() *counted {
			return &counted{server: &server.Server{Tenant: sandbox.New(), Latency: latency}}
		}
		start := time.Now()
		against(b, slow(), users/16, "--workers", "1", "--quiet")
		loop += 16 * time.Since(start)
		start = time.Now()
		against(b, slow(), users, "--workers", "16", "--quiet")
		ours += time.Since(start)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(loop.Seconds()/ours.Seconds(), "x-sequential(goal>=14)")
}

package main

import (
	"strconv"
	"testing"
	"time"

	"rollcall/tenant/sandbox"
	"rollcall/tenant/sandbox/server"
)

// How much of a limit that it has to find out a run uses from the tenth second
// on, and how many of its calls are refused.
func BenchmarkPaceFound(b *testing.B) {
	const limit, seconds = 200, 35
	var used, refused float64
	for b.Loop() {
		c := &counted{server: &server.Server{Tenant: sandbox.New(), Rate: limit, Burst: 20, RetryAfter: time.Second, Latency: 20 * time.Millisecond}}
		start := time.Now()
		against(b, c, limit*seconds/2, "--workers", "16", "--quiet")
		end := time.Since(start)
		used += float64(c.between(start, 10*time.Second, end)) / (limit * (end - 10*time.Second).Seconds())
		refused += float64(c.refused) / float64(c.refused+len(c.taken))
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(100*used/float64(b.N), "%-of-limit(goal>=90)")
	b.ReportMetric(100*refused/float64(b.N), "%-throttled(goal<=2)")
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

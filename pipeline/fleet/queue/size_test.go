package queue

import (
	"fmt"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

const thousand = 1000

// storeRosters stores a thousand small rosters, as many at once as a submit does.
func storeRosters(t testing.TB, q *Queue) {
	t.Helper()
	var g errgroup.Group
	g.SetLimit(32)
	roster := strings.Repeat("user@contoso.com\n", 100)
	for i := range thousand {
		g.Go(func() error { return q.Put(t.Context(), RosterName(fmt.Sprint(i)), strings.NewReader(roster)) })
	}
	check(t, g.Wait())
}

// storeJobs stores a thousand jobs that wait.
func storeJobs(t testing.TB, q *Queue) {
	t.Helper()
	var g errgroup.Group
	g.SetLimit(32)
	for i := range thousand {
		g.Go(func() error {
			_, err := q.jobs.Create(t.Context(), fmt.Sprintf("key-%d", i), []byte(strings.Repeat("x", 1500)))
			return err
		})
	}
	check(t, g.Wait())
}

// memory returns how many MB a process has, or 0 on a system that does not say so.
func memory(t testing.TB, pid int) int {
	t.Helper()
	if runtime.GOOS != "linux" {
		return 0
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	check(t, err)
	kB, err := strconv.Atoi(regexp.MustCompile(`(?m)^VmRSS:\s+(\d+) kB$`).FindStringSubmatch(string(b))[1])
	check(t, err)
	return kB >> 10
}

// raced reports whether the race detector is at work, which has memory of its own.
func raced() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// A server that has a thousand small rosters, and a job for each that waits, is small.
func TestThousandTenants(t *testing.T) {
	t.Parallel()
	url, pid, _ := serveAsideProcess(t, t.TempDir(), "127.0.0.1:0")
	q := dialed(t, Options{URL: url})
	storeRosters(t, q)
	storeJobs(t, q)
	if got := memory(t, pid); got > 60 && !raced() {
		t.Errorf("the server has %d MB", got)
	}
}

// What a thousand tenants cost: to store their rosters in a server of its own, and a job
// for each; what that server has in memory then; and to submit them as one fleet.
func BenchmarkThousandTenants(b *testing.B) {
	var rosters, jobs, fleet time.Duration
	most := 0
	timed := func(sum *time.Duration, do func()) {
		begin := time.Now()
		do()
		*sum += time.Since(begin)
	}
	for b.Loop() {
		url, pid, kill := serveAsideProcess(b, b.TempDir(), "127.0.0.1:0")
		q := dialed(b, Options{URL: url})
		timed(&rosters, func() { storeRosters(b, q) })
		timed(&jobs, func() { storeJobs(b, q) })
		most = max(most, memory(b, pid))
		q.Close()
		kill()

		q = alone(b)
		timed(&fleet, func() { submit(b, q, "large", 20, 0, thousand) })
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(rosters.Seconds()/float64(b.N), "s/rosters")
	b.ReportMetric(jobs.Seconds()/float64(b.N), "s/jobs")
	b.ReportMetric(fleet.Seconds()/float64(b.N), "s/submit")
	b.ReportMetric(float64(most), "MB")
}

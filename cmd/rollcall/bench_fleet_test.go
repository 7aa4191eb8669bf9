//go:build unix

package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A fleet of twenty tenants costs what xargs -P costs that runs the same commands, and
// one of one tenant what apply costs. The numbers are the fleet's time by the other's;
// each pair is taken one after the other, the second pair in the other order.
func BenchmarkFleet(b *testing.B) {
	for _, size := range []struct {
		tenants, users int
		goal           string
	}{{20, 500, "1.05"}, {1, 500, "1.02"}} {
		b.Run(fmt.Sprintf("%dx%d", size.tenants, size.users), func(b *testing.B) {
			program := filepath.Join(b.TempDir(), "rollcall")
			buildProgram(b, program)
			var fleet, others time.Duration
			for i := range 2 * b.N {
				run := []func(){
					func() { fleet += timeFleet(b, program, size.tenants, size.users) },
					func() { others += timeXargs(b, program, size.tenants, size.users) },
				}
				run[i%2]()
				run[1-i%2]()
			}
			b.ReportMetric(fleet.Seconds()/others.Seconds(), "x-xargs(goal<="+size.goal+")")
			b.ReportMetric(fleet.Seconds()/float64(2*b.N), "s/fleet")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// fleetParallel is how many tenants are worked on at once.
const fleetParallel = 8

// prepareFleet starts a server and writes a fleet file and its rosters.
func prepareFleet(b *testing.B, program string, tenants, users int) (dir, endpoint string, stop func() string) {
	dir = b.TempDir()
	endpoint, stop = startServer(b, program, "--latency", "20ms")
	writeFleet(b, dir, endpoint, tenants, users, "")
	return dir, endpoint, stop
}

func timeFleet(b *testing.B, program string, tenants, users int) time.Duration {
	dir, _, stop := prepareFleet(b, program, tenants, users)
	defer stop()
	cmd := exec.Command(program, "fleet", "run", filepath.Join(dir, "fleet.yaml"), "--results", filepath.Join(dir, "results"), "--yes", "--quiet")
	cmd.Env = tortureEnvironment()
	return timed(b, cmd)
}

func timeXargs(b *testing.B, program string, tenants, users int) time.Duration {
	dir, endpoint, stop := prepareFleet(b, program, tenants, users)
	defer stop()
	var names strings.Builder
	for i := range tenants {
		fmt.Fprintf(&names, "t%d\n", i)
	}
	apply := fmt.Sprintf(`%s apply %s/{}.csv --privacy-mode opt-out --read-first --tenant exchange --endpoint %s --organization {}.com --yes --quiet --resume -o %s/{}-results.csv; [ $? -eq %d ]`,
		program, dir, endpoint, dir, exitRows)
	cmd := exec.Command("xargs", "-P", fmt.Sprint(fleetParallel), "-I", "{}", "sh", "-c", apply)
	cmd.Stdin = strings.NewReader(names.String())
	cmd.Env = tortureEnvironment()
	return timed(b, cmd)
}

// timed runs a command whose rows are not all as wanted.
func timed(b *testing.B, cmd *exec.Cmd) time.Duration {
	b.Helper()
	start := time.Now()
	err := cmd.Run()
	took := time.Since(start)
	if status := cmd.ProcessState.ExitCode(); status != exitOK && status != exitRows {
		b.Fatalf("%v: %v", cmd.Args, err)
	}
	return took
}

//go:build unix

package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The memory that check takes for ten million rows, at its peak.
func BenchmarkCheckTenMillionRows(b *testing.B) {
	dir := b.TempDir()
	program, in := filepath.Join(dir, "rollcall"), filepath.Join(dir, "users.csv")
	buildProgram(b, program)
	writeRoster(b, in, 10_000_000)
	for b.Loop() {
		b.ReportMetric(peak(b, program, "check", in)/1e6, "MB(goal<=200)")
	}
}

// The memory that apply takes for each row beyond the first million, against a
// server in another process. It takes long, so that the millions are to be asked
// for: MILLIONS=10 make bench.
func BenchmarkApplyMemory(b *testing.B) {
	millions, err := strconv.Atoi(os.Getenv("MILLIONS"))
	if err != nil {
		b.Skip("MILLIONS says how many rows, such as 10")
	}
	dir := b.TempDir()
	program, in := filepath.Join(dir, "rollcall"), filepath.Join(dir, "users.csv")
	buildProgram(b, program)
	b.Setenv(tokenVariable, "token-8d2f")
	endpoint := serveFast(b)
	apply := func(rows int) float64 {
		writeRoster(b, in, rows)
		return peak(b, program, "apply", in, "--privacy-mode", "opt-out", "-o", filepath.Join(dir, "results.csv"), "--overwrite", "--quiet", "--yes",
			"--tenant", "exchange", "--endpoint", endpoint, "--organization", organization, "--workers", "16")
	}
	for b.Loop() {
		one, many := apply(1_000_000), apply(millions*1_000_000)
		b.ReportMetric(one/1e6, "MB-at-1M")
		b.ReportMetric(many/1e6, "MB-at-most")
		b.ReportMetric((many-one)/float64((millions-1)*1_000_000), "B/row(goal<=16)")
	}
}

// The memory that apply takes at its peak with 64 workers, next to what it takes
// with 4, against a server that takes 20ms for each request.
func BenchmarkWorkersMemory(b *testing.B) {
	dir := b.TempDir()
	program, in := filepath.Join(dir, "rollcall"), filepath.Join(dir, "users.csv")
	buildProgram(b, program)
	b.Setenv(tokenVariable, "token-8d2f")
	endpoint := serveInProcess(b, program, "--latency", "20ms")
	apply := func(workers int) float64 {
		writeRoster(b, in, 100*workers)
		return peak(b, program, "apply", in, "--privacy-mode", "opt-out", "-o", filepath.Join(dir, "results.csv"), "--overwrite", "--quiet", "--yes",
			"--tenant", "exchange", "--endpoint", endpoint, "--organization", organization, "--workers", strconv.Itoa(workers))
	}
	for b.Loop() {
		b.ReportMetric(apply(4)/1e6, "MB-at-4-workers")
		b.ReportMetric(apply(64)/1e6, "MB-at-64-workers")
	}
}

// peak runs the program and returns how much memory it took at its peak, in bytes.
func peak(b *testing.B, program string, args ...string) float64 {
	b.Helper()
	cmd := exec.Command(program, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	// On Linux what the kernel says in the end is never less than what this
	// process has, for it begins as a copy of that.
	most := 0
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case err := <-ended:
			if err != nil {
				b.Fatalf("%v\n%s", err, out.Bytes())
			}
			if most > 0 {
				return float64(most) * 1024
			}
			rss := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss
			if runtime.GOOS != "darwin" { // where it is in bytes
				rss *= 1024
			}
			return float64(rss)
		case <-look.C:
			status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
			if _, text, ok := strings.Cut(string(status), "VmHWM:"); ok {
				fmt.Sscan(text, &most)
			}
		}
	}
}

// serveFast starts a server in this process that accepts every set, and replies to
// every get that the user is opted out. It remembers nobody.
func serveFast(b *testing.B) string {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		if strings.HasPrefix(r.URL.Path, "/autodiscover/") {
			http.NotFound(w, r)
			return
		}
		io.WriteString(w, `{"ServiceSettings":{"IsOptedOut":true},"FeatureSettings":{}}`)
	})}
	go server.Serve(listener)
	b.Cleanup(func() { server.Close() })
	return "http://" + listener.Addr().String()
}

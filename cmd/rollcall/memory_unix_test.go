//go:build unix

package main

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

// The memory that check takes for ten million rows, at its peak, and the time.
func BenchmarkCheckTenMillionRows(b *testing.B) {
	dir := b.TempDir()
	program, in := filepath.Join(dir, "rollcall"), filepath.Join(dir, "users.csv")
	buildProgram(b, program)
	writeRoster(b, in, 10_000_000)
	var peak int64
	for b.Loop() {
		cmd := exec.Command(program, "check", in)
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
		rss := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss
		if runtime.GOOS != "darwin" { // where it is in bytes
			rss *= 1024
		}
		peak = max(peak, rss)
	}
	b.ReportMetric(float64(peak)/1e6, "MB(goal<=200)")
}

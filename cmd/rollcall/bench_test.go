package main

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A million rows through everything but a real tenant, next to what it costs
// encoding/csv to copy the same file.
func BenchmarkMillionRows(b *testing.B) {
	const rows = 1_000_000
	dir := b.TempDir()
	in, copied := filepath.Join(dir, "users.csv"), filepath.Join(dir, "copy.csv")
	writeRoster(b, in, rows)
	var copying, running time.Duration
	for b.Loop() {
		start := time.Now()
		copyCSV(b, in, copied)
		copying += time.Since(start)
		toDisk(b, copied) // or it would be ours to wait for
		start = time.Now()
		rollcall(b, exitOK, "apply", in, "--privacy-mode", "opt-out", "-o", filepath.Join(dir, "results.csv"), "--overwrite", "--quiet")
		running += time.Since(start)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(running.Seconds()/float64(b.N), "s/run")
	b.ReportMetric(copying.Seconds()/float64(b.N), "s/copy")
	b.ReportMetric(running.Seconds()/copying.Seconds(), "x-csv-copy(goal<=3)")
}

// writeRoster writes a roster of n users.
func writeRoster(tb testing.TB, name string, n int) {
	tb.Helper()
	f, err := os.Create(name)
	if err != nil {
		tb.Fatal(err)
	}
	w := bufio.NewWriter(f)
	fmt.Fprintln(w, "UserPrincipalName,DisplayName,UsageLocation,Department")
	for i := range n {
		fmt.Fprintf(w, "user%07d@contoso.onmicrosoft.com,User Number %d,%s,Department %d\n", i, i, []string{"FR", "US", "US"}[i%3], i%40)
	}
	if err := w.Flush(); err != nil {
		tb.Fatal(err)
	}
	if err := f.Close(); err != nil {
		tb.Fatal(err)
	}
}

func toDisk(tb testing.TB, name string) {
	tb.Helper()
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		tb.Fatal(err)
	}
}

func copyCSV(tb testing.TB, from, to string) {
	tb.Helper()
	in, err := os.Open(from)
	if err != nil {
		tb.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		tb.Fatal(err)
	}
	defer out.Close()
	r := csv.NewReader(bufio.NewReaderSize(in, 64<<10))
	r.ReuseRecord = true
	w := csv.NewWriter(bufio.NewWriterSize(out, 64<<10))
	for {
		record, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			tb.Fatal(err)
		}
		w.Write(record)
	}
	w.Flush()
	if err := w.Error(); err != nil {
		tb.Fatal(err)
	}
}

// rollcall runs the program in this process and fails the test unless it exits
// with status.
func rollcall(tb testing.TB, status int, args ...string) (stdout, stderr string) {
	tb.Helper()
	var out, errs writer
	if got := run(args, nil, &out, &errs); got != status {
		tb.Fatalf("rollcall %q: exit status %d, want %d\n%s", args, got, status, errs)
	}
	return string(out), string(errs)
}

type writer []byte

func (w *writer) Write(p []byte) (int, error) {
	*w = append(*w, p...)
	return len(p), nil
}

package main

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// A million rows, quoted as PowerShell exports them, through everything but a real
// tenant, next to what it costs encoding/csv to copy the same file. Each is a
// process of its own and brings what it writes to the disk. What they cost is the
// time of all cores.
func BenchmarkMillionRows(b *testing.B) {
	const rows = 1_000_000
	dir := b.TempDir()
	in := filepath.Join(dir, "users.csv")
	writeRoster(b, in, rows)
	program := filepath.Join(dir, "rollcall")
	buildProgram(b, program)
	var copying, running, waited time.Duration
	spend := func(total *time.Duration, name string, args ...string) {
		cmd := exec.Command(name, args...)
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
		*total += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	for b.Loop() {
		spend(&copying, "copy-csv", in, filepath.Join(dir, "copy.csv"))
		start := time.Now()
		spend(&running, program, "apply", in, "--privacy-mode", "opt-out", "-o", filepath.Join(dir, "results.csv"), "--overwrite", "--quiet")
		waited += time.Since(start)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(waited.Seconds()/float64(b.N), "s/run")
	b.ReportMetric(running.Seconds()/float64(b.N), "cpu-s/run")
	b.ReportMetric(copying.Seconds()/float64(b.N), "cpu-s/copy")
	b.ReportMetric(running.Seconds()/copying.Seconds(), "x-csv-copy(goal<=3)")
}

// Calls a second to Viva Insights over loopback, next to what a bare net/http loop
// makes with the same concurrency of the same requests to the same server, which
// runs in a process of its own.
func BenchmarkLoopback(b *testing.B) { benchLoopback(b, 50_000, 16) }

// The same with a server that takes 20ms for each request.
func BenchmarkLoopbackLatency(b *testing.B) {
	benchLoopback(b, 4_000, 16, "--latency", "20ms")
}

func benchLoopback(b *testing.B, users, workers int, serve ...string) {
	dir := b.TempDir()
	program := filepath.Join(dir, "rollcall")
	buildProgram(b, program)
	endpoint := serveInProcess(b, program, serve...)
	b.Setenv(tokenVariable, "token-8d2f")
	in := filepath.Join(dir, "users.csv")
	writeRoster(b, in, users)

	var bare, ours time.Duration
	for b.Loop() {
		start := time.Now()
		bareLoop(b, endpoint, users, workers)
		bare += time.Since(start)
		start = time.Now()
		rollcall(b, exitOK, "apply", in, "--privacy-mode", "opt-in", "-o", filepath.Join(dir, "results.csv"), "--overwrite", "--quiet", "--yes",
			"--tenant", "exchange", "--endpoint", endpoint, "--organization", organization, "--workers", strconv.Itoa(workers))
		ours += time.Since(start)
	}
	calls := float64(2 * users * b.N)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(calls/bare.Seconds(), "bare-calls/s")
	b.ReportMetric(calls/ours.Seconds(), "calls/s")
	b.ReportMetric(100*bare.Seconds()/ours.Seconds(), "%-of-bare(goal>=85)")
}

const organization = "11111111-2222-3333-4444-555555555555"

// optOutBody is what Microsoft's module sends to opt somebody out.
const optOutBody = `{"ServiceSettings":{"IsOptedOut":true},"FeatureSettings":{"IsDashboardOptedOut":true,"IsDigestEmailOptedOut":true,"IsAddInOptedOut":true}}`

// bareLoop sets and gets n users, workers at a time, and looks at nothing but
// the status.
func bareLoop(b *testing.B, endpoint string, n, workers int) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: workers}}
	defer client.CloseIdleConnections()
	call := func(method, upn, body string) error {
		req, err := http.NewRequest(method, endpoint+"/weve/api/v1.1/users('"+upn+"')/settings", strings.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+os.Getenv(tokenVariable))
		if body != "" {
			req.Header.Set("Content-Type", "application/json; charset=utf-8")
			req.Header.Set("Accept", "application/json")
		}
		res, err := client.Do(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return errors.New(res.Status)
		}
		_, err = io.Copy(io.Discard, res.Body)
		return err
	}
	var g errgroup.Group
	var next atomic.Int64
	for range workers {
		g.Go(func() error {
			for {
				i := next.Add(1)
				if i > int64(n) {
					return nil
				}
				upn := fmt.Sprintf("user%07d@contoso.onmicrosoft.com", i)
				if err := call("PATCH", upn, optOutBody); err != nil {
					return err
				}
				if err := call("GET", upn, ""); err != nil {
					return err
				}
			}
		})
	}
	if err := g.Wait(); err != nil {
		b.Fatal(err)
	}
}

// buildProgram makes rollcall a program called name, to run in a process of its own.
// It is built once, and by go itself where that can't have another name.
func buildProgram(tb testing.TB, name string) {
	tb.Helper()
	once, err := builtProgram()
	if err == nil && os.Link(once, name) != nil {
		err = build(name)
	}
	if err != nil {
		tb.Fatal(err)
	}
}

// builtProgram builds the program in the directory of the test binary's run.
var builtProgram = sync.OnceValues(func() (string, error) {
	name := filepath.Join(programs, "rollcall")
	return name, build(name)
})

func build(name string) error {
	if out, err := exec.Command("go", "build", "-o", name, ".").CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}

// writeRoster writes a roster of n users, as PowerShell exports one.
func writeRoster(tb testing.TB, name string, n int) {
	tb.Helper()
	f, err := os.Create(name)
	if err != nil {
		tb.Fatal(err)
	}
	w := bufio.NewWriter(f)
	fmt.Fprintln(w, `"UserPrincipalName","DisplayName","UsageLocation","Department"`)
	for i := range n {
		fmt.Fprintf(w, `"user%07d@contoso.onmicrosoft.com","User Number %d","%s","Department %d"`+"\n", i, i, []string{"FR", "US", "US"}[i%3], i%40)
	}
	if err := w.Flush(); err != nil {
		tb.Fatal(err)
	}
	if err := f.Close(); err != nil {
		tb.Fatal(err)
	}
}

// copyCSV is a program that copies a CSV file with encoding/csv, and brings the copy
// to the disk.
func copyCSV() {
	err := func() error {
		in, err := os.Open(os.Args[1])
		if err != nil {
			return err
		}
		defer in.Close()
		out, err := os.Create(os.Args[2])
		if err != nil {
			return err
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
				return err
			}
			w.Write(record)
		}
		w.Flush()
		return errors.Join(w.Error(), out.Sync())
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
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
	if found := secrets.Find(append(out, errs...)); found != nil {
		tb.Errorf("rollcall %q says a secret: %s", args, found)
	}
	return string(out), string(errs)
}

type writer []byte

func (w *writer) Write(p []byte) (int, error) {
	*w = append(*w, p...)
	return len(p), nil
}

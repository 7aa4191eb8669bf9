package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Calls a second over loopback with ten in a request, next to what they are with
// one: by as many workers, and to the same server, which takes no time for a reply. What
// a request costs is all there is to save then. The program and the server are processes
// of their own.
func BenchmarkBatch(b *testing.B) {
	benchBatch(b, serveInProcess(b, programFor(b)), "x-batch-1(goal>=3)", 100_000, 40, 40)
}

// The same with a server in this process that has little to do, and writes parts in
// another form than the sandbox: members in another order, null, and values of all kinds.
func BenchmarkBatchOtherForm(b *testing.B) {
	const object = `{"DisplayName":"Ada","PopEnabled@data.type":"System.Boolean","PopEnabled":%t,"ServerName":null,"Quota":35,"EmailAddresses":["SMTP:ada@example.org"]}`
	var enabled atomic.Bool // as it was set last, for all users
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if bytes.Contains(body, []byte(`"PopEnabled"`)) {
			enabled.Store(!bytes.Contains(body, []byte(`"PopEnabled":false`)))
		}
		reply := fmt.Appendf(nil, `{"value":[`+object+`]}`, enabled.Load())
		if strings.HasSuffix(r.URL.Path, "/$batch") {
			part := `{"body":` + string(reply) + `,"headers":null,"status":200,"id":%d}`
			reply = []byte(`{"error":null,"responses":[`)
			for i := range bytes.Count(body, []byte(`"method":`)) {
				if i > 0 {
					reply = append(reply, ',')
				}
				reply = fmt.Appendf(reply, part, i)
			}
			reply = append(reply, "]}"...)
		}
		w.Header()["Content-Type"] = []string{"application/json"}
		w.Write(reply)
	}))
	b.Cleanup(server.Close)
	benchBatch(b, server.URL, "x-batch-1(goal>=3)", 100_000, 40, 40)
}

// The same with a server that takes 20ms for each request, where the workers
// without batches are as many as there are requests at once with them. Were they
// as many as the calls, there would be nothing to gain but what a request costs.
func BenchmarkBatchLatency(b *testing.B) {
	benchBatch(b, serveInProcess(b, programFor(b), "--latency", "20ms"), "x-batch-1-at-4-requests", 4_000, 40, 4)
}

// programFor returns the name of the built program, in a directory of b's.
func programFor(b *testing.B) string {
	program := filepath.Join(b.TempDir(), "rollcall")
	buildProgram(b, program)
	return program
}

// benchBatch times runs of the program on the tenant at endpoint with --batch 10 and with
// --batch 1, by that many workers each.
func benchBatch(b *testing.B, endpoint, unit string, users, tens, ones int) {
	dir := b.TempDir()
	b.Setenv(tokenVariable, "token-8d2f")
	program, in, enabled := programFor(b), filepath.Join(dir, "users.csv"), true
	apply := func(users, workers, batch int) time.Duration {
		writeRoster(b, in, users)
		enabled = !enabled // so that each set changes something
		cmd := exec.Command(program, "apply", in, "--noun", "CASMailbox", "--set", fmt.Sprint("PopEnabled=", enabled), "-o", filepath.Join(dir, "results.csv"), "--overwrite", "--quiet", "--yes",
			"--tenant", "exchange", "--endpoint", endpoint, "--organization", organization,
			"--workers", strconv.Itoa(workers), "--batch", strconv.Itoa(batch))
		start := time.Now()
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
		return time.Since(start)
	}
	few := users * min(ones, 40) / 40 // what takes about as long
	var with, without time.Duration
	for b.Loop() {
		without += apply(few, ones, 1)
		with += apply(users, tens, 10)
	}
	a := 2 * float64(few*b.N) / without.Seconds()
	z := 2 * float64(users*b.N) / with.Seconds()
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(a, "batch-1-calls/s")
	b.ReportMetric(z, "batch-10-calls/s")
	b.ReportMetric(z/a, unit)
}

// serveInProcess starts a sandbox server in a process of its own and returns its
// address.
func serveInProcess(b *testing.B, program string, args ...string) string {
	b.Helper()
	server := exec.Command(program, append([]string{"sandbox", "serve", "--quiet"}, args...)...)
	stdout, err := server.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := server.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		server.Process.Kill()
		server.Wait()
	})
	endpoint, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(endpoint)
}

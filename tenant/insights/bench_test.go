package insights

import (
	"bytes"
	"context"
	"encoding/base64"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"rollcall/tenant/rest"
)

// latency is how long the server of the benchmarks takes for a reply: 20ms is
// more like the service than nothing.
var latency = flag.Duration("latency", 0, "of the benchmarks' server")

// benchServer answers autodiscover, and every other request with settings.
func benchServer(b *testing.B) *httptest.Server {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		time.Sleep(*latency)
		w.Header()["Content-Type"] = []string{"application/json"}
		if strings.HasPrefix(r.URL.Path, "/autodiscover/") {
			io.WriteString(w, weve)
			return
		}
		io.WriteString(w, settings)
	}))
	b.Cleanup(srv.Close)
	return srv
}

// benchToken is as long as real ones are.
var benchToken = jwt(`{"idtyp":"app","pad":"` + base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte("x"), 700)) + `"}`)

// Run over loopback, to be compared with BenchmarkBare.
func BenchmarkRun(b *testing.B) {
	c := newClient(b, benchServer(b).URL, func(cfg *Config) {
		cfg.Connections = 16
		cfg.Token = func(context.Context, string, string) (string, error) { return benchToken, nil }
	})
	b.ReportAllocs()
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if objects, err := c.Run(b.Context(), get); err != nil || len(objects) != 1 {
				b.Error(objects, err)
			}
		}
	})
}

// What package http takes for the same exchange of bytes.
func BenchmarkBare(b *testing.B) {
	srv := benchServer(b)
	tr := rest.NewTransport(16)
	b.Cleanup(tr.CloseIdleConnections)
	client := &http.Client{Transport: tr}
	b.ReportAllocs()
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, srv.URL+"/weve/api/v1.1/users('ada@example.org')/settings", nil)
			if err != nil {
				b.Error(err)
				return
			}
			r.Header.Set("Authorization", "Bearer "+benchToken)
			r.Header.Set("User-Agent", "bare")
			resp, err := client.Do(r)
			if err != nil {
				b.Error(err)
				return
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
	})
}

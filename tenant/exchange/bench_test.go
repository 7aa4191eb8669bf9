package exchange

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"rollcall/tenant/rest"
)

// benchReply is a Get's, of the size that one of MyAnalyticsFeatureConfig has.
const benchReply = `{"@odata.context":"https://outlook.office365.com/adminapi/beta/x/$metadata#Collection(Exchange.GenericHashTable)","value":[` +
	`{"UserId":"ada@example.org","PrivacyMode":"opt-out","IsDashboardEnabled":true,"IsDashboardEnabled@data.type":"System.Boolean","IsAddInEnabled":true,"IsDigestEmailEnabled":false}]}`

// benchServer answers every request with benchReply.
func benchServer(b *testing.B) *httptest.Server {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header()["Content-Type"] = []string{"application/json"}
		io.WriteString(w, benchReply)
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
	body := appendBody(nil, get)
	b.ReportAllocs()
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, srv.URL, bytes.NewReader(body))
			if err != nil {
				b.Error(err)
				return
			}
			r.Header.Set("Authorization", "Bearer "+benchToken)
			r.Header.Set("Content-Type", "application/json; charset=utf-8")
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

// What Run takes without a network: ours alone.
func BenchmarkRunAlone(b *testing.B) {
	c := newClient(b, "", func(cfg *Config) {
		cfg.Token = func(context.Context, string, string) (string, error) { return benchToken, nil }
		cfg.Transport = fake(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(benchReply))}, nil
		})
	})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Run(b.Context(), get); err != nil {
			b.Fatal(err)
		}
	}
}

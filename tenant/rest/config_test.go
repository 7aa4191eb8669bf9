package rest

import (
	"context"
	"crypto/tls"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A variable that should name a proxy, and does not, is an error, which does not show it.
func TestProxies(t *testing.T) {
	for text, ok := range map[string]bool{
		"": true, "http://proxy:8080": true, "proxy.example.org:8080": true, "socks5://u:p@[::1]:1080": true,
		"http://user:s3cr%zzet@127.0.0.1:1": false, "http://us er:sesame@proxy": false, "http://": false, ":8080": false,
	} {
		err := checkProxies(func(name string) string {
			if name == "https_proxy" {
				return text
			}
			return ""
		})
		if (err == nil) != ok || err != nil && (!strings.Contains(err.Error(), "variable https_proxy is") || strings.Contains(err.Error(), "s3cr") || strings.Contains(err.Error(), "sesame")) {
			t.Errorf("%q: %v", text, err)
		}
	}
	t.Setenv("HTTPS_PROXY", "http://%zz")
	if _, err := New(Config{Organization: org, Token: func(context.Context, string, string) (string, error) { return "", nil }}, nil); err == nil {
		t.Error("New takes it")
	}
}

func TestTransport(t *testing.T) {
	open := func(connections int) *Client {
		c, err := New(Config{Organization: org, Connections: connections, Token: func(context.Context, string, string) (string, error) { return "", nil }}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := open(64)
	tr := c.transport.(*http.Transport)
	if tr.MaxIdleConnsPerHost != 64 || tr.MaxIdleConns != 0 || tr.MaxConnsPerHost != 0 {
		t.Errorf("connections: %d idle to a host, %d idle, %d to a host; want 64, 0, 0", tr.MaxIdleConnsPerHost, tr.MaxIdleConns, tr.MaxConnsPerHost)
	}
	if tr.TLSClientConfig.MinVersion != tls.VersionTLS12 || tr.TLSClientConfig.InsecureSkipVerify || tr.TLSClientConfig.RootCAs != nil {
		t.Error("TLS is not 1.2 at least with the system's roots")
	}
	if !tr.ForceAttemptHTTP2 || tr.HTTP2.SendPingTimeout == 0 || tr.HTTP2.PingTimeout == 0 || tr.HTTP2.StrictMaxConcurrentRequests {
		t.Error("HTTP/2 is not asked for, has no pings, or waits for streams")
	}
	if tr.Proxy == nil {
		t.Error("no proxy from the environment")
	}
	if c.timeout != 2*time.Minute {
		t.Errorf("timeout %v, want 2m", c.timeout)
	}
	if n := open(0).transport.(*http.Transport).MaxIdleConnsPerHost; n != 4 {
		t.Errorf("by default %d idle connections to a host, want 4", n)
	}
}

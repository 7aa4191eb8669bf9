package rest

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// NewTransport returns a transport that keeps enough connections for n calls
// at once.
func NewTransport(n int) *http.Transport {
	dialer := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         dialer.DialContext,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: 15 * time.Second,

		// The standard transport keeps two idle connections to a host, and
		// closes and opens one for almost every call beyond.
		MaxIdleConnsPerHost: n,
		MaxIdleConns:        0, // no limit
		IdleConnTimeout:     90 * time.Second,

		MaxResponseHeaderBytes: 1 << 20,

		// A batch and its reply are then written and read at once, and not in parts.
		WriteBufferSize: 32 << 10,
		ReadBufferSize:  32 << 10,

		// A connection whose other end is gone looks idle until someone asks.
		// Streams are not limited to what the server allows at once: calls
		// beyond wait for ever in some releases of Go.
		ForceAttemptHTTP2: true,
		HTTP2:             &http.HTTP2Config{SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second},
	}
}

// checkProxies returns an error if a variable of the environment that should name a proxy
// does not. Without it net/http would leave out the proxy, or take a wrong one. The error
// does not show the value, which may have a password.
func checkProxies(getenv func(string) string) error {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		text := getenv(name)
		if text == "" {
			continue
		}
		if !strings.Contains(text, "://") {
			text = "http://" + text
		}
		if u, err := url.Parse(text); err != nil || u.Hostname() == "" {
			return fmt.Errorf("the environment variable %s is not the URL of a proxy: want one such as http://proxy.example.org:8080", name)
		}
	}
	return nil
}

package rest

import (
	"crypto/tls"
	"net"
	"net/http"
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

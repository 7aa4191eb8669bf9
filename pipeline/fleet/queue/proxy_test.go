package queue

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// A proxy is between a client and a server.
type proxy struct {
	addr string
	deaf atomic.Bool // what the server says is dropped, until the connection is cut

	mu    sync.Mutex
	conns []net.Conn
}

func newProxy(t *testing.T, server string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	p := &proxy{addr: l.Addr().String()}
	t.Cleanup(func() { l.Close(); p.cut() })
	go func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("tcp", server)
			if err != nil {
				from.Close()
				continue
			}
			p.mu.Lock()
			p.conns = append(p.conns, from, to)
			p.mu.Unlock()
			go p.copy(to, from, new(atomic.Bool))
			go p.copy(from, to, &p.deaf)
		}
	}()
	return p
}

// copy passes on what comes, unless it is not to be heard.
func (p *proxy) copy(to, from net.Conn, deaf *atomic.Bool) {
	defer to.Close()
	b := make([]byte, 64<<10)
	for {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		if deaf.Load() {
			continue
		}
		if _, err := to.Write(b[:n]); err != nil {
			return
		}
	}
}

// cut ends all connections, and with them deafness.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
	p.conns = nil
	p.deaf.Store(false)
}

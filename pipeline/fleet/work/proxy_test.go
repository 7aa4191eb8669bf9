package work

import (
	"net"
	"sync"
	"testing"
)

// A proxy is the way to a server, which can be cut: nothing passes any more, and nobody
// is told.
type proxy struct {
	l      net.Listener
	mu     sync.Mutex
	healed sync.Cond
	isCut  bool
	conns  []net.Conn
}

func newProxy(t *testing.T, to string) *proxy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	p := &proxy{l: l}
	p.healed.L = &p.mu
	go func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			go p.join(from, to)
		}
	}()
	t.Cleanup(func() { l.Close(); p.heal(); p.drop() })
	return p
}

func (p *proxy) address() string { return p.l.Addr().String() }

func (p *proxy) join(from net.Conn, to string) {
	p.wait()
	there, err := net.Dial("tcp", to)
	if err != nil {
		from.Close()
		return
	}
	p.mu.Lock()
	p.conns = append(p.conns, from, there)
	p.mu.Unlock()
	go p.copy(there, from)
	p.copy(from, there)
}

func (p *proxy) copy(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		p.wait()
		if n > 0 {
			if _, err := to.Write(b[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// wait returns when the way is not cut.
func (p *proxy) wait() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.isCut {
		p.healed.Wait()
	}
}

func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.isCut = true
}

func (p *proxy) heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.isCut = false
	p.healed.Broadcast()
}

func (p *proxy) drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
}

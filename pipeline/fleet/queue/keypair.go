package queue

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"

	"rollcall/tenant/disk"
)

// A keyPair is a certificate with its key. It reads them again when a file has changed, so
// that nothing has to be restarted when a certificate is renewed. It is safe for use by
// several goroutines at once.
type keyPair struct {
	cert, key string // files

	mu      sync.Mutex
	pair    *tls.Certificate
	written [2]time.Time // the files that pair was read from
}

// get returns the pair for a new connection. A pair that can't be read, as one that is
// being replaced, is not used: the one before it is.
func (p *keyPair) get() *tls.Certificate {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.times() != p.written {
		p.read()
	}
	return p.pair
}

// read reads the pair. It leaves p as it was if that fails.
func (p *keyPair) read() error {
	written := p.times()
	cert, err := os.ReadFile(p.cert)
	if err != nil {
		return fmt.Errorf("read the certificate %q: %w", p.cert, disk.Cause(err))
	}
	key, err := os.ReadFile(p.key)
	if err != nil {
		return fmt.Errorf("read the key %q: %w", p.key, disk.Cause(err))
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return fmt.Errorf("certificate %q and key %q: %w", p.cert, p.key, err)
	}
	p.pair, p.written = &pair, written
	return nil
}

// times returns when the files were written, or a zero time for one that can't be looked at.
func (p *keyPair) times() (written [2]time.Time) {
	for i, name := range []string{p.cert, p.key} {
		if info, err := os.Stat(name); err == nil {
			written[i] = info.ModTime()
		}
	}
	return written
}

package powershell

import (
	"errors"
	"time"
)

// leastStepTimeout is how long each step of a start may take at least, if a cmdlet may.
const leastStepTimeout = 30 * time.Second

// stepTimeout returns how long each step of a start may take after so many starts in a row
// that hung: as long as a cmdlet and, of the first one, half of that. One that hangs is given
// up so early that it can be tried again within the time of signing in, and one that is slow
// gets there.
func (t *Tenant) stepTimeout(hung int) time.Duration {
	if hung > 0 {
		return t.cfg.Timeout
	}
	return min(t.cfg.Timeout, max(leastStepTimeout, t.cfg.Timeout/2))
}

// hungStarts returns how many starts in a row hung.
func (t *Tenant) hungStarts() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.hung
}

// noteStart notes that a start ended with err, or nil, before which so many in a row hung.
func (t *Tenant) noteStart(hung int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil {
		t.hung = 0
	} else if e, ok := errors.AsType[*endedError](err); ok && e.late {
		t.hung = max(t.hung, hung+1)
	}
}

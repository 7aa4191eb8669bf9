package powershell

import (
	"errors"
	"time"
)

// firstStepTimeout is how long each step of a start may take: one that hangs is given up
// early enough to be tried again within the time of signing in. See [Tenant.stepTimeout].
const firstStepTimeout = 30 * time.Second

// stepTimeout returns how long each step of a start may take after so many starts in a row
// that hung: each may take twice as long as the one before, for the machine may be slow, and
// none longer than a cmdlet.
func (t *Tenant) stepTimeout(hung int) time.Duration {
	return min(t.cfg.Timeout, firstStepTimeout<<min(hung, 8))
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

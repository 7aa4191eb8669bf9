package pipeline

import "sync/atomic"

// A mailbox passes tasks to one goroutine from others, many at a time if there
// are many, which costs a fraction of what a channel does.
type mailbox struct {
	last  atomic.Pointer[task] // put last, and behind it by next those put before
	ready chan struct{}        // has a token when there may be tasks; closed when there will be none
}

func newMailbox() *mailbox { return &mailbox{ready: make(chan struct{}, 1)} }

// put adds t. It never blocks.
func (m *mailbox) put(t *task) { m.putAll(t, t) }

// putAll adds the tasks from last to first, which are linked by next already.
func (m *mailbox) putAll(last, first *task) {
	for {
		was := m.last.Load()
		first.next = was
		if m.last.CompareAndSwap(was, last) {
			if was == nil {
				select {
				case m.ready <- struct{}{}:
				default:
				}
			}
			return
		}
	}
}

// take empties the mailbox, and returns what was put last, with the others
// behind it. It is for the one goroutine that receives from ready.
func (m *mailbox) take() *task { return m.last.Swap(nil) }

package pipeline

import "sync/atomic"

// A mailbox passes tasks from many goroutines to one, several at a time. It costs a
// fraction of a channel.
type mailbox struct {
	last  atomic.Pointer[task] // the last one put, linked by next to those before it
	ready chan struct{}        // has a token when there may be tasks; closed when there will be no more
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

// take empties the mailbox and returns the last task put, linked to the others. Only the
// goroutine that receives from ready may call it.
func (m *mailbox) take() *task { return m.last.Swap(nil) }

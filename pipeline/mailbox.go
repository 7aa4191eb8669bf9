package pipeline

import "sync"

// A mailbox passes tasks to one goroutine from others, many at a time if there
// are many. A channel would cost several times as much.
type mailbox struct {
	ready chan struct{} // has a token when there may be tasks; closed when there will be none

	mu    sync.Mutex
	tasks []*task
}

func newMailbox() *mailbox { return &mailbox{ready: make(chan struct{}, 1)} }

// put never blocks.
func (m *mailbox) put(tasks ...*task) {
	m.mu.Lock()
	m.tasks = append(m.tasks, tasks...)
	m.mu.Unlock()
	select {
	case m.ready <- struct{}{}:
	default:
	}
}

// take returns all tasks that there are, in the array of spare or another; spare
// is m's from then on. It is for the one goroutine that receives from ready.
func (m *mailbox) take(spare []*task) []*task {
	m.mu.Lock()
	defer m.mu.Unlock()
	tasks := m.tasks
	m.tasks = spare[:0]
	return tasks
}

package powershell

import (
	"bytes"
	"slices"
	"strings"
	"sync"
)

// A tail keeps the first and the last lines of a stream that are not blank: when .NET
// crashes it writes the cause first, and then a long stack trace.
type tail struct {
	mu    sync.Mutex
	first []string
	last  []string
	more  bool // there were lines between
}

// tailLines is how many lines are kept of either end.
const tailLines = 4

func (t *tail) add(line []byte) {
	line = bytes.TrimSpace(line)
	if len(line) == 0 || bytes.HasPrefix(line, []byte("#< CLIXML")) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.first) < tailLines {
		t.first = append(t.first, string(line))
		return
	}
	if len(t.last) == tailLines {
		t.last, t.more = t.last[1:], true
	}
	t.last = append(t.last, string(line))
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := slices.Clone(t.first)
	if t.more {
		lines = append(lines, "[...]")
	}
	return strings.Join(append(lines, t.last...), "\n")
}

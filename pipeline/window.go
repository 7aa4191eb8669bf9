package pipeline

// Window is how many rows may be begun and not yet recorded, and windowBytes is about
// how many bytes their cells may have. A slow row delays only the results file until
// one of these is reached; then it delays the other rows, too.
const (
	Window      = 4096
	windowBytes = 8 << 20
)

// A window is the tasks of the rows that are begun and not yet recorded. Recorded tasks
// are used again before new ones are made. Only the reader uses it.
type window struct {
	free  *mailbox // recorded tasks
	spare *task    // taken from free, linked by next to others
	tasks int
	bytes int // size of the cells of all tasks
}

// next returns a task to fill. If there is none and wait reports false, it returns nil and
// wait's error.
func (w *window) next(wait func(<-chan struct{}) (bool, error)) (*task, error) {
	for {
		if w.spare == nil {
			w.spare = w.free.take()
		}
		switch t := w.spare; {
		case t != nil && w.bytes > windowBytes: // there are too many, or it is large
			w.spare = t.next
			w.tasks--
			w.bytes -= t.bytes
		case t != nil:
			w.spare = t.next
			return t, nil
		case w.tasks < Window && w.bytes <= windowBytes:
			w.tasks++
			return new(task), nil
		default:
			if ok, err := wait(w.free.ready); !ok {
				return nil, err
			}
		}
	}
}

// filled notes that a new row was read into t.
func (w *window) filled(t *task) {
	w.bytes -= t.bytes
	t.bytes = 0
	for _, cell := range t.Row.Cells {
		t.bytes += len(cell) + 16 // with its string header
	}
	w.bytes += t.bytes
}

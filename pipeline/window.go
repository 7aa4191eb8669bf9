package pipeline

// Window is how many rows may be begun and not yet recorded, and windowBytes about
// how much their cells may have. A slow row holds back the file by that much before
// it holds back the work.
const (
	Window      = 4096
	windowBytes = 8 << 20
)

// A window is the tasks of the rows that are begun and not yet recorded. There are
// no more of them than it takes: those that are recorded are used again, while they
// are still in a cache. It is the reader's.
type window struct {
	free  *mailbox // tasks that are recorded
	spare *task    // taken from there, and behind it by next others
	tasks int
	bytes int // of the cells that they had last
}

// next returns a task to fill, or nil if wait does not wait until there is one: then
// it returns what wait returned.
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

// filled tells w that there is another row in t.
func (w *window) filled(t *task) {
	w.bytes -= t.bytes
	t.bytes = 0
	for _, cell := range t.Row.Cells {
		t.bytes += len(cell) + 16 // and what points to it
	}
	w.bytes += t.bytes
}

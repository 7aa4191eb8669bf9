package powershell

import (
	"bufio"
	"bytes"
	"io"
	"iter"
)

// What is kept of a line. An object of Exchange has some hundred properties;
// other output is for a person to read.
const (
	maxReply = 8 << 20
	maxOther = 4 << 10
)

// A line is one that a process wrote, without its line break.
type line struct {
	marked bool   // it began with the mark, which text is without
	cut    bool   // it was longer than what is kept
	text   []byte // valid until the next line
}

// readLines yields the lines of r until it fails. Lines that begin with mark,
// unless that is nil, may be long; what is too long is read and dropped, so
// that a stream without a newline takes time but no memory. A last line without
// an end is one if it is not marked.
func readLines(r io.Reader, mark []byte) iter.Seq[line] {
	return func(yield func(line) bool) {
		b := bufio.NewReaderSize(r, max(maxOther, 2*len(mark)))
		var kept []byte
		for {
			l := line{}
			kept = kept[:0]
			for first := true; ; first = false {
				part, err := b.ReadSlice('\n')
				if first && mark != nil && bytes.HasPrefix(part, mark) {
					l.marked = true
					part = part[len(mark):]
				}
				limit := maxOther
				if l.marked {
					limit = maxReply
				}
				if room := limit - len(kept); len(part) > room {
					part, l.cut = part[:room], true
				}
				kept = append(kept, part...)
				if err == bufio.ErrBufferFull {
					continue
				}
				l.text = bytes.TrimRight(kept, "\r\n")
				if err == nil || len(kept) > 0 && !l.marked {
					if !yield(l) {
						return
					}
				}
				if err != nil {
					return
				}
				break
			}
			if cap(kept) > 64<<10 {
				kept = nil // one long reply is no reason to hold on to its room
			}
		}
	}
}

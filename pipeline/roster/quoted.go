package roster

import (
	"bytes"
	"fmt"
)

// cutQuoted is cut for a record that may have quotes around cells.
func (r *records) cutQuoted() bool {
	r.cells, r.dirty = r.cells[:0], r.dirty[:0]
	b := r.buf[:r.end]
	i := r.pos
	for {
		start, stop := i, 0
		if open := r.skipBlanks(i); open < r.end && b[open] == '"' {
			closed, inside, ok := r.closing(open)
			if !ok {
				return false
			}
			stop = r.cellEnd(closed + 1)
			c := span{open + 1 - r.pos, closed - r.pos}
			if inside || stop > closed+1 && r.skipBlanks(closed+1) < stop {
				r.dirty = append(r.dirty, len(r.cells))
				c.end = stop - r.pos
			}
			r.cells = append(r.cells, c)
		} else {
			stop = r.cellEnd(i)
			r.cells = append(r.cells, span{start - r.pos, stop - r.pos})
		}
		if stop < r.end && b[stop] == r.delimiter {
			i = stop + 1
			continue
		}
		size, ok := r.lineEnd(stop)
		if !ok {
			return false
		}
		lines := 1
		if min(r.lf, r.cr) < stop && !r.src.rows {
			lines += lineEnds(b[r.pos:stop])
		}
		r.take(stop, size, lines)
		r.edited = r.edited || len(r.dirty) > 0
		for _, i := range r.dirty {
			r.cells[i].end = r.cells[i].start + unquote(r.data[r.cells[i].start:r.cells[i].end])
		}
		return true
	}
}

// closing returns the position of the quote that closes the one at open, and whether there are
// escaped quotes between them. ok is false if buf has no closing quote. A quote at the end
// of buf may turn out to be an escaped one when more is read.
func (r *records) closing(open int) (at int, inside, ok bool) {
	b := r.buf[:r.end]
	for at = open + 1; ; at += 2 {
		n := bytes.IndexByte(b[at:], '"')
		if n < 0 {
			return 0, inside, false
		}
		if at += n; at+1 == len(b) || b[at+1] != '"' {
			return at, inside, true
		}
		inside = true
	}
}

// cellEnd returns the position of the next delimiter or line end from i on, or end.
func (r *records) cellEnd(i int) int {
	for ; i < r.end; i++ {
		if c := r.buf[i]; c == r.delimiter || c == '\n' || c == '\r' {
			break
		}
	}
	return i
}

// skipBlanks returns the position of the next byte from i on that is not a blank.
func (r *records) skipBlanks(i int) int {
	for i < r.end && (r.buf[i] == ' ' || r.buf[i] == '\t') && r.buf[i] != r.delimiter {
		i++
	}
	return i
}

// unquote replaces b, a cell without its opening quote, by the text that it stands for, and
// returns the length of that.
func unquote(b []byte) int {
	n := 0
	for i := 0; i < len(b); i++ {
		if b[i] == '"' {
			if i++; i == len(b) || b[i] != '"' {
				// The one that closes. Blanks behind it are nothing.
				if rest := b[i:]; len(bytes.Trim(rest, " \t")) > 0 {
					n += copy(b[n:], rest)
				}
				return n
			}
		}
		b[n] = b[i]
		n++
	}
	return n
}

// lineEnds returns how many line ends b has.
func lineEnds(b []byte) int {
	return bytes.Count(b, []byte{'\n'}) + bytes.Count(b, []byte{'\r'}) - bytes.Count(b, []byte("\r\n"))
}

// unclosed returns the error for a record that doesn't end where it should,
// which is that of the quote that was opened, if one was.
func (r *records) unclosed(how string) error {
	i := r.pos
	for {
		open := r.skipBlanks(i)
		if open < r.end && r.buf[open] == '"' {
			closed, _, ok := r.closing(open)
			if !ok {
				line, column := place(r.buf[r.pos:open], r.line, 1)
				return &Error{r.src.name, line, column, fmt.Errorf("a quote is opened here and %s: close it, or take it out", how)}
			}
			open = closed + 1
		}
		i = r.cellEnd(open)
		if i == r.end || r.buf[i] != r.delimiter {
			return &Error{r.src.name, r.line, 0, fmt.Errorf("a record of more than %d KiB: this is not a CSV file of users", maxRecord>>10)}
		}
		i++
	}
}

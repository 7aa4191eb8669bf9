package roster

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
)

const (
	readAhead = 128 << 10 // bytes read at a time
	maxRecord = 1 << 20   // bytes that a record may have, quotes, delimiters and line end included
)

// A span is a part of a record.
type span struct{ start, end int }

// records cuts a source into records, as Import-Csv does. LF, CRLF and CR end a record. A
// cell that begins with a quote, or with blanks and a quote, ends at the closing quote, and
// "" in it stands for a quote; text after the closing quote is appended. Any other quote
// is an ordinary character.
//
// Unlike encoding/csv it does not change the bytes of a cell, line ends included, and CR
// alone is a line end.
type records struct {
	src       *source
	delimiter byte
	ahead     int  // bytes to read at a time
	unchecked bool // don't check whether src has changed: another reader does

	buf      []byte
	pos, end int   // buf[pos:end] is not cut yet
	base     int64 // offset in src of buf[0]
	eof      bool  // src has nothing after buf[:end]
	line     int   // line at pos

	// Positions in buf of the next LF, CR and quote from pos on: end if there is none,
	// less than pos if it is not known.
	lf, cr, quote int

	// The record read last. It is valid until the next one is read.
	data   []byte // the record as in the file, except for cells with a quote inside
	cells  []span // its cells in data
	start  int    // line on which it starts
	offset int64  // where it starts in src
	dirty  []int  // scratch: cells that have a quote inside
	edited bool   // buf was changed for such a cell, and differs from src
}

// newRecords returns the records of src from the beginning.
func newRecords(src *source, delimiter byte, ahead int) *records {
	r := &records{src: src, delimiter: delimiter, ahead: ahead}
	r.seek(src.start, 1)
	return r
}

// seek goes to an offset where a record starts. line is the line there.
func (r *records) seek(offset int64, line int) {
	r.line = line
	r.lf, r.cr, r.quote = -1, -1, -1
	if at := offset - r.base; !r.edited && 0 <= at && at < int64(r.end) {
		r.pos = int(at)
		return
	}
	r.base, r.eof, r.edited = offset, false, false
	r.pos, r.end = 0, 0
}

// at returns the offset of the next record.
func (r *records) at() int64 { return r.base + int64(r.pos) }

// next reads the next record, and returns io.EOF if there is none.
func (r *records) next() error {
	for {
		if r.cut() {
			return nil
		}
		if r.eof {
			if r.pos == r.end {
				return io.EOF
			}
			return r.unclosed("not closed")
		}
		if err := r.more(); err != nil {
			return err
		}
	}
}

// cut reads the record that starts at pos, and reports whether buf has all of it.
func (r *records) cut() bool {
	if r.pos == r.end {
		return false
	}
	r.findLineEnd()
	stop := min(r.lf, r.cr)
	if r.quote < r.pos {
		r.quote = r.find('"')
	}
	if r.quote < stop {
		return r.cutQuoted()
	}
	size, ok := r.lineEnd(stop)
	if !ok {
		return false
	}
	b := r.buf[r.pos:stop]
	r.cells = r.cells[:0]
	start := 0
	for {
		i := bytes.IndexByte(b[start:], r.delimiter)
		if i < 0 {
			break
		}
		r.cells = append(r.cells, span{start, start + i})
		start += i + 1
	}
	r.cells = append(r.cells, span{start, len(b)})
	r.take(stop, size, 1)
	return true
}

// findLineEnd sets lf and cr for pos.
func (r *records) findLineEnd() {
	if r.lf < r.pos {
		r.lf = r.find('\n')
	}
	if r.cr < r.pos {
		r.cr = r.find('\r')
	}
}

// find returns the position in buf of the next c from pos on, or end.
func (r *records) find(c byte) int {
	if i := bytes.IndexByte(r.buf[r.pos:r.end], c); i >= 0 {
		return r.pos + i
	}
	return r.end
}

// lineEnd returns the length of the line end at i, which is 0 at the end of the file. ok is
// false if buf has too little to tell.
func (r *records) lineEnd(i int) (size int, ok bool) {
	switch {
	case i == r.end:
		return 0, r.eof
	case r.buf[i] == '\n':
		return 1, true
	case i+1 < r.end:
		if r.buf[i+1] == '\n' {
			return 2, true
		}
		return 1, true
	}
	return 1, r.eof
}

// take makes buf[pos:stop] the record read last, and goes to the byte after its line end.
func (r *records) take(stop, lineEnd, lines int) {
	r.data = r.buf[r.pos:stop]
	r.offset = r.at()
	r.start = r.line
	r.pos = stop + lineEnd
	r.line += lines
}

// rawLine returns the line at pos, without its line end, and its length with the line end.
// It returns io.EOF if there is none.
func (r *records) rawLine() (line []byte, size int, err error) {
	for {
		if r.pos < r.end {
			r.findLineEnd()
			stop := min(r.lf, r.cr)
			if size, ok := r.lineEnd(stop); ok {
				return r.buf[r.pos:stop], stop + size - r.pos, nil
			}
		} else if r.eof {
			return nil, 0, io.EOF
		}
		if err := r.more(); err != nil {
			return nil, 0, err
		}
	}
}

// skip skips a line that rawLine returned.
func (r *records) skip(size int) {
	r.pos += size
	r.line++
}

// more reads more of src into buf, or sets eof.
func (r *records) more() error {
	if r.end-r.pos >= maxRecord {
		return r.unclosed(fmt.Sprintf("not closed within %d KiB", maxRecord>>10))
	}
	if r.line >= math.MaxUint32-maxRecord {
		return &Error{r.src.name, r.line, 0, errors.New("more lines than rollcall can count")}
	}
	r.end = copy(r.buf, r.buf[r.pos:r.end])
	r.base += int64(r.pos)
	r.pos = 0
	r.lf, r.cr, r.quote = -1, -1, -1

	left := r.src.size - r.base - int64(r.end)
	if r.end == len(r.buf) && left > 0 {
		size := max(r.ahead, 2*len(r.buf))
		size = int(min(int64(size), int64(r.end)+left, maxRecord))
		r.buf = append(make([]byte, 0, size), r.buf...)[:size]
	}
	n := int(min(int64(len(r.buf)-r.end), left))
	if err := r.src.readAt(r.buf[r.end:r.end+n], r.base+int64(r.end)); err != nil {
		return err
	}
	if !r.unchecked {
		if err := r.src.changed(); err != nil {
			return err
		}
	}
	r.end += n
	r.eof = int64(n) == left
	return nil
}

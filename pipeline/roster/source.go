package roster

import (
	"errors"
	"io"
	"os"
	"time"
	"unicode/utf8"
)

// A source is a file that is held open, read at any offset, as often as need
// be, by several at once.
type source struct {
	name    string    // what to call it
	file    *os.File  // the file itself, or a temporary one
	temp    string    // the temporary file to remove, or ""
	private bool      // no other process can write to it
	rows    bool      // a record is one line, whatever line ends its cells have
	written time.Time // when it was last, before it was opened
	length  int64     // its size when it was opened

	start int64 // where the text begins, behind a byte order mark
	size  int64 // where it ends
	bom   bool  // it begins with a byte order mark
}

// newSource opens the file called name, or spools stdin if name is "-", or what
// the file has if it is a pipe.
func newSource(name string, stdin io.Reader) (*source, error) {
	if name == "-" {
		return spool("standard input", stdin)
	}
	fail := func(err error) (*source, error) { return nil, &Error{Name: name, Err: cause(err)} }
	f, err := os.Open(name)
	if err != nil {
		return fail(err)
	}
	info, err := f.Stat()
	switch {
	case err != nil:
		f.Close()
		return fail(err)
	case info.IsDir():
		f.Close()
		return fail(errors.New("is a folder, not a CSV file"))
	case !info.Mode().IsRegular():
		defer f.Close()
		return spool(name, f)
	}
	return &source{name: name, file: f, written: info.ModTime(), length: info.Size(), size: info.Size()}, nil
}

// close closes s, and removes the file if it is a temporary one.
func (s *source) close() error {
	err := s.file.Close()
	if s.temp != "" {
		err = errors.Join(err, os.Remove(s.temp))
	}
	return err
}

// readAt reads all of b at an offset.
func (s *source) readAt(b []byte, offset int64) error {
	if _, err := s.file.ReadAt(b, offset); err != nil && len(b) > 0 {
		if changed := s.changed(); changed != nil {
			return changed
		}
		return &Error{Name: s.name, Err: cause(err)}
	}
	return nil
}

// changed returns an error if the file has been written into since it was opened.
func (s *source) changed() error {
	if s.private {
		return nil
	}
	info, err := s.file.Stat()
	if err != nil {
		return &Error{Name: s.name, Err: cause(err)}
	}
	if info.Size() != s.length || !info.ModTime().Equal(s.written) {
		return &Error{Name: s.name, Err: errors.New("changed while it was being read: run again when nothing writes into it")}
	}
	return nil
}

// reader returns the text of s as a stream.
func (s *source) reader() io.Reader {
	return &sourceReader{s, s.start}
}

type sourceReader struct {
	s  *source
	at int64
}

func (r *sourceReader) Read(b []byte) (int, error) {
	n := int(min(int64(len(b)), r.s.size-r.at))
	if n == 0 {
		return 0, io.EOF
	}
	if err := r.s.readAt(b[:n], r.at); err != nil {
		return 0, err
	}
	r.at += int64(n)
	return n, r.s.changed()
}

// trimEnd drops what DOS put at the end of a text file.
func (s *source) trimEnd() error {
	const ctrlZ = 0x1A
	var b [1]byte
	for s.size > s.start {
		if err := s.readAt(b[:], s.size-1); err != nil {
			return err
		}
		if b[0] != ctrlZ {
			break
		}
		s.size--
	}
	return nil
}

// errorAt returns an Error about the character at an offset of s.
func (s *source) errorAt(offset int64, err error) error {
	line, column := s.place(offset)
	return &Error{s.name, line, column, err}
}

// place returns the line and column of an offset, or 0 if s can't be read.
func (s *source) place(offset int64) (line, column int) {
	line, column = 1, 1
	b := make([]byte, readAhead)
	for at := s.start; at < offset; {
		b = b[:min(int64(len(b)), offset-at)]
		if s.readAt(b, at) != nil {
			return 0, 0
		}
		at += int64(len(b))
		if at < offset && b[len(b)-1] == '\r' && len(b) > 1 { // its LF belongs to it
			b = b[:len(b)-1]
			at--
		}
		line, column = place(b, line, column)
		b = b[:cap(b)]
	}
	return line, column
}

// place returns the line and column of what comes after b, of which the first
// byte is at line and column.
func place(b []byte, line, column int) (int, int) {
	for i, c := range b {
		switch {
		case c == '\n', c == '\r' && (i+1 == len(b) || b[i+1] != '\n'):
			line, column = line+1, 1
		case c != '\r' && utf8.RuneStart(c):
			column++
		}
	}
	return line, column
}

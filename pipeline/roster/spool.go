package roster

import (
	"bufio"
	"io"
	"os"
)

// spool copies in to a temporary file, and returns that as a source.
func spool(name string, in io.Reader) (*source, error) {
	return fillTemp(name, func(w *bufio.Writer) error {
		if in == nil {
			return nil
		}
		_, err := w.ReadFrom(in)
		return err
	})
}

// fillTemp returns a source called name, in a temporary file that write fills. Only the
// user who runs rollcall may read the file. It is removed at once if the file system allows
// that for an open file, so that even a kill does not leave it behind.
func fillTemp(name string, write func(*bufio.Writer) error) (*source, error) {
	f, err := os.CreateTemp("", "rollcall-*.csv")
	if err != nil {
		return nil, &Error{Name: name, Err: err}
	}
	s := &source{name: name, file: f, private: true}
	if os.Remove(f.Name()) != nil {
		s.temp = f.Name()
	}
	w := bufio.NewWriterSize(f, readAhead)
	err = write(w)
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		s.size, err = f.Seek(0, io.SeekCurrent)
	}
	if err != nil {
		s.close()
		if _, ok := err.(*Error); !ok {
			err = &Error{Name: name, Err: err}
		}
		return nil, err
	}
	return s, nil
}

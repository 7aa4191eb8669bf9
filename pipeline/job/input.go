package job

import (
	"bufio"
	"errors"
	"io"
	"os"
	"strings"

	"rollcall/pipeline/results"
)

// An input is where a roster comes from. What can be read but once, a pipe or
// standard input, is held open, and to read from it ends when the job is to end; a
// file is opened by whoever reads it.
type input struct {
	title string        // what it is called
	once  *bufio.Reader // nil for a file
}

// openInput opens the roster as far as it takes to say what it is: any CSV file, or
// a results file.
func (j *job) openInput() error {
	j.input = &input{title: j.Roster}
	if j.Roster == "-" {
		j.input.title = "standard input"
		j.input.once = j.reader(j.Stdin)
		return j.readSource()
	}
	info, err := os.Stat(j.Roster)
	if err != nil || info.Mode().IsRegular() || info.IsDir() {
		return j.readSource() // whoever reads the file says what is wrong
	}
	var f *os.File
	// To open a pipe waits for who writes to it.
	err = j.interruptible(func() (err error) {
		f, err = os.Open(j.Roster)
		return err
	})
	if err != nil {
		return err
	}
	j.onEnd(func() { f.Close() })
	j.input.once = j.reader(f)
	return j.readSource()
}

func (j *job) reader(in io.Reader) *bufio.Reader {
	return bufio.NewReaderSize(stoppable{in, j}, 64<<10)
}

// stoppable reads from in until the job is to end.
type stoppable struct {
	in io.Reader
	j  *job
}

func (s stoppable) Read(b []byte) (n int, err error) {
	buf := make([]byte, len(b)) // for a Read that goes on when nobody waits for it any more
	if werr := s.j.interruptible(func() error { n, err = s.in.Read(buf); return nil }); werr != nil {
		return 0, werr
	}
	return copy(b, buf[:n]), err
}

// readSource looks at the first line of the roster, and at what stands beside it if
// that is of a results file.
func (j *job) readSource() error {
	if j.input.once != nil {
		first, _ := j.input.once.Peek(j.input.once.Size())
		j.Source = results.NewSource(strings.NewReader(string(first)))
		return nil
	}
	f, err := os.Open(j.Roster)
	if errors.Is(err, os.ErrNotExist) {
		if _, err := results.ReadPast(j.Roster); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err // its journal is there
		}
	}
	if err != nil {
		return nil // whoever opens the roster says why
	}
	defer f.Close()
	if j.Source = results.NewSource(f); j.Source != nil {
		j.Source.Past, err = results.ReadPast(j.Roster)
	}
	return err
}

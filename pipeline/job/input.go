package job

import (
	"bufio"
	"errors"
	"io"
	"os"
	"strings"

	"rollcall/pipeline/lock"
	"rollcall/pipeline/results"
)

// An input is where a roster comes from. A pipe or standard input can be read only once:
// it is kept open, and a read from it returns when the job has to end. A file is opened
// each time it is read.
type input struct {
	title string        // name for messages
	once  *bufio.Reader // nil for a file
}

// openInput opens the roster, and finds out whether it is a results file.
func (j *job) openInput() error {
	j.input = &input{title: j.Roster}
	if j.Roster == "-" {
		j.input.title = "standard input"
		j.input.once = j.reader(j.Stdin)
		return j.readSource()
	}
	info, err := os.Stat(j.Roster)
	if err != nil || info.Mode().IsRegular() || info.IsDir() {
		return j.readSource() // the code that reads the file reports errors
	}
	var f *os.File
	// Opening a pipe waits until another process opens it for writing.
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

// stoppable reads from in until the job has to end.
type stoppable struct {
	in io.Reader
	j  *job
}

func (s stoppable) Read(b []byte) (n int, err error) {
	buf := make([]byte, len(b)) // a Read may go on after the job has ended
	if werr := s.j.interruptible(func() error { n, err = s.in.Read(buf); return nil }); werr != nil {
		return 0, werr
	}
	return copy(b, buf[:n]), err
}

// readSource reads the first line of the roster. If it is a results file, it also reads
// its journal and its summary.
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
		return nil // openRoster reports the error
	}
	defer f.Close()
	past, err := results.ReadPast(j.Roster) // of a file with a journal and without a header it is an error
	if j.Source = results.NewSource(f); j.Source != nil {
		j.Source.Past = past
	}
	if past := j.past(); err == nil && past != nil && lock.Results(j.Roster).Held() != nil {
		past.SetRunning()
	}
	return err
}

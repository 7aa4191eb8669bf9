package main

import (
	"bufio"
	"io"
	"os"
)

// An input is where a roster comes from. What can be read but once, a pipe or
// standard input, is held open, and to read from it ends with the first
// interrupt; a file is opened by whoever reads it.
type input struct {
	name string        // as the command line has it
	once *bufio.Reader // nil for a file
	file *os.File      // or nil
}

// openInput opens the roster called name.
func (a *app) openInput(name string, i *interrupts) (*input, error) {
	in := &input{name: name}
	if name == "-" {
		in.once = bufio.NewReaderSize(&stoppable{a.in, i}, 64<<10)
		return in, nil
	}
	info, err := os.Stat(name)
	if err != nil || info.Mode().IsRegular() || info.IsDir() {
		return in, nil // whoever reads the file says what is wrong
	}
	// To open a pipe waits for who writes to it.
	err = i.await(func() (err error) {
		in.file, err = os.Open(name)
		return err
	})
	if err != nil {
		return nil, err
	}
	in.once = bufio.NewReaderSize(&stoppable{in.file, i}, 64<<10)
	return in, nil
}

// title is what the input is called.
func (in *input) title() string {
	if in.name == "-" {
		return "standard input"
	}
	return in.name
}

func (in *input) close() {
	if in.file != nil {
		in.file.Close()
	}
}

// stoppable reads from in until the first interrupt.
type stoppable struct {
	in io.Reader
	i  *interrupts
}

func (s *stoppable) Read(b []byte) (n int, err error) {
	buf := make([]byte, len(b)) // for a Read that goes on when nobody waits for it any more
	if werr := s.i.await(func() error { n, err = s.in.Read(buf); return nil }); werr != nil {
		return 0, werr
	}
	return copy(b, buf[:n]), err
}

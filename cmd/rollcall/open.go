package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"
)

// opener returns the command that opens a file with the program that the system uses for
// such files.
func opener(system, file string) []string {
	switch system {
	case "windows":
		return []string{"rundll32", "url.dll,FileProtocolHandler", file}
	case "darwin":
		return []string{"open", file}
	}
	return []string{"xdg-open", file}
}

// openTimeout is how long openFile waits for the program to fail. A program that runs
// longer shows the file.
const openTimeout = 3 * time.Second

// openFile opens a file in another program, and does not wait until the user closes it.
// The program gets no input and no terminal.
func openFile(name string) error {
	file, err := filepath.Abs(name)
	if err != nil {
		return err
	}
	words := opener(runtime.GOOS, file)
	program, err := exec.LookPath(words[0])
	if err != nil {
		return err
	}
	// The output is dropped: a browser writes messages for as long as it runs.
	c := exec.Command(program, words[1:]...)
	if err := c.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			return fmt.Errorf("%s: %w", words[0], err)
		}
	case <-time.After(openTimeout):
	}
	return nil
}

// writeTemporary writes a report to a temporary file that only this account can read,
// and returns its name.
func writeTemporary(write func(io.Writer) error) (name string, err error) {
	f, err := os.CreateTemp("", "rollcall-report-*.html")
	if err != nil {
		return "", err
	}
	err = write(f)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

//go:build unix

package results

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A write to a pipe whose reader does not read ends with Abort, and says why.
func TestAbortEndsAWriteToAPipe(t *testing.T) {
	name := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Skip(err)
	}
	reader, err := os.OpenFile(name, os.O_RDWR, 0) // which waits for nobody
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	f, err := createOutput(name, false)
	if err == nil {
		err = f.Begin()
	}
	if err != nil {
		t.Fatal(err)
	}
	written := make(chan error)
	go func() {
		_, err := f.Write(make([]byte, 4<<20)) // more than a pipe holds
		written <- err
	}()
	f.Abort()
	if err := <-written; err == nil || !strings.Contains(err.Error(), "no process reads from it") {
		t.Errorf("written: %v", err)
	}
	f.Close()
}

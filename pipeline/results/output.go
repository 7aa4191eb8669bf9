package results

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"time"

	"rollcall/tenant/disk"
)

// ErrLost is the cause of the error of a file that was cut, removed or replaced while it
// was being written: its records are lost.
var ErrLost = errors.New("results are lost")

// An outputFile is a file that is only appended to. It is opened before the run, so that
// errors show early. Its old content is removed by Begin; a new file that never began is
// removed.
//
// It detects changes that others make to it: see [outputFile.Sync].
type outputFile struct {
	f       *os.File
	created bool // the file was not there before
	begun   bool
	device  bool      // a pipe, a terminal or the like: it can't be truncated, synced or removed
	size    int64     // the size that the file must have
	sum     hash.Hash // SHA-256 of the bytes that the file must have
}

// createOutput opens the file called name for writing. Only its owner can read it. If a
// file is there already and not empty, the error is [disk.ErrExists], unless overwrite is
// set. A pipe or a device is opened as it is.
func createOutput(name string, overwrite bool) (*outputFile, error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		return &outputFile{f: f, created: true, sum: sha256.New()}, nil
	}
	if !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("create %s: %w", name, disk.Cause(err))
	}
	// With O_APPEND, if another program cuts the file, later bytes are at its new end,
	// where the loss shows, and not behind a hole.
	if f, err = disk.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0); err != nil {
		return nil, fmt.Errorf("create %s: %w", name, disk.Cause(err))
	}
	info, err := f.Stat()
	if err == nil && info.Mode().IsRegular() && info.Size() > 0 && !overwrite {
		err = disk.ErrExists
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("create %s: %w", name, err)
	}
	return &outputFile{f: f, device: !info.Mode().IsRegular(), sum: sha256.New()}, nil
}

// openOutput opens the existing file called name, to append after its first size bytes.
func openOutput(name string, size int64) (*outputFile, error) {
	f, err := disk.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return nil, err
	}
	file := &outputFile{f: f, size: size, sum: sha256.New()}
	in, err := os.Open(name)
	if err == nil {
		_, err = io.CopyN(file.sum, in, size)
		in.Close()
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return file, nil
}

// Begin cuts the file to the bytes that are kept: none for a new run.
func (f *outputFile) Begin() error {
	f.begun = true
	if f.device {
		return nil
	}
	if err := f.isThere(); err != nil {
		return err
	}
	// By name: Windows can't truncate a file that is open for appending.
	return os.Truncate(f.f.Name(), f.size)
}

// Write writes to the file, which must have begun.
func (f *outputFile) Write(p []byte) (int, error) {
	n, err := f.f.Write(p)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = fmt.Errorf("write %s: no process reads from it", f.f.Name())
	}
	f.size += int64(n)
	f.sum.Write(p[:n])
	return n, err
}

// Abort ends a Write to a pipe that no process reads. Later Writes fail.
func (f *outputFile) Abort() {
	if f.device {
		f.f.SetWriteDeadline(time.Now())
	}
}

// SHA256 returns the SHA-256 of the file, in hexadecimal.
func (f *outputFile) SHA256() string { return hex.EncodeToString(f.sum.Sum(nil)) }

// Sync brings what was written to the disk. The error is [ErrLost] if the file of that
// name is another one, or has another size: then results are lost.
func (f *outputFile) Sync() error {
	if f.device {
		return nil
	}
	if err := f.f.Sync(); err != nil {
		return err
	}
	if err := f.isThere(); err != nil {
		return err
	}
	info, err := f.f.Stat()
	if err == nil && info.Size() != f.size {
		err = fmt.Errorf("write %s: another program changed it: it has %d bytes, want %d: %w", f.f.Name(), info.Size(), f.size, ErrLost)
	}
	return err
}

// isThere returns an error if the name no longer leads to this file.
func (f *outputFile) isThere() error {
	own, err := f.f.Stat()
	if err != nil {
		return err
	}
	if there, err := os.Stat(f.f.Name()); err != nil || !os.SameFile(own, there) {
		return fmt.Errorf("write %s: another program removed or replaced it: %w", f.f.Name(), ErrLost)
	}
	return nil
}

// Close brings the file to the disk and closes it. A new file that never began is removed.
func (f *outputFile) Close() error {
	var err error
	if f.begun {
		err = f.Sync()
	}
	if cerr := f.f.Close(); err == nil {
		err = cerr
	}
	if f.created && !f.begun {
		disk.Remove(f.f.Name())
	}
	return err
}

// createBeside makes a new file called name, beside a results file. If a file of that name
// is there, it is removed: it is left from an earlier run, or it is a link that could make
// rollcall write to another file.
func createBeside(name string) (*os.File, error) {
	const flag = os.O_RDWR | os.O_CREATE | os.O_EXCL
	f, err := os.OpenFile(name, flag, 0o600)
	if !errors.Is(err, fs.ErrExist) {
		return f, err
	}
	if err := disk.Remove(name); err != nil {
		return nil, err
	}
	return os.OpenFile(name, flag, 0o600)
}

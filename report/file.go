package report

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

// ErrLost is in the error of a file that somebody else has cut, removed or
// replaced while it was written: what was in it is lost.
var ErrLost = errors.New("results are lost")

// A File is an output file that only ever grows. It is there from the start, so
// that what stands in the way is known ahead of the run, but what it held goes
// only with Begin, and a file that never began is not left behind.
//
// It notices what others do to it: see [File.Sync].
type File struct {
	f       *os.File
	created bool // by us
	begun   bool
	device  bool      // a pipe, a terminal or such: nothing to truncate, sync or remove
	size    int64     // what it has to be
	sum     hash.Hash // SHA-256 of what it has to have
}

// CreateFile opens the file called name for writing, readable by its owner
// alone. A file that is there already and not empty is [ErrExists], unless
// overwrite says to replace what is in it. Pipes and devices are written to as
// they are.
func CreateFile(name string, overwrite bool) (*File, error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		return &File{f: f, created: true, sum: sha256.New()}, nil
	}
	if !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("create %s: %w", name, disk.Cause(err))
	}
	// What is appended to a file that somebody else has cut lands at its end,
	// where that shows, instead of behind a hole.
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
	return &File{f: f, device: !info.Mode().IsRegular(), sum: sha256.New()}, nil
}

// openFile opens the file called name, which is there, to go on with behind its
// first size bytes.
func openFile(name string, size int64) (*File, error) {
	f, err := disk.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return nil, err
	}
	file := &File{f: f, size: size, sum: sha256.New()}
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

// Begin empties the file, but for what it is to go on with.
func (f *File) Begin() error {
	f.begun = true
	if f.device {
		return nil
	}
	if err := f.isThere(); err != nil {
		return err
	}
	// By name: Windows lets no file be cut that is open for appending.
	return os.Truncate(f.f.Name(), f.size)
}

// Write writes to the file, which must have begun.
func (f *File) Write(p []byte) (int, error) {
	n, err := f.f.Write(p)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = fmt.Errorf("write %s: nobody reads what is written to it", f.f.Name())
	}
	f.size += int64(n)
	f.sum.Write(p[:n])
	return n, err
}

// Abort ends a Write to a pipe that nobody reads. Those that come fail.
func (f *File) Abort() {
	if f.device {
		f.f.SetWriteDeadline(time.Now())
	}
}

// SHA256 returns the SHA-256 of all that the file has, in hexadecimal.
func (f *File) SHA256() string { return hex.EncodeToString(f.sum.Sum(nil)) }

// Sync brings what was written to the disk. It is an error if the file of that
// name is not the one that was written, or not as long: then results are lost.
func (f *File) Sync() error {
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
		err = fmt.Errorf("write %s: it was cut or written to by others meanwhile: it has %d bytes, want %d: %w", f.f.Name(), info.Size(), f.size, ErrLost)
	}
	return err
}

// isThere returns an error unless the file still is what its name stands for.
func (f *File) isThere() error {
	own, err := f.f.Stat()
	if err != nil {
		return err
	}
	if there, err := os.Stat(f.f.Name()); err != nil || !os.SameFile(own, there) {
		return fmt.Errorf("write %s: it was removed or replaced meanwhile: %w", f.f.Name(), ErrLost)
	}
	return nil
}

// Close brings the file to the disk and closes it. One that was made and never
// begun is removed.
func (f *File) Close() error {
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

// createBeside makes a new file called name, of those that stand beside another.
// What is there of that name is removed: a leftover, or a link that somebody made
// for us to write elsewhere.
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

package report

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
)

// ErrExists is what CreateFile returns for a file that holds something.
var ErrExists = errors.New("there is one already")

// A File is an output file that is made when it is needed: it is there from the
// start, so that what stands in the way is known ahead of the run, but what it
// held goes only with the first write, and a file that never was written to is
// not left behind.
type File struct {
	f       *os.File
	created bool // by us
	begun   bool // something was written
	device  bool // a pipe, a terminal or such: nothing to truncate, sync or remove
}

// CreateFile opens the file called name for writing, readable by its owner
// alone. A file that is there already and not empty is [ErrExists], unless
// overwrite says to replace what is in it. Pipes and devices are written to as
// they are.
func CreateFile(name string, overwrite bool) (*File, error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		return &File{f: f, created: true}, nil
	}
	if !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("create %s: %w", name, cause(err))
	}
	if f, err = os.OpenFile(name, os.O_WRONLY, 0); err != nil {
		return nil, fmt.Errorf("create %s: %w", name, cause(err))
	}
	info, err := f.Stat()
	if err == nil && info.Mode().IsRegular() && info.Size() > 0 && !overwrite {
		err = ErrExists
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("create %s: %w", name, err)
	}
	return &File{f: f, device: !info.Mode().IsRegular()}, nil
}

// Write writes to the file, which the first time is emptied.
func (f *File) Write(p []byte) (int, error) {
	if !f.begun && !f.device {
		if err := f.f.Truncate(0); err != nil {
			return 0, err
		}
	}
	f.begun = true
	return f.f.Write(p)
}

// Sync brings what was written to the disk. It is an error if the file is not the
// one of its name any more: what is written to one that was removed is lost.
func (f *File) Sync() error {
	if f.device {
		return nil
	}
	if err := f.f.Sync(); err != nil {
		return err
	}
	own, err := f.f.Stat()
	if err != nil {
		return err
	}
	if there, err := os.Stat(f.f.Name()); err != nil || !os.SameFile(own, there) {
		return fmt.Errorf("write %s: it was removed or replaced meanwhile", f.f.Name())
	}
	return nil
}

// Close brings the file to the disk and closes it. One that was made and never
// written to is removed.
func (f *File) Close() error {
	var err error
	if f.begun {
		err = f.Sync()
	}
	if cerr := f.f.Close(); err == nil {
		err = cerr
	}
	if f.created && !f.begun {
		os.Remove(f.f.Name())
	}
	return err
}

// cause returns err without the operation and the path that package os puts
// ahead of it.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// syncDir makes a change of names in the directory called dir last. Windows has no
// way to do so.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

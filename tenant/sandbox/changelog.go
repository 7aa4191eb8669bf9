package sandbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"rollcall/tenant/disk"
)

// A changeLog is the file FILE.changes, which has the Sets that changed users since FILE was
// written. Each is written to it, by one write, before it is answered: a kill of the process
// loses no answered Set. A power cut may lose the last few, because only Save waits for the
// disk.
//
// [Load] repeats its changes and does not change it. [Tenant.Save] appends a state to it
// before it replaces FILE, and removes it after that: if the process is killed in between,
// the state shows how many of the changes FILE has.
//
// Two processes must not write to one tenant at the same time. If they do, the process that
// finds FILE or the log changed by the other fails its Sets and its Save, and changes neither
// file.
type changeLog struct {
	path   string
	found  os.FileInfo // the file that is there, or nil
	out    *os.File    // nil until something is appended, and after a write that failed
	size   int64       // bytes in its whole lines
	length int64       // all its bytes: more than size if the last line is torn
	count  int         // changes in it
	folded int         // how many of the first changes FILE has already
}

// LogName returns the name of the change log of the tenant's file called name. The log is
// there only from the first change until the next Save.
func LogName(name string) string { return name + ".changes" }

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// read returns what is in the log, or nothing if there is no log.
func (l *changeLog) read() ([]byte, error) {
	for range 10 { // a process that saves may remove it and make a new one
		info, err := lstatRegular(l.path)
		if info == nil || err != nil {
			return nil, err
		}
		b, opened, err := readFile(l.path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if os.SameFile(info, opened) {
			l.found = opened
			l.length = int64(len(b))
			l.size = int64(bytes.LastIndexByte(b, '\n') + 1)
			return b, nil
		}
	}
	return nil, fmt.Errorf("%s was replaced each time it was opened", l.path)
}

// lstatRegular returns the file at path, or nil if there is none. It is an error if it is not
// a regular file, but a symbolic link for example.
func lstatRegular(path string) (os.FileInfo, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file: remove it", path)
	}
	return info, nil
}

// check returns an error if another process has changed the log.
func (l *changeLog) check() error {
	info, err := lstatRegular(l.path)
	switch {
	case err != nil:
		return err
	case info == nil && l.found == nil:
		return nil
	case info == nil:
		return fmt.Errorf("%s was removed by another process", l.path)
	case l.found == nil, !os.SameFile(info, l.found), info.Size() != l.length:
		return fmt.Errorf("%s was written by another process", l.path)
	}
	return nil
}

// open opens the log for appending, or makes it, and drops a torn last line. Call check
// first.
func (l *changeLog) open(perm os.FileMode) error {
	if l.found != nil && l.length > l.size {
		// With a separate file: Windows can't truncate one that is open for appending.
		f, err := l.openFile(os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		err = f.Truncate(l.size)
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return err
		}
		l.length = l.size
	}
	flags := os.O_WRONLY | os.O_APPEND
	if l.found == nil {
		flags |= os.O_CREATE | os.O_EXCL
	}
	f, err := l.openFile(flags, perm)
	if err != nil {
		return err
	}
	l.out = f
	return nil
}

// openFile opens the log, and makes sure that it is the file that was found.
func (l *changeLog) openFile(flags int, perm os.FileMode) (*os.File, error) {
	f, err := os.OpenFile(l.path, flags, perm)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case l.found == nil:
		l.found = info
		err = chmod(f, perm) // whatever the umask
	case !os.SameFile(info, l.found):
		err = fmt.Errorf("%s was replaced by another process", l.path)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// append appends e to the log of f. If it fails, f has not changed, and a later append may
// succeed. The caller holds f.mu.
func (f *file) append(e entry) error {
	l := &f.log
	if err := l.check(); err != nil {
		return err
	}
	if l.out == nil {
		if err := f.check(); err != nil {
			return err
		}
		if err := l.open(f.info.Mode().Perm()); err != nil {
			return err
		}
	}
	var line []byte
	var err error
	if l.size == 0 {
		if line, err = (&entry{File: f.digest}).appendTo(nil); err != nil {
			return err
		}
	}
	if line, err = e.appendTo(line); err != nil {
		return err
	}
	n, err := l.out.Write(line)
	l.length += int64(n)
	if err != nil {
		l.close() // the next open drops the torn line
		return err
	}
	l.size = l.length
	if !e.isState() {
		l.count++
	}
	return nil
}

// remove removes the log. FILE has all its changes.
func (l *changeLog) remove() error {
	if err := l.check(); err != nil {
		return err
	}
	l.close() // Windows removes no open file
	if err := disk.Remove(l.path); err != nil {
		return err
	}
	*l = changeLog{path: l.path}
	return nil
}

func (l *changeLog) close() {
	if l.out != nil {
		l.out.Close()
		l.out = nil
	}
}

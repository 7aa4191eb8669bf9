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

// A changeLog is the file FILE.changes, which has the Sets that changed users
// since FILE was written. Each is in it, by one write, before it is answered, so
// that killing the process loses no answered one; a power cut may lose the last
// few, since only Save waits for the disk.
//
// [Load] makes its changes once more and leaves it as it is. [Tenant.Save] puts
// a state into it ahead of FILE's replacement, and then removes it: whenever the
// process is killed in between, FILE says how many of the changes it has.
//
// Two processes that write to one tenant are kept apart by whoever runs them. If
// they are not, the one that finds FILE or the log to be not as it left them
// fails its Sets and its Save, and changes neither.
type changeLog struct {
	path   string
	found  os.FileInfo // what is there; nil if there is nothing
	out    *os.File    // nil until something is appended, and after a write that failed
	size   int64       // of its whole lines
	length int64       // of all of it: more than size if the last line is torn
	count  int         // changes in it
	folded int         // how many of them, from the first on, FILE has already
}

// LogName returns the name of the change log of the tenant's file called name: of
// the file that has what was changed since that was written. It is there only
// between the first change and the Save that follows.
func LogName(name string) string { return name + ".changes" }

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// read returns what is in the log, or nothing if there is no log.
func (l *changeLog) read() ([]byte, error) {
	for range 10 { // it may be removed, and made anew, by a process that saves
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
	return nil, fmt.Errorf("%s is replaced all the time", l.path)
}

// lstatRegular returns what is called path: nil if nothing is. Anything but a
// regular file, such as a symbolic link, is an error.
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

// check returns an error unless the log is as l left it.
func (l *changeLog) check() error {
	info, err := lstatRegular(l.path)
	switch {
	case err != nil:
		return err
	case info == nil && l.found == nil:
		return nil
	case info == nil:
		return fmt.Errorf("%s was removed by someone else", l.path)
	case l.found == nil, !os.SameFile(info, l.found), info.Size() != l.length:
		return fmt.Errorf("%s was written by someone else", l.path)
	}
	return nil
}

// open opens the log for appending, or makes it, and drops a torn last line. It
// is to have been checked.
func (l *changeLog) open(perm os.FileMode) error {
	if l.found != nil && l.length > l.size {
		// By a file of its own: Windows truncates none that is for appending.
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
		err = fmt.Errorf("%s was replaced by someone else", l.path)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// append appends e to the log of f. If it fails, f has not changed, and a later
// one may succeed. The caller holds f.mu.
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
		l.close() // whoever opens it drops what was written
		return err
	}
	l.size = l.length
	if !e.isState() {
		l.count++
	}
	return nil
}

// remove removes the log, all of whose changes FILE has.
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

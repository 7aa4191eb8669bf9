// Package lock keeps two runs from writing to one results file, or to one tenant,
// at the same time.
//
// What counts is the kernel's lock on an open file. It holds as long as a process
// has that file open, and goes with the last of them however they end. On Unix a
// child can have it open too ([Lock.File]), so that a run that was killed is not
// over before its children are. What is in the file is for people, and decides
// nothing; a file that nobody has locked is no lock.
//
//	File.Acquire ─→ open or create ─→ kernel's lock ─→ is it still that file? ─→ Lock
//	                                      │
//	                                      └ held: what the file says of the holder
//
// A lock file is never removed, so that nobody can hold one that others no longer
// see. Who cleans a temporary directory may remove it all the same: hence the
// question at the end.
package lock

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"
)

const (
	pollEvery   = 200 * time.Millisecond // between two tries for a lock that is held
	updateEvery = 5 * time.Second        // between two updates of what the file says
	maxTries    = 100                    // for a file that others replace meanwhile
)

// A File is a lock file, and what it stands for. The zero File stands for nothing,
// and anyone can have its lock.
type File struct {
	Path   string
	What   string // what people call the thing that is locked
	Shared bool   // every account of the machine may lock it; otherwise only its owner
}

// A Lock keeps others from what a [File] stands for, until Release. It may be used
// by several goroutines at once. The methods of a nil Lock do nothing.
type Lock struct {
	mu      sync.Mutex
	file    *os.File // nil once it is released
	holder  Holder
	updated time.Time
}

// An AccessError says that this account can't open a lock file, or make one.
type AccessError struct {
	Path   string
	Shared bool
	Mode   fs.FileMode // of the file, or 0 if there is none
	Err    error
}

func (e *AccessError) Error() string {
	text := e.Err.Error()
	if e.Mode != 0 && e.Shared {
		text += fmt.Sprintf(" (it is %v, want %v)", e.Mode, sharedMode)
	}
	return text
}

// Unwrap returns the cause.
func (e *AccessError) Unwrap() error { return e.Err }

// Acquire takes the lock for a run that people call command. As long as another
// has it, it tries again for up to wait (0: not at all) or until ctx ends, and then
// returns a [*HeldError].
//
// The lock is the open file's, not the process's: a second Acquire in one process
// is refused like any other.
func (f File) Acquire(ctx context.Context, command string, wait time.Duration) (*Lock, error) {
	if f.Path == "" {
		return nil, nil
	}
	deadline := time.Now().Add(wait)
	for {
		file, err := f.try()
		if err != nil {
			return nil, fmt.Errorf("lock %s: %w", f.What, err)
		}
		if file != nil {
			l := &Lock{file: file, holder: newHolder(command)}
			file.Truncate(0) // what the last holder said, if it was killed
			l.update()
			return l, nil
		}
		if left := time.Until(deadline); left > 0 {
			select {
			case <-time.After(min(left, pollEvery)):
				continue
			case <-ctx.Done():
			}
		}
		return nil, newHeldError(f)
	}
}

// try returns the file, open and locked, or nil if another has the lock.
func (f File) try() (*os.File, error) {
	for range maxTries {
		file, err := f.open()
		if err == errMoved {
			continue
		}
		if err != nil {
			return nil, err
		}
		locked, err := tryLock(file)
		if err == nil && locked {
			var same bool
			if same, err = f.check(file); same {
				return file, nil
			}
		}
		file.Close()
		if err != nil || !locked {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%s is replaced as fast as it is locked", f.Path)
}

// sharedMode is the mode of a lock file for every account, whatever the umask.
const sharedMode fs.FileMode = 0o666

// errMoved is what open returns for a file that somebody makes or removes meanwhile.
var errMoved = errors.New("made or removed meanwhile")

// open opens the lock file, and makes it if there is none. Without O_CREATE where
// there is one: Linux may refuse that for the file of another user in a directory
// that all can write to (fs.protected_regular).
func (f File) open() (*os.File, error) {
	info, err := os.Lstat(f.Path)
	if err == nil && !info.Mode().IsRegular() {
		// A link may lead anywhere, and what is locked is written to.
		return nil, fmt.Errorf("%s is not a regular file", f.Path)
	}
	if err == nil {
		file, err := os.OpenFile(f.Path, os.O_RDWR|openFlags, 0)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, errMoved
		case errors.Is(err, fs.ErrPermission):
			return nil, &AccessError{f.Path, f.Shared, info.Mode(), err}
		}
		return file, err
	}
	mode := fs.FileMode(0o600)
	if f.Shared {
		mode = sharedMode
	}
	file, err := os.OpenFile(f.Path, os.O_RDWR|os.O_CREATE|os.O_EXCL|openFlags, mode)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil, errMoved
	case err != nil:
		return nil, &AccessError{f.Path, f.Shared, 0, err}
	}
	return file, nil
}

// check reports whether the lock's path is the file that is locked. It returns an
// error if that has other names too: then it may be any file of this account.
func (f File) check(file *os.File) (same bool, err error) {
	info, err := file.Stat()
	if err != nil {
		return false, err
	}
	there, err := os.Lstat(f.Path)
	if err != nil || !there.Mode().IsRegular() || !os.SameFile(there, info) {
		return false, nil
	}
	if n := links(info); n > 1 {
		return false, fmt.Errorf("%s is another file as well: it has %d names, want 1", f.Path, n)
	}
	if f.Shared && info.Mode().Perm() != sharedMode {
		file.Chmod(sharedMode) // which only its owner can: a umask or a kill spoilt it
	}
	return true, nil
}

// File returns the open file of the lock, for a child to inherit: the lock is held
// until that has ended too, or until Release. It is nil if there is no lock.
//
// On Windows locks are a process's own, and no child can hold one.
func (l *Lock) File() *os.File {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file
}

// Progress lets those who are refused know how many rows are done. It may be
// called for every row: it writes the first time that there are any, and then only
// every few seconds. That also keeps the
// file young, where old files of a temporary directory are cleaned away.
func (l *Lock) Progress(rows int) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	first := l.holder.Rows == 0 && rows > 0
	if l.file == nil || !first && time.Since(l.updated) < updateEvery {
		return
	}
	l.holder.Rows = rows
	l.update()
}

// update writes who has the lock into its file. If that can't be done, nobody is
// the worse for it but those who would like to know.
func (l *Lock) update() {
	l.updated = time.Now()
	l.holder.write(l.file)
}

// Release gives the lock up, children that inherited it or not, and empties its
// file. To release again does nothing.
func (l *Lock) Release() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return
	}
	l.file.Truncate(0)
	unlock(l.file)
	l.file.Close()
	l.file = nil
}

// Package lock keeps two runs from writing to one results file, or to one tenant,
// at the same time.
//
// The lock is the kernel's lock on an open file. It holds as long as any process has that
// file open, and ends with the last of them, however it ends. On Unix a child can inherit
// the file ([Lock.File]): the lock of a run that was killed holds until its children have
// ended. The content of the file is only for people. A file that is there but not locked
// has no effect.
//
//	File.Acquire ─→ open or create ─→ kernel's lock ─→ is it still that file? ─→ Lock
//	                                      │
//	                                      └ held: what the file says of the holder
//
// rollcall never removes a lock file: otherwise a run could hold a lock on a file that
// others no longer see. A program that cleans temporary directories may remove it: that
// is why the last step checks the file again.
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
	updateEvery = 5 * time.Second        // between two updates of the file's content
	maxTries    = 100                    // for a file that other processes keep replacing
)

// A File is a lock file, and what it stands for. The zero File stands for nothing: its
// lock is always free.
type File struct {
	Path   string
	What   string // name of the thing that is locked, for messages
	Shared bool   // every account of the machine may lock it; if not set, only its owner
}

// A Lock is a lock that is held, until Release. It may be used by several goroutines at
// once. The methods of a nil Lock do nothing.
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

// Acquire takes the lock for a run with the given command line. While another run has it,
// Acquire tries again for up to wait, or until ctx ends, and then returns a [*HeldError];
// with a wait of 0 it tries once.
//
// The lock belongs to the open file, not to the process: a second Acquire in the same
// process is refused, too.
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
			file.Truncate(0) // removes what a killed holder left
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
	return nil, fmt.Errorf("%s was replaced each time it was locked", f.Path)
}

// sharedMode is the mode of a lock file for every account, whatever the umask.
const sharedMode fs.FileMode = 0o666

// errMoved is returned by open if another process makes or removes the file meanwhile.
var errMoved = errors.New("made or removed meanwhile")

// open opens the lock file, and makes it if there is none. It opens an existing file
// without O_CREATE: Linux may refuse that flag for another user's file in a directory
// that everyone can write to (fs.protected_regular).
func (f File) open() (*os.File, error) {
	info, err := os.Lstat(f.Path)
	if err == nil && !info.Mode().IsRegular() {
		// A link may lead to any file, and the lock file is written to.
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

// check reports whether f.Path still is the file that was locked. It returns an error if
// the file has other names, too: it may then be any file of this account.
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
		return false, fmt.Errorf("%s has %d names (hard links), want 1", f.Path, n)
	}
	if f.Shared && info.Mode().Perm() != sharedMode {
		file.Chmod(sharedMode) // only its owner can: a umask or a kill may have left another mode
	}
	return true, nil
}

// File returns the open file of the lock, for a child process to inherit: the lock is then
// held until the child has ended too, or until Release. It is nil if there is no lock.
//
// On Windows a lock belongs to one process, and no child can hold it.
func (l *Lock) File() *os.File {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file
}

// Progress writes how many rows are done into the lock file, for messages of waiting
// runs. It may be called for every row: it writes when the first ones are done, and then
// only every few seconds. That also keeps the file from being cleaned away as an old
// temporary file.
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

// update writes the holder into the lock file. It ignores errors: the content is only for
// people.
func (l *Lock) update() {
	l.updated = time.Now()
	l.holder.write(l.file)
}

// Release releases the lock, even if children have inherited it, and empties its file. A
// second Release does nothing.
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

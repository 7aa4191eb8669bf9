package main

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gofrs/flock"

	"rollcall/report"
)

const (
	lockPoll  = 200 * time.Millisecond // between two tries for a lock that is held
	lockTell  = 5 * time.Second        // between two updates of what its file says
	lockTries = 100                    // for a lock file that goes between open and lock
)

// A lock keeps others from what this process writes to, until release. What
// counts is the kernel's lock on an open file, which ends with its process
// however that ends. What the file says is for people, and for nothing else.
//
// A nil lock is of nothing: its methods do nothing.
type lock struct {
	path string
	keep bool // the file stays
	held *flock.Flock

	mu     sync.Mutex
	file   *os.File // to tell in, or nil
	holder holder
	told   time.Time
}

// A holder is what a lock file says of who has it, as JSON from the second byte
// on. The first is the one that is locked where locks are of regions (Windows),
// and could not be read there while somebody has the lock.
type holder struct {
	PID   int       `json:"pid"`
	Host  string    `json:"host,omitempty"`
	Since time.Time `json:"since"`
	Rows  int       `json:"rows"` // done, as of the last few seconds
}

// A heldError says that another run has the lock.
type heldError struct {
	what   string
	holder *holder // nil if it could not be found out
}

func (e *heldError) Error() string {
	text := e.what + " is held by another run"
	h := e.holder
	if h == nil {
		return text
	}
	text += fmt.Sprintf(": pid %d", h.PID)
	if h.Host != "" {
		text += " on host " + h.Host
	}
	return text + fmt.Sprintf(", since %s, %s done", h.Since.UTC().Format(time.RFC3339), report.Plural(h.Rows, "row"))
}

// acquire takes the lock on what people call what, whose lock file is path. As
// long as another has it, it tries again for up to wait (0: not at all) or until
// stop is closed, and then returns a [*heldError]. An empty path is the lock of
// nothing, nil.
//
// The lock is the open file's, not the process's: a second acquire in one
// process is refused like any other.
func acquire(path, what string, wait time.Duration, stop <-chan struct{}) (*lock, error) {
	if path == "" {
		return nil, nil
	}
	deadline := time.Now().Add(wait)
	for {
		l, err := tryLock(path)
		if err != nil {
			return nil, fmt.Errorf("lock %s: %w", what, err)
		}
		if l != nil {
			return l, nil
		}
		if left := time.Until(deadline); left > 0 {
			select {
			case <-time.After(min(left, lockPoll)):
				continue
			case <-stop:
			}
		}
		return nil, &heldError{what: what, holder: readHolder(path)}
	}
}

// tryLock takes the lock whose file is path, or returns nil if another has it.
//
// Whoever ends with a lock removes its file, so the file that was opened may be
// gone by the time it is locked, and another in its place: such a lock holds
// nobody off. Hence the look at what path is afterwards. As files are removed
// only by who has them locked, what is there then stays there.
func tryLock(path string) (*lock, error) {
	keep := filepath.Dir(path) == tenantLocks()
	for range lockTries {
		info, err := os.Lstat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			err = createLock(path, keep)
			if errors.Is(err, fs.ErrExist) {
				continue
			}
		case err == nil && !info.Mode().IsRegular():
			// In a directory that all can write to, a link may lead anywhere.
			err = fmt.Errorf("%s is not a regular file", path)
		}
		if err != nil {
			return nil, err
		}
		// Without O_CREATE, which Linux may refuse for a file of another user in a
		// directory that all can write to (fs.protected_regular).
		f := flock.New(path, flock.SetFlag(os.O_RDWR))
		switch locked, err := f.TryLock(); {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case isSharingViolation(err):
			return nil, nil // is being removed
		case err != nil:
			if _, ok := errors.AsType[*fs.PathError](err); !ok {
				err = fmt.Errorf("flock %s: %w", path, err)
			}
			return nil, err
		case !locked:
			return nil, nil
		}
		if l := (&lock{path: path, keep: keep, held: f}); l.stands() {
			l.introduce()
			return l, nil
		}
		f.Unlock()
	}
	return nil, fmt.Errorf("%s is replaced as fast as it is locked", path)
}

// createLock makes a lock file: for its owner alone, or, if it is one to keep,
// for every user of the machine, whatever the umask.
func createLock(path string, keep bool) error {
	mode := fs.FileMode(0o600)
	if keep {
		mode = 0o666
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	defer f.Close()
	if keep {
		return f.Chmod(mode)
	}
	return nil
}

// stands reports whether the lock's path is the file that is locked.
func (l *lock) stands() bool {
	there, err := os.Lstat(l.path)
	if err != nil {
		return false
	}
	locked, err := l.held.Stat()
	return err == nil && os.SameFile(there, locked)
}

// introduce writes who has the lock into its file. If that can't be done, nobody
// is the worse for it but those who would like to know.
func (l *lock) introduce() {
	// A handle of its own, which package flock does not give away. It stays open
	// as long as the lock, so that the file is the same one.
	file, err := os.OpenFile(l.path, os.O_WRONLY, 0)
	if err != nil {
		return
	}
	locked, err := l.held.Stat()
	info, ierr := file.Stat()
	if err != nil || ierr != nil || !os.SameFile(locked, info) {
		file.Close()
		return
	}
	l.file = file
	host, _ := os.Hostname()
	l.holder = holder{PID: os.Getpid(), Host: host, Since: time.Now().UTC().Truncate(time.Second)}
	l.file.Truncate(0) // what the last holder said, if it was killed
	l.tell()
	l.file.WriteAt([]byte("\n"), 0) // last: Windows refuses it
}

// tell brings the file up to date. It never gets shorter, but for what a reader
// does not look at: what is behind the JSON.
func (l *lock) tell() {
	l.told = time.Now()
	if b, err := json.Marshal(l.holder); err == nil {
		l.file.WriteAt(append(b, '\n'), 1)
	}
}

// progress lets those who are refused know how many rows are done. It may be
// called for every row: it writes only every few seconds. That also keeps the
// file young, where old files of the temp directory are cleaned away.
func (l *lock) progress(rows int) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil || time.Since(l.told) < lockTell {
		return
	}
	l.holder.Rows = rows
	l.tell()
}

// release gives the lock up and removes its file, or empties it if it is to stay.
// To release again does nothing.
func (l *lock) release() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		return
	}
	// Before the lock goes: afterwards the file may be somebody else's.
	removed := l.keep || !l.stands() || os.Remove(l.path) == nil
	if l.file != nil {
		if l.keep {
			l.file.Truncate(0)
		}
		l.file.Close()
		l.file = nil
	}
	l.held.Close()
	l.held = nil
	// Windows removes no file that is open, be it by us or by who has it next: so
	// there, and only there, this is late and yet safe.
	if !removed && runtime.GOOS == "windows" {
		os.Remove(l.path)
	}
}

// readHolder returns what the lock file says, or nil if that can't be made out:
// it may be half written, left by a holder that is dead, or written by anyone.
func readHolder(path string) *holder {
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	var h holder
	err = json.NewDecoder(io.NewSectionReader(f, 1, 4096)).Decode(&h)
	if err != nil || h.PID <= 0 || h.Since.IsZero() || h.Rows < 0 || len(h.Host) > 255 {
		return nil
	}
	if q := strconv.Quote(h.Host); q != `"`+h.Host+`"` {
		h.Host = q // it goes to a terminal
	}
	return &h
}

// isSharingViolation reports whether err is what Windows says of a file that
// somebody has open in a way that excludes ours.
func isSharingViolation(err error) bool {
	return runtime.GOOS == "windows" && errors.Is(err, syscall.Errno(32))
}

// resultsLock returns the lock file of a results file: beside it, and by its real
// name, so that whatever symbolic links lead there, it is one lock. (Hard links
// are two names, and two locks.) What is there and is not a file, a pipe or a
// device, needs none: "".
func resultsLock(results string) string {
	if info, err := os.Stat(results); err == nil && !info.Mode().IsRegular() {
		return ""
	}
	// By hand, as EvalSymlinks wants the file to be there.
	for range 40 {
		target, err := os.Readlink(results)
		if err != nil {
			break
		}
		if !filepath.IsAbs(target) {
			// Not joined: that would take out ".." before what is ahead of it is
			// resolved.
			dir, _ := filepath.Split(results)
			target = dir + target
		}
		results = target
	}
	dir, name := filepath.Split(results)
	if dir == "" {
		dir = "."
	}
	if resolved, err := filepath.EvalSymlinks(dir); err == nil {
		dir = resolved
	}
	return filepath.Join(dir, name+".lock")
}

// tenantLocks is the directory of the locks on tenants.
func tenantLocks() string { return filepath.Join(os.TempDir(), "rollcall-locks") }

// tenantLock returns the lock file for what writes to a noun of a tenant, whatever
// the case of their names. It makes the directory if there is none.
//
// It is one for all users of the machine who share a temp directory: anyone may
// make a file there and lock every file, nobody may remove another's. So anyone
// can keep others waiting as well, which is no more than a run of theirs could
// do; a TMPDIR of one's own is the way out. The files stay: they are few, one for
// each tenant and noun, and a file that stays is one that all users can lock.
func tenantLock(tenant, noun string) (string, error) {
	dir := tenantLocks()
	err := os.Mkdir(dir, 0o777)
	switch {
	case err == nil:
		err = os.Chmod(dir, 0o777|fs.ModeSticky) // whatever the umask
	case errors.Is(err, fs.ErrExist):
		var info fs.FileInfo
		if info, err = os.Lstat(dir); err == nil && !info.IsDir() {
			err = fmt.Errorf("%s is not a directory", dir)
		}
	}
	if err != nil {
		return "", fmt.Errorf("lock the tenant: %w", err)
	}
	sum := sha256.Sum256([]byte(strings.ToLower(tenant) + "\x00" + strings.ToLower(noun)))
	return filepath.Join(dir, fmt.Sprintf("%x.lock", sum[:8])), nil
}

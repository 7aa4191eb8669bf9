//go:build unix

package lock

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// openFlags keep the opening of a lock file from following a link, or waiting.
const openFlags = unix.O_NOFOLLOW | unix.O_NONBLOCK

// Dir returns the directory of the machine's locks: one that every account may
// write to, where nobody may remove another's file.
//
// It is not os.TempDir, which each account and each session may have of its own,
// nor /run/lock, which on some systems is for root alone, nor /dev/shm, from which
// systemd removes the files of an account that logs out.
func Dir() (string, error) { return "/var/tmp", nil }

// tryLock takes the kernel's lock on file, or reports that another has it.
func tryLock(file *os.File) (bool, error) {
	for {
		switch err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err {
		case nil:
			return true, nil
		case unix.EWOULDBLOCK:
			return false, nil
		case unix.EINTR:
		default:
			return false, &fs.PathError{Op: "flock", Path: file.Name(), Err: err}
		}
	}
}

// unlock gives the lock up for all who have the file open.
func unlock(file *os.File) { _ = unix.Flock(int(file.Fd()), unix.LOCK_UN) }

// links returns how many names a file has.
func links(info fs.FileInfo) uint64 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(s.Nlink)
	}
	return 1
}

// hasEnded reports whether there is no process with that number.
func hasEnded(pid int) bool { return errors.Is(unix.Kill(pid, 0), unix.ESRCH) }

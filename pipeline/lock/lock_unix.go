//go:build unix

package lock

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// openFlags make the opening of a lock file neither follow a link nor wait.
const openFlags = unix.O_NOFOLLOW | unix.O_NONBLOCK

// Dir returns the directory of the machine's locks. Every account may write to it, and no
// account may remove the file of another.
//
// It is not os.TempDir, which may be different for each account and session; not
// /run/lock, which on some systems only root may write to; and not /dev/shm, from which
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

// unlock releases the lock for all processes that have the file open.
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

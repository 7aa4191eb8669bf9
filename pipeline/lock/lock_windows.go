package lock

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/windows"
)

// openFlags are none: no account makes symbolic links on Windows unless it is
// trusted to.
const openFlags = 0

// rights are those of the directory of locks: every account may make a file there,
// and read and write those of others; only its owner, and administrators, may
// remove one.
const rights = "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICIIO;FA;;;CO)(A;;0x1200ab;;;AU)(A;OIIO;FRFW;;;AU)"

// Dir returns the directory of the machine's locks, which it makes if there is
// none: %ProgramData%\rollcall\locks, as the temporary directory is one for each
// account and each remote session.
func Dir() (string, error) {
	data, err := windows.KnownFolderPath(windows.FOLDERID_ProgramData, 0)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(data, "rollcall", "locks")
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o777); err != nil {
		return "", &AccessError{dir, true, 0, err}
	}
	descriptor, err := windows.SecurityDescriptorFromString(rights)
	if err != nil {
		return "", err
	}
	name, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return "", err
	}
	as := windows.SecurityAttributes{SecurityDescriptor: descriptor}
	as.Length = uint32(unsafe.Sizeof(as))
	if err := windows.CreateDirectory(name, &as); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", &AccessError{dir, true, 0, &fs.PathError{Op: "mkdir", Path: dir, Err: err}}
	}
	return dir, nil
}

// region is the byte that is locked: far behind what the file says, which anyone
// can read meanwhile.
func region() *windows.Overlapped { return &windows.Overlapped{OffsetHigh: 1 << 30} }

// tryLock takes the kernel's lock on file, or reports that another has it.
func tryLock(file *os.File) (bool, error) {
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	switch err := windows.LockFileEx(windows.Handle(file.Fd()), flags, 0, 1, 0, region()); err {
	case nil:
		return true, nil
	case windows.ERROR_LOCK_VIOLATION, windows.ERROR_IO_PENDING:
		return false, nil
	default:
		return false, &fs.PathError{Op: "lock", Path: file.Name(), Err: err}
	}
}

// unlock gives the lock up.
func unlock(file *os.File) {
	_ = windows.UnlockFileEx(windows.Handle(file.Fd()), 0, 1, 0, region())
}

// links returns how many names a file has, as far as it is known.
func links(fs.FileInfo) uint64 { return 1 }

// hasEnded reports whether there is no process with that number. What a process
// has locked goes with it, so that is no question here.
func hasEnded(int) bool { return false }

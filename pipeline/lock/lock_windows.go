package lock

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/windows"
)

// openFlags has no flags: on Windows only trusted accounts can make symbolic links.
const openFlags = 0

// rights are the access rights of the directory of locks: every account may make files in
// it, and read and write the files of others; only the owner of a file and administrators
// may remove it.
const rights = "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICIIO;FA;;;CO)(A;;0x1200ab;;;AU)(A;OIIO;FRFW;;;AU)"

// Dir returns the directory of the machine's locks, %ProgramData%\rollcall\locks, and
// makes it if there is none. The temporary directory would not do: each account and each
// remote session has its own.
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

// region is the byte that is locked. It is far behind the content of the file, so that
// the content can be read meanwhile.
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

// unlock releases the lock.
func unlock(file *os.File) {
	_ = windows.UnlockFileEx(windows.Handle(file.Fd()), 0, 1, 0, region())
}

// links returns how many names a file has, as far as it is known.
func links(fs.FileInfo) uint64 { return 1 }

// hasEnded always returns false: on Windows a lock ends with its process.
func hasEnded(int) bool { return false }

package disk

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

// isBusy reports whether err is what Windows says of a file that somebody has
// open. Of one that is to be replaced it says no more than that access is denied.
func isBusy(err error) bool {
	return errors.Is(err, windows.ERROR_SHARING_VIOLATION) || errors.Is(err, windows.ERROR_ACCESS_DENIED)
}

// CanReplace returns an error if the file called name is there and [Rename] could
// not put another in its place.
func CanReplace(name string) error {
	return patiently(func() error { return canReplace(name) }, func(err error) bool { return isBusy(err) || err == ErrOpen })
}

func canReplace(name string) error {
	path, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return err
	}
	// What a rename asks for of the file that it replaces.
	const shared = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE
	h, err := windows.CreateFile(path, windows.DELETE, shared, nil, windows.OPEN_EXISTING, windows.FILE_FLAG_BACKUP_SEMANTICS, 0)
	switch {
	case errors.Is(err, windows.ERROR_SHARING_VIOLATION):
		return ErrOpen
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	windows.CloseHandle(h)
	if info, err := os.Stat(name); err == nil && info.Mode().Perm()&0o200 == 0 {
		return errors.New("it is read-only")
	}
	return nil
}

// explain returns err, of what was done to the file called name, in plain words if
// they are known.
func explain(op, name string, err error) error {
	if err == nil || !isBusy(err) {
		return err
	}
	why := canReplace(name)
	if why == nil && errors.Is(err, windows.ERROR_SHARING_VIOLATION) {
		why = ErrOpen // a moment ago
	}
	if why == nil {
		return err
	}
	return &fs.PathError{Op: op, Path: name, Err: why}
}

// SyncDir does nothing: there is no way to bring a change of names to the disk.
func SyncDir(string) error { return nil }

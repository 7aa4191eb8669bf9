package disk

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// ErrExists is the cause of the error of a file that is there already and not empty.
var ErrExists = errors.New("there is one already")

// CheckReplace returns the error that [Replace] would return for a file called name:
// [ErrExists] if it is there already, unless overwrite is set.
func CheckReplace(name string, overwrite bool) error {
	switch info, err := os.Stat(name); {
	case err == nil && !info.Mode().IsRegular():
		return fmt.Errorf("create %s: %w", name, errors.New("not a regular file"))
	case err == nil && info.Size() > 0 && !overwrite:
		return fmt.Errorf("create %s: %w", name, ErrExists)
	}
	return CanWriteFile(name)
}

// Replace is [WriteFile] for a file that only its owner can read. It is an error if the file
// is there already, unless overwrite is set.
func Replace(name string, overwrite bool, write func(io.Writer) error) error {
	if err := CheckReplace(name, overwrite); err != nil {
		return err
	}
	return WriteFile(name, 0o600, write)
}

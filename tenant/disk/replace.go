package disk

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// ErrExists is in the error of a file that is there already and holds something.
var ErrExists = errors.New("there is one already")

// CheckReplace finds out whether [Replace] could write a file called name: it
// returns [ErrExists] for one that is there already, unless overwrite says to
// replace it.
func CheckReplace(name string, overwrite bool) error {
	switch info, err := os.Stat(name); {
	case err == nil && !info.Mode().IsRegular():
		return fmt.Errorf("create %s: %w", name, errors.New("not a regular file"))
	case err == nil && info.Size() > 0 && !overwrite:
		return fmt.Errorf("create %s: %w", name, ErrExists)
	}
	return CanWriteFile(name)
}

// Replace is [WriteFile] of a file that is readable by its owner alone, and that
// is not there yet unless overwrite says to replace it.
func Replace(name string, overwrite bool, write func(io.Writer) error) error {
	if err := CheckReplace(name, overwrite); err != nil {
		return err
	}
	return WriteFile(name, 0o600, write)
}

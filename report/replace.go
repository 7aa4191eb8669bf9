package report

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// CheckReplace finds out whether [Replace] could write a file called name: it
// returns [ErrExists] for one that is there already, unless overwrite says to
// replace it.
func CheckReplace(name string, overwrite bool) error {
	info, err := os.Stat(name)
	switch {
	case err == nil && !info.Mode().IsRegular():
		err = errors.New("not a regular file")
	case err == nil && info.Size() > 0 && !overwrite:
		err = ErrExists
	case err == nil || errors.Is(err, fs.ErrNotExist):
		err = tryTemp(filepath.Dir(name))
	}
	if err != nil {
		return fmt.Errorf("create %s: %w", name, cause(err))
	}
	return nil
}

func tryTemp(dir string) error {
	f, err := os.CreateTemp(dir, ".rollcall-*")
	if err != nil {
		return err
	}
	f.Close()
	return os.Remove(f.Name())
}

// Replace puts what write writes into the file called name, readable by its owner
// alone. Whenever that is cut short, what was there before is there as a whole.
func Replace(name string, overwrite bool, write func(io.Writer) error) error {
	if err := CheckReplace(name, overwrite); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".rollcall-*") // with mode 0600
	if err != nil {
		return fmt.Errorf("create %s: %w", name, cause(err))
	}
	b := bufio.NewWriterSize(f, bufferSize)
	if err = write(b); err == nil {
		err = b.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("write %s: %w", name, cause(err))
	}
	return syncDir(filepath.Dir(name))
}

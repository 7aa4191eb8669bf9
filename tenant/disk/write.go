package disk

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// temporary is the pattern of the names that files have until they are whole.
const temporary = ".rollcall-*.tmp"

// IsTemporary reports whether a file in a directory has a name as those have that a
// process was writing when it was killed.
func IsTemporary(name string) bool {
	ours, _ := filepath.Match(temporary, name)
	return ours
}

// WriteFile replaces the file called name by what write writes, as a whole: at any moment,
// also if it is cut short, a reader sees either the old or the new content. A pipe or a
// device is written to directly.
func WriteFile(name string, perm os.FileMode, write func(io.Writer) error) error {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return writeDevice(name, write)
	}
	if real, err := filepath.EvalSymlinks(name); err == nil {
		name = real // the link stays
	}
	return ReplaceFile(name, perm, write)
}

// ReplaceFile is like WriteFile, but it replaces a link instead of following it.
func ReplaceFile(name string, perm os.FileMode, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(name), temporary)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, Cause(err))
	}
	b := bufio.NewWriterSize(f, 64<<10)
	if err = write(b); err == nil {
		err = b.Flush()
	}
	if err == nil {
		err = f.Chmod(perm)
	}
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("write %s: %w", name, Cause(err))
	}
	return SyncDir(filepath.Dir(name))
}

func writeDevice(name string, write func(io.Writer) error) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, Cause(err))
	}
	err = write(f)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// CanWriteFile returns an error if it can be found out that WriteFile could not write the
// file called name.
func CanWriteFile(name string) error {
	switch info, err := os.Stat(name); {
	case err == nil && info.IsDir():
		return fmt.Errorf("write %s: is a directory", name)
	case err == nil && !info.Mode().IsRegular():
		return nil
	}
	if err := CanReplace(name); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	f, err := os.CreateTemp(filepath.Dir(name), temporary)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, Cause(err))
	}
	f.Close()
	return Remove(f.Name())
}

// Cause returns err without the operation and the paths that package os puts before it.
func Cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return e.Err
	}
	return err
}

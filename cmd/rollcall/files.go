package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// A namedFile is a file that the command line names.
type namedFile struct {
	what, name string
	written    bool
}

// distinct returns an error if two of the files are the same and one of them is
// written.
func (a *app) distinct(files ...namedFile) error {
	for i, x := range files {
		for _, y := range files[:i] {
			if (x.written || y.written) && a.sameFile(x.name, y.name) {
				return usage(fmt.Errorf("%s and %s are the same file, %s: want two files", y.what, x.what, x.name))
			}
		}
	}
	return nil
}

// sameFile reports whether two names are of one file, or would be once it is made. A -
// is standard input. Two names of one device, such as /dev/null, do not count.
func (a *app) sameFile(x, y string) bool {
	if x == "" || y == "" {
		return false
	}
	info, err := a.stat(x)
	other, oerr := a.stat(y)
	if err == nil && oerr == nil {
		return info.Mode().IsRegular() && os.SameFile(info, other)
	}
	return err != nil && oerr != nil && x != "-" && y != "-" && place(x) == place(y)
}

func (a *app) stat(name string) (os.FileInfo, error) {
	if name != "-" {
		return os.Stat(name)
	}
	if stdin, ok := a.in.(*os.File); ok {
		return stdin.Stat()
	}
	return nil, errors.New("standard input is not a file")
}

// place returns a path that is the same for all names of a file that does not exist.
func place(name string) string {
	dir, base := filepath.Split(name)
	if real, err := filepath.EvalSymlinks(filepath.Clean(dir)); err == nil {
		dir = real
	}
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	return filepath.Join(dir, base)
}

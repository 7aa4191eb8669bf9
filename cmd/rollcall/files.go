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

// distinct refuses a command line by which two files that are written are one, or
// one would replace what is read.
func (a *app) distinct(files ...namedFile) error {
	for i, x := range files {
		for _, y := range files[:i] {
			if (x.written || y.written) && a.sameFile(x.name, y.name) {
				return usage(fmt.Errorf("%s and %s are one file, %s: want two", y.what, x.what, x.name))
			}
		}
	}
	return nil
}

// sameFile reports whether two names are of one file, or would be. A - is
// standard input. What is not a file, /dev/null for one, has room for both.
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

// place returns what is the same for all names of a file that is not there.
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

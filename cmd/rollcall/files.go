package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// A namedFile is a file that the command line names.
type namedFile struct {
	flag, name string
	written    bool
}

// distinct refuses a command line by which two files that are written are one, or
// one would replace what is read.
func distinct(files ...namedFile) error {
	for i, a := range files {
		for _, b := range files[:i] {
			if (a.written || b.written) && sameFile(a.name, b.name) {
				return usage(fmt.Errorf("%s and %s are one file, %s: want two", b.flag, a.flag, a.name))
			}
		}
	}
	return nil
}

// sameFile reports whether two names are of one file, or would be. What is not a
// file, /dev/null for one, has room for both.
func sameFile(a, b string) bool {
	if a == "" || b == "" || a == "-" || b == "-" {
		return false
	}
	if info, err := os.Stat(a); err == nil {
		other, err := os.Stat(b)
		return err == nil && info.Mode().IsRegular() && os.SameFile(info, other)
	}
	x, err := filepath.Abs(a)
	if err != nil {
		return false
	}
	y, err := filepath.Abs(b)
	return err == nil && x == y
}

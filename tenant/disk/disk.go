// Package disk renames, removes, opens and replaces files in a way that also works on
// Windows. There a virus scanner, a backup or a cloud drive often has a file open for a
// moment, and other programs can't rename, remove or open it meanwhile.
package disk

import (
	"errors"
	"os"
	"time"
)

// ErrOpen is the cause of the error of a file that another program has open. It occurs
// only on Windows.
var ErrOpen = errors.New("it is open in another program")

// patience is how long an operation is tried again.
const patience = 2 * time.Second

// Rename is [os.Rename], which replaces an existing file. While another program has one of
// the files open it tries again, for about two seconds.
func Rename(from, to string) error {
	return explain("replace", to, patiently(func() error { return os.Rename(from, to) }, isBusy))
}

// Remove is [os.Remove]. While another program has the file open it tries again, for about
// two seconds.
func Remove(name string) error {
	return explain("remove", name, patiently(func() error { return os.Remove(name) }, isBusy))
}

// OpenFile is [os.OpenFile]. While another program has the file open exclusively it tries
// again, for about two seconds.
func OpenFile(name string, flag int, perm os.FileMode) (f *os.File, err error) {
	err = patiently(func() error {
		f, err = os.OpenFile(name, flag, perm)
		return err
	}, isBusy)
	return f, explain("open", name, err)
}

// patiently calls do until it returns nil, an error that busy does not know, or
// patience ends.
func patiently(do func() error, busy func(error) bool) error {
	end := time.Now().Add(patience)
	for wait := time.Millisecond; ; wait *= 2 {
		err := do()
		left := time.Until(end)
		if err == nil || !busy(err) || left <= 0 {
			return err
		}
		time.Sleep(min(wait, left))
	}
}
